#include "engines/tts/piece_planner.h"

#include "base/strings.h"
#include "text/phrasing.h"
#include "text/sentence_splitter.h"

#include <algorithm>
#include <array>

namespace morgan::engines {

namespace {

/// A cut leaves at least this many bytes on either side: shorter pieces sound like a list.
constexpr std::size_t kShortest = 12;

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
  return text::breath_between(before.substr(start), text.substr(at + 1, text.find(' ', at + 1) - at - 1));
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

/// Counts words on the way through a text.
class WordCounter {
 public:
  explicit WordCounter(std::string_view text) : text_(text) {}

  /// The place of the word at `at`, which never falls from call to call.
  std::size_t word_at(std::size_t at) {
    for (; at_ <= at && at_ < text_.size(); ++at_) {
      const bool blank = text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r';
      if (!blank && !in_word_) ++words_;
      in_word_ = !blank;
    }
    return words_ == 0 ? 0 : words_ - 1;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t words_ = 0;
  bool in_word_ = false;
};

}  // namespace

std::vector<SpeechPiece> plan_pieces(std::string_view text, const PlanOptions& options) {
  text::SplitOptions split_options;
  split_options.first_clause_chars = kShortest;
  split_options.max_chars = options.max_chars;
  const std::vector<std::string> sentences = text::split_sentences(text, split_options);
  std::vector<SpeechPiece> pieces;
  WordCounter counter(text);
  auto limit = static_cast<double>(options.first_chars);
  const auto emit = [&](std::string_view part, std::size_t at, bool last) {
    pieces.push_back(make_piece(part, last));
    pieces.back().first_word = counter.word_at(at);
    // While this piece is heard the next one is made.
    const double longer = static_cast<double>(part.size()) * options.growth;
    limit =
        std::min(std::max(longer, static_cast<double>(options.first_chars)), static_cast<double>(options.max_chars));
  };
  std::size_t at = 0;
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    std::string_view rest = sentences[i];
    at = std::min(text.find(rest, at), text.size());
    while (rest.size() > static_cast<std::size_t>(limit)) {
      const std::size_t cut = best_cut(rest, static_cast<std::size_t>(limit));
      if (cut == 0) break;
      emit(rest.substr(0, cut), at, false);
      rest.remove_prefix(cut + 1);
      at += cut + 1;
    }
    emit(rest, at, i + 1 == sentences.size() && !options.continues);
    at += rest.size();
  }
  return pieces;
}

}  // namespace morgan::engines
