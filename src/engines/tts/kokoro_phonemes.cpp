#include "engines/tts/kokoro_phonemes.h"

#include "base/file.h"
#include "base/json_util.h"
#include "engines/tts/phonemizer.h"

#include <array>

namespace morgan::engines {

namespace {

struct Rule {
  std::u32string_view from;
  std::u32string_view to;
};

// Symbols in the order of the rules below: esh 0283, ezh 0292, turned r 0279, small capital i 026A, upsilon
// 028A, schwa 0259, open o 0254, open e 025B, reversed open e 025C, length 02D0, stress 02C8 and 02CC.

/// Applied first to last. The longer of two that share a beginning comes first.
constexpr std::array kBritish = {
    Rule{U"e^\u0259", U"\u025B\u02D0"},  // "there"
    Rule{U"i\u0259", U"\u026A\u0259"},   // "near"
    Rule{U"\u0259^\u028A", U"Q"},        // "go"
};

constexpr std::array kEveryone = {
    Rule{U"^\u0279", U"\u0279"},  // the r that links to a vowel is a sound of its own
    Rule{U"k\u0259k\u02C8o\u02D0\u0279", U"k\u02C8o^\u028Ak\u0259\u0279"},  // the model's own name
    Rule{U"k\u0259k\u02C8\u0254\u02D0\u0279", U"k\u02C8o^\u028Ak\u0259\u0279"},
    Rule{U"\u0294\u02CCn\u0329", U"t\u1D4An"},  // "button"
    Rule{U"\u0294n\u0329", U"t\u1D4An"},
    Rule{U"\u0294n", U"t\u1D4An"},
    Rule{U"\u0294", U"t"},
    Rule{U"a^\u026A", U"I"},        // "my"
    Rule{U"a^\u028A", U"W"},        // "now"
    Rule{U"e^\u026A", U"A"},        // "day"
    Rule{U"\u0254^\u026A", U"Y"},   // "boy"
    Rule{U"d^\u0292", U"\u02A4"},   // "joy"
    Rule{U"t^\u0283", U"\u02A7"},   // "church"
    Rule{U"\u0259^l", U"\u1D4Al"},  // "bottle"
    Rule{U"\u02B2o", U"jo"},
    Rule{U"\u02B2\u0259", U"j\u0259"},
    Rule{U"\u02B2", U""},
    Rule{U"\u025A", U"\u0259\u0279"},  // "better"
    Rule{U"e", U"A"},
    Rule{U"r", U"\u0279"},
    Rule{U"x", U"k"},  // "loch"
    Rule{U"\u00E7", U"k"},
    Rule{U"\u0250", U"\u0259"},  // "about"
    Rule{U"\u026C", U"l"},       // Welsh "ll"
    Rule{U"\u0303", U""},        // nasal vowels
};

constexpr std::array kAmerican = {
    Rule{U"n\u02C8Inti ", U"n\u02C8Indi "},  // "ninety" is said with a d, "nineteen" is not
    Rule{U"o^\u028A", U"O"},                 // "go"
    Rule{U"\u025C\u02D0\u0279", U"\u025C\u0279"},
    Rule{U"\u025C\u02D0", U"\u025C\u0279"},  // "bird"
    Rule{U"\u026A\u0259", U"i\u0259"},
    Rule{U"\u02D0", U""},   // no long vowels
    Rule{U"\u027E", U"T"},  // the tap of "water"
};

/// One left-to-right pass for all rules at once would let none see another's result; a pass per rule does.
/// What is put in belongs to the first word of what it replaces.
void replace_all(Phonemes& text, std::u32string_view from, std::u32string_view to) {
  for (std::size_t at = text.codes.find(from); at != std::u32string::npos; at = text.codes.find(from, at + to.size())) {
    text.codes.replace(at, from.size(), to);
    const auto words = text.words.begin() + static_cast<std::ptrdiff_t>(at);
    const std::uint32_t word = *words;
    text.words.erase(words, words + static_cast<std::ptrdiff_t>(from.size()));
    text.words.insert(text.words.begin() + static_cast<std::ptrdiff_t>(at), to.size(), word);
  }
}

/// "n" with the syllable mark below becomes schwa + "n": bottle, button.
Phonemes without_syllabic_marks(const Phonemes& ipa) {
  constexpr char32_t kSyllabic = 0x0329;
  Phonemes out;
  for (std::size_t i = 0; i < ipa.codes.size(); ++i) {
    if (ipa.codes[i] == kSyllabic) continue;
    if (i + 1 < ipa.codes.size() && ipa.codes[i + 1] == kSyllabic) out.append(0x1D4A, ipa.words[i]);
    out.append(ipa.codes[i], ipa.words[i]);
  }
  return out;
}

/// Where to end a piece that must not exceed `limit`: after the last mark in its second half, else after the
/// last blank, else at the limit.
std::size_t piece_end(std::u32string_view symbols, std::size_t begin, std::size_t limit) {
  if (symbols.size() - begin <= limit) return symbols.size();
  std::size_t at_mark = 0;
  std::size_t at_blank = 0;
  for (std::size_t i = begin + limit / 2; i < begin + limit; ++i) {
    if (is_kept_mark(symbols[i])) at_mark = i + 1;
    if (symbols[i] == ' ') at_blank = i + 1;
  }
  if (at_mark != 0) return at_mark;
  return at_blank != 0 ? at_blank : begin + limit;
}

}  // namespace

Result<KokoroVocabulary> KokoroVocabulary::load(const std::filesystem::path& file) {
  constexpr std::uint64_t kLimit = 1U << 20;
  MORGAN_TRY(const std::string content, read_file(file, kLimit));
  const auto corrupt = [&file](const std::string& why) {
    return fail(ErrorCode::kCorrupt, "the vocabulary " + file.string() + " is damaged: " + why);
  };
  const Result<Json> parsed = parse_json_object(content);
  if (!parsed) return corrupt(parsed.error().message);
  const auto vocab = parsed->find("vocab");
  if (vocab == parsed->end() || !vocab->is_object()) return corrupt("it has no object 'vocab'");
  KokoroVocabulary vocabulary;
  for (const auto& [symbol, token] : vocab->items()) {
    const std::vector<char32_t> codes = code_points(symbol);
    if (codes.size() != 1 || !token.is_number_integer())
      return corrupt("'" + symbol + "' is not a symbol with a number");
    const auto number = token.get<std::int64_t>();
    constexpr std::int64_t kModelTokens = 178;
    if (number <= 0 || number >= kModelTokens) return corrupt("'" + symbol + "' has a number outside the model's 178");
    vocabulary.tokens_[codes[0]] = number;
  }
  if (!vocabulary.contains(U" .,\u0259\u02C8")) return corrupt("it lacks common symbols");
  return vocabulary;
}

bool KokoroVocabulary::contains(std::u32string_view symbols) const {
  for (const char32_t code : symbols) {
    if (code != '^' && !tokens_.contains(code)) return false;
  }
  return true;
}

Phonemes KokoroVocabulary::to_symbols(Phonemes ipa, bool british) const {
  const auto apply = [&](std::span<const Rule> rules) {
    for (const Rule& rule : rules) {
      if (contains(rule.to)) replace_all(ipa, rule.from, rule.to);
    }
  };
  if (british) apply(kBritish);
  apply(kEveryone);
  ipa = without_syllabic_marks(ipa);
  if (!british) apply(kAmerican);
  // What espeak-ng before 1.52 writes as "o" alone is the vowel of "north".
  replace_all(ipa, U"o", U"\u0254");
  replace_all(ipa, U"^", U"");
  return ipa;
}

std::vector<KokoroTokens> KokoroVocabulary::to_tokens(const Phonemes& symbols) const {
  Phonemes known;
  for (std::size_t i = 0; i < symbols.codes.size(); ++i) {
    if (tokens_.contains(symbols.codes[i])) known.append(symbols.codes[i], symbols.words[i]);
  }
  std::vector<KokoroTokens> pieces;
  for (std::size_t begin = 0; begin < known.codes.size();) {
    const std::size_t end = piece_end(known.codes, begin, kKokoroMaxTokens);
    KokoroTokens& piece = pieces.emplace_back();
    for (std::size_t i = begin; i < end; ++i) {
      const char32_t code = known.codes[i];
      piece.tokens.push_back(tokens_.at(code));
      piece.words.push_back(code == ' ' || is_kept_mark(code) ? kNoWord : known.words[i]);
    }
    begin = end;
  }
  return pieces;
}

}  // namespace morgan::engines
