#include "engines/tts/piece_planner.h"

#include "base/strings.h"
#include "text/sentence_splitter.h"

#include <algorithm>
#include <array>

namespace morgan::engines {

namespace {

/// A cut leaves at least this many bytes on either side: shorter pieces sound like a list.
constexpr std::size_t kShortest = 12;

template <std::size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// Words that begin a clause: a speaker may breathe before them.
bool begins_clause(std::string_view word) {
  static constexpr std::array<std::string_view, 15> kWords = {"and",      "but",    "or",     "because", "so",
                                                              "which",    "who",    "where",  "when",    "while",
                                                              "although", "though", "unless", "until",   "if"};
  return is_one_of(word, kWords);
}

/// Words that begin a phrase: the second best places.
bool begins_phrase(std::string_view word) {
  static constexpr std::array<std::string_view, 40> kWords = {
      "to",      "every",   "above",   "below", "near", "across", "along", "around", "behind", "against",
      "towards", "since",   "than",    "as",    "with", "from",   "about", "after",  "before", "between",
      "during",  "through", "without", "into",  "over", "under",  "in",    "on",     "at",     "for",
      "by",      "is",      "are",     "was",   "were", "will",   "can",   "has",    "have",   "that"};
  return is_one_of(word, kWords);
}

/// Words that belong to what follows them: never the last of a piece.
bool leans_forward(std::string_view word) {
  static constexpr std::array<std::string_view, 28> kWords = {
      "a",   "an", "the", "of",  "to",   "in",   "on",  "at",  "for",  "by", "with", "from", "and", "or",
      "but", "is", "are", "was", "were", "will", "can", "has", "have", "my", "your", "his",  "her", "their"};
  return is_one_of(word, kWords);
}

std::string bare_word(std::string_view text) {
  std::string word;
  for (const char c : text) {
    if ((c >= 'a' && c <= 'z') || c == '\'') word += c;
    if (c >= 'A' && c <= 'Z') word += static_cast<char>(c - 'A' + 'a');
  }
  return word;
}

/// The last character without closing quotes and brackets.
char closing_mark(std::string_view text) {
  static constexpr std::array<std::string_view, 6> kClosers = {"\"", "'", ")", "\u201D", "\u2019", " "};
  for (bool removed = true; removed;) {
    removed = false;
    for (const std::string_view closer : kClosers) {
      if (text.ends_with(closer)) {
        text.remove_suffix(closer.size());
        removed = true;
      }
    }
  }
  if (text.ends_with("\u2014") || text.ends_with("\u2013")) return ',';
  if (text.ends_with("\u2026")) return '.';
  return text.empty() ? '\0' : text.back();
}

bool ends_sentence(char mark) {
  return mark == '.' || mark == '!' || mark == '?';
}

bool ends_clause(char mark) {
  return mark == ',' || mark == ';' || mark == ':';
}

/// How good a place the blank at `at` is to take a breath; 0: none.
int cut_quality(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  const char mark = closing_mark(before);
  if (ends_clause(mark) || ends_sentence(mark)) return 3;
  const std::size_t start = before.rfind(' ') == std::string_view::npos ? 0 : before.rfind(' ') + 1;
  if (leans_forward(bare_word(before.substr(start)))) return 0;
  const std::string next = bare_word(text.substr(at + 1, text.find(' ', at + 1) - at - 1));
  if (begins_clause(next)) return 2;
  return begins_phrase(next) ? 1 : 0;
}

/// Where to cut `text` so that its head has at most `limit` bytes, or a little more where it has no place before;
/// 0: nowhere.
std::size_t best_cut(std::string_view text, std::size_t limit) {
  int best = 0;
  std::size_t cut = 0;
  const std::size_t farthest = limit + limit * 3 / 4;
  for (std::size_t at = text.find(' ', kShortest); at != std::string_view::npos && at <= farthest;
       at = text.find(' ', at + 1)) {
    if (text.size() - at < kShortest || (at > limit && cut != 0)) break;
    const int quality = cut_quality(text, at);
    if (quality != 0 && quality >= best) {
      best = quality;
      cut = at;
    }
  }
  return cut;
}

SpeechPiece make_piece(std::string_view text, bool last) {
  SpeechPiece piece{std::string(trim(text)), PieceEnd::kSentence};
  const char mark = closing_mark(piece.text);
  if (ends_sentence(mark)) return piece;
  if (ends_clause(mark)) {
    piece.end = last ? PieceEnd::kSentence : PieceEnd::kClause;
    return piece;
  }
  // Without a mark at the end the models swallow the last sound.
  piece.text += last ? '.' : ',';
  piece.end = last ? PieceEnd::kSentence : PieceEnd::kPhrase;
  return piece;
}

}  // namespace

std::vector<SpeechPiece> plan_pieces(std::string_view text, const PlanOptions& options) {
  text::SplitOptions split_options;
  split_options.first_clause_chars = kShortest;
  split_options.max_chars = options.max_chars;
  const std::vector<std::string> sentences = text::split_sentences(text, split_options);
  std::vector<SpeechPiece> pieces;
  auto limit = static_cast<double>(options.first_chars);
  const auto emit = [&](std::string_view part, bool last) {
    pieces.push_back(make_piece(part, last));
    // While this piece is heard the next one is made.
    const double longer = static_cast<double>(part.size()) * options.growth;
    limit =
        std::min(std::max(longer, static_cast<double>(options.first_chars)), static_cast<double>(options.max_chars));
  };
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    std::string_view rest = sentences[i];
    while (rest.size() > static_cast<std::size_t>(limit)) {
      const std::size_t cut = best_cut(rest, static_cast<std::size_t>(limit));
      if (cut == 0) break;
      emit(rest.substr(0, cut), false);
      rest.remove_prefix(cut + 1);
    }
    emit(rest, i + 1 == sentences.size());
  }
  return pieces;
}

}  // namespace morgan::engines
