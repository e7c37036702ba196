#include "engines/tts/phonemizer.h"

#include "engines/tts/phoneme_match.h"

#include <espeak-ng/speak_lib.h>

#include <algorithm>
#include <mutex>

namespace morgan::engines {

namespace {

constexpr char32_t kEmDash = 0x2014;
constexpr char32_t kEllipsis = 0x2026;
constexpr char32_t kLeftQuote = 0x201C;
constexpr char32_t kRightQuote = 0x201D;

bool is_blank(char32_t code) {
  return code == ' ' || code == '\t' || code == '\n' || code == '\r';
}

bool is_digit(char32_t code) {
  return code >= '0' && code <= '9';
}

bool is_ascii_letter(char32_t code) {
  return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
}

/// What an English voice says as words or letters: Latin with its accents, Greek letters by their names,
/// punctuation, currency and other signs. All else it would spell as "Chinese letter", "Arabic meem".
bool is_sayable(char32_t code) {
  if (code < 0x20 || code == 0x7F) return false;
  if (code < 0x0250) return code < 0x80 || code >= 0xA0;  // Latin
  if (code >= 0x0300 && code <= 0x036F) return true;      // combining accents
  if (code >= 0x0370 && code <= 0x03FF) return true;      // Greek
  if (code >= 0x1E00 && code <= 0x1EFF) return true;      // Latin with two accents
  if (code >= 0x2010 && code <= 0x2027) return true;      // dashes, quotes, ellipsis
  if (code >= 0x2030 && code <= 0x2044) return true;      // per mille, prime, fraction bar
  if (code >= 0x2070 && code <= 0x22FF) return true;      // raised digits, currency, signs, arrows
  return false;
}

/// The same character as espeak-ng and the models know it.
char32_t plain_form(char32_t code) {
  switch (code) {
    case 0x2018:
    case 0x2019:
    case 0x02BC:
      return '\'';
    case 0x2010:
    case 0x2011:
      return '-';
    case 0x2012:
    case 0x2013:
    case 0x2015:
      return kEmDash;
    case 0x201E:
    case 0x201F:
    case 0x00AB:
      return kLeftQuote;
    case 0x00BB:
      return kRightQuote;
    case 0x3002:
      return '.';
    case 0xFF01:
      return '!';
    case 0xFF1F:
      return '?';
    case 0x3001:
    case 0xFF0C:
      return ',';
    case 0x00A0:
    case 0x2007:
    case 0x202F:
    case '\t':
    case '\n':
    case '\r':
      return ' ';
    case '[':
    case ']':
    case '{':
    case '}':
    case 0x00A1:
    case 0x00BF:
      return ' ';
    default:
      return code;
  }
}

/// The text as espeak-ng should see it, each character with its word.
Phonemes sayable_characters(std::string_view text) {
  Phonemes characters;
  bool in_word = false;
  std::uint32_t words = 0;
  for (const char32_t code : code_points(text)) {
    if (!is_blank(code) && !in_word) ++words;
    in_word = !is_blank(code);
    const char32_t plain = plain_form(code);
    characters.append(is_sayable(plain) ? plain : ' ', words == 0 ? 0 : words - 1);
  }
  return characters;
}

/// Tells the comma of "Well, then" from the one of "1,000", the stop of "end." from that of "e.g".
bool is_mark_at(std::u32string_view text, std::size_t at) {
  const char32_t code = text[at];
  if (!is_kept_mark(code)) return false;
  if (at == 0 || at + 1 == text.size()) return true;
  const char32_t before = text[at - 1];
  const char32_t after = text[at + 1];
  const bool within_number = is_digit(before) && is_digit(after);
  const bool within_word = (is_ascii_letter(before) || is_digit(before)) && (is_ascii_letter(after) || is_digit(after));
  if (code == ',') return !within_number;
  if (code == '.' || code == ':') return !within_word;
  return true;
}

/// espeak-ng keeps its state in globals: one of these per process, used under one lock.
class Espeak {
 public:
  static Espeak& instance() {
    static Espeak espeak;
    return espeak;
  }

  std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }

  Result<void> use_voice(const std::string& voice) {
    if (!ready_) {
      return fail(ErrorCode::kUnavailable,
                  "espeak-ng does not start: its data is missing; install the package espeak-ng-data or set "
                  "ESPEAK_DATA_PATH");
    }
    if (voice == voice_) return {};
    voice_.clear();
    if (espeak_SetVoiceByName(voice.c_str()) != EE_OK) {
      return fail(ErrorCode::kNotFound, "espeak-ng has no voice '" + voice + "'");
    }
    voice_ = voice;
    return {};
  }

  /// IPA of a text within one clause. The voice is set.
  static std::string translate(const std::string& clause, PhonemeTies ties) {
    constexpr int kIpa = 0x02;
    constexpr int kTie = 0x80 | ('^' << 8);
    const int mode = ties == PhonemeTies::kCaret ? kIpa | kTie : kIpa;
    std::string ipa;
    const void* rest = clause.c_str();
    // Each call takes what espeak-ng believes to be a clause; a text without an end would hang us.
    for (std::size_t calls = 0; rest != nullptr && calls <= clause.size(); ++calls) {
      const char* part = espeak_TextToPhonemes(&rest, espeakCHARS_UTF8, mode);
      if (part == nullptr || *part == '\0') continue;
      if (!ipa.empty()) ipa += ' ';
      ipa += part;
    }
    return ipa;
  }

