#include "engines/tts/kokoro_phonemes.h"

#include "base/file.h"
#include "base/json_util.h"
#include "engines/tts/phonemizer.h"

#include <array>

namespace morgan::engines {

namespace {

struct Rule {
  std::string_view from;
  std::string_view to;
};

// Symbols in the order of the rules below: esh 0283, ezh 0292, turned r 0279, small capital i 026A, upsilon
// 028A, schwa 0259, open o 0254, open e 025B, reversed open e 025C, length 02D0, stress 02C8 and 02CC.

/// Applied first to last. The longer of two that share a beginning comes first.
constexpr std::array kBritish = {
    Rule{"e^\u0259", "\u025B\u02D0"},  // "there"
    Rule{"i\u0259", "\u026A\u0259"},   // "near"
    Rule{"\u0259^\u028A", "Q"},        // "go"
};

constexpr std::array kEveryone = {
    Rule{"^\u0279", "\u0279"},  // the r that links to a vowel is a sound of its own
    Rule{"k\u0259k\u02C8o\u02D0\u0279", "k\u02C8o^\u028Ak\u0259\u0279"},  // the model's own name
    Rule{"k\u0259k\u02C8\u0254\u02D0\u0279", "k\u02C8o^\u028Ak\u0259\u0279"},
    Rule{"\u0294\u02CCn\u0329", "t\u1D4An"},  // "button"
    Rule{"\u0294n\u0329", "t\u1D4An"},
    Rule{"\u0294n", "t\u1D4An"},
    Rule{"\u0294", "t"},
    Rule{"a^\u026A", "I"},        // "my"
    Rule{"a^\u028A", "W"},        // "now"
    Rule{"e^\u026A", "A"},        // "day"
    Rule{"\u0254^\u026A", "Y"},   // "boy"
    Rule{"d^\u0292", "\u02A4"},   // "joy"
    Rule{"t^\u0283", "\u02A7"},   // "church"
    Rule{"\u0259^l", "\u1D4Al"},  // "bottle"
    Rule{"\u02B2o", "jo"},
    Rule{"\u02B2\u0259", "j\u0259"},
    Rule{"\u02B2", ""},
    Rule{"\u025A", "\u0259\u0279"},  // "better"
    Rule{"e", "A"},
    Rule{"r", "\u0279"},
    Rule{"x", "k"},  // "loch"
    Rule{"\u00E7", "k"},
    Rule{"\u0250", "\u0259"},  // "about"
    Rule{"\u026C", "l"},       // Welsh "ll"
    Rule{"\u0303", ""},        // nasal vowels
};

constexpr std::array kAmerican = {
    Rule{"n\u02C8Inti ", "n\u02C8Indi "},  // "ninety" is said with a d, "nineteen" is not
    Rule{"o^\u028A", "O"},                 // "go"
    Rule{"\u025C\u02D0\u0279", "\u025C\u0279"},
    Rule{"\u025C\u02D0", "\u025C\u0279"},  // "bird"
    Rule{"\u026A\u0259", "i\u0259"},
    Rule{"\u02D0", ""},   // no long vowels
    Rule{"\u027E", "T"},  // the tap of "water"
};

/// One left-to-right pass for all rules at once would let none see another's result; a pass per rule does.
void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

/// "n" with the syllable mark below becomes schwa + "n": bottle, button.
std::string without_syllabic_marks(std::string_view ipa) {
  constexpr char32_t kSyllabic = 0x0329;
  std::string out;
  const std::vector<char32_t> codes = code_points(ipa);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    if (codes[i] == kSyllabic) continue;
    if (i + 1 < codes.size() && codes[i + 1] == kSyllabic) append_code_point(out, 0x1D4A);
    append_code_point(out, codes[i]);
  }
  return out;
}

/// Where to end a piece that must not exceed `limit`: after the last mark in its second half, else after the
/// last blank, else at the limit.
std::size_t piece_end(const std::vector<char32_t>& symbols, std::size_t begin, std::size_t limit) {
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
  if (!vocabulary.contains(" .,\u0259\u02C8")) return corrupt("it lacks common symbols");
  return vocabulary;
}

bool KokoroVocabulary::contains(std::string_view symbols) const {
  for (const char32_t code : code_points(symbols)) {
    if (code != '^' && !tokens_.contains(code)) return false;
  }
  return true;
}

std::string KokoroVocabulary::to_symbols(std::string ipa, bool british) const {
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
  replace_all(ipa, "o", "\u0254");
  replace_all(ipa, "^", "");
  return ipa;
}

std::vector<std::vector<std::int64_t>> KokoroVocabulary::to_tokens(std::string_view symbols) const {
  std::vector<char32_t> known;
  for (const char32_t code : code_points(symbols)) {
    if (tokens_.contains(code)) known.push_back(code);
  }
  std::vector<std::vector<std::int64_t>> pieces;
  for (std::size_t begin = 0; begin < known.size();) {
    const std::size_t end = piece_end(known, begin, kKokoroMaxTokens);
    std::vector<std::int64_t>& piece = pieces.emplace_back();
    for (std::size_t i = begin; i < end; ++i)
      piece.push_back(tokens_.at(known[i]));
    begin = end;
  }
  return pieces;
}

}  // namespace morgan::engines