 private:
  Espeak()
      : ready_(espeak_Initialize(AUDIO_OUTPUT_RETRIEVAL, 0, nullptr, espeakINITIALIZE_DONT_EXIT) != EE_INTERNAL_ERROR) {
  }

  std::mutex mutex_;
  bool ready_ = false;
  std::string voice_;
};

/// IPA without "(fr)" before and "(en-us)" after a word that espeak-ng took for another language's, and with
/// single blanks.
std::u32string without_language_flags(std::string_view ipa) {
  std::u32string out;
  bool in_flag = false;
  for (const char32_t code : code_points(ipa)) {
    if (code == '(') {
      in_flag = true;
    } else if (code == ')') {
      in_flag = false;
    } else if (!in_flag && (code != ' ' || (!out.empty() && out.back() != ' '))) {
      out += code;
    }
  }
  while (!out.empty() && out.back() == ' ')
    out.pop_back();
  return out;
}

/// What of a clause espeak-ng is given, and the words in it.
struct Clause {
  std::string text;
  std::vector<std::string> words;     ///< without blanks
  std::vector<std::uint32_t> places;  ///< of each word, in the whole text

  void append(char32_t code, std::uint32_t place) {
    if (code != ' ') {
      if (words.empty() || text.ends_with(' ') || places.back() != place) {
        words.emplace_back();
        places.push_back(place);
      }
      append_code_point(words.back(), code);
    }
    append_code_point(text, code);
  }
};

/// Which word each phoneme of a clause is heard in. espeak-ng writes some words together ("of the") and others
/// apart, so the blanks alone do not tell when there are not as many of them as between the words. Then each word
/// is translated alone, and the phonemes of the clause are matched with those of the words.
std::vector<std::uint32_t> words_of(const std::u32string& ipa, const Clause& clause, PhonemeTies ties) {
  const auto blanks = static_cast<std::size_t>(std::count(ipa.begin(), ipa.end(), U' '));
  std::vector<std::uint32_t> words;
  words.reserve(ipa.size());
  if (blanks + 1 == clause.words.size()) {
    std::size_t word = 0;
    for (const char32_t code : ipa) {
      words.push_back(clause.places[word]);
      if (code == ' ') ++word;
    }
    return words;
  }
  Phonemes apart;
  for (std::size_t i = 0; i < clause.words.size(); ++i) {
    for (const char32_t code : without_language_flags(Espeak::translate(clause.words[i], ties)))
      apart.append(code, clause.places[i]);
  }
  return matched_words(ipa, apart);
}

}  // namespace

std::vector<char32_t> code_points(std::string_view text) {
  std::vector<char32_t> codes;
  codes.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 0;
    if (size == 0 || i + size > text.size()) {
      ++i;
      continue;
    }
    char32_t code = size == 1 ? lead : lead & (0xFFU >> (size + 1));
    for (std::size_t k = 1; k < size; ++k)
      code = (code << 6) | (static_cast<unsigned char>(text[i + k]) & 0x3FU);
    codes.push_back(code);
    i += size;
  }
  return codes;
}

void append_code_point(std::string& out, char32_t code) {
  const auto put = [&out](char32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

bool is_kept_mark(char32_t code) {
  switch (code) {
    case ';':
    case ':':
    case ',':
    case '.':
    case '!':
    case '?':
    case '"':
    case '(':
    case ')':
    case kEmDash:
    case kEllipsis:
    case kLeftQuote:
    case kRightQuote:
      return true;
    default:
      return false;
  }
}

bool Phonemes::has_sound() const {
  return std::any_of(codes.begin(), codes.end(),
                     [](char32_t code) { return !is_blank(code) && !is_kept_mark(code) && code != '^'; });
}

Result<Phonemes> phonemize(std::string_view text, const std::string& voice, PhonemeTies ties) {
  const Phonemes characters = sayable_characters(text);
  Espeak& espeak = Espeak::instance();
  const auto lock = espeak.lock();
  MORGAN_CHECK_OK(espeak.use_voice(voice));

  Phonemes phonemes;
  Clause clause;
  const auto blank = [&](std::uint32_t word) {
    if (!phonemes.codes.empty() && phonemes.codes.back() != ' ') phonemes.append(' ', word);
  };
  const auto end_clause = [&] {
    if (!clause.words.empty()) {
      if (clause.text.front() == ' ') blank(clause.places.front());
      const std::u32string ipa = without_language_flags(Espeak::translate(clause.text, ties));
      const std::vector<std::uint32_t> words = words_of(ipa, clause, ties);
      for (std::size_t i = 0; i < ipa.size(); ++i)
        phonemes.append(ipa[i], words[i]);
    }
    if (clause.text.ends_with(' ') && !phonemes.words.empty()) blank(phonemes.words.back());
    clause = {};
  };
  for (std::size_t i = 0; i < characters.codes.size(); ++i) {
    if (is_mark_at(characters.codes, i)) {
      end_clause();
      phonemes.append(characters.codes[i], characters.words[i]);
    } else {
      clause.append(characters.codes[i], characters.words[i]);
    }
  }
  end_clause();
  while (!phonemes.codes.empty() && phonemes.codes.back() == ' ')
    phonemes.drop_last();
  return phonemes;
}

}  // namespace morgan::engines
