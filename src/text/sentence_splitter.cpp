#include "text/sentence_splitter.h"

#include "text/abbreviations.h"
#include "text/phrasing.h"
#include "text/utf8.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace morgan::text {
namespace {

using Progress = SplitProgress;

/// How far symbols without a letter are followed to see whose they are.
constexpr std::size_t kSymbolReach = 96;
/// A run of symbols longer than this is nothing to speak and is dropped.
constexpr std::size_t kMostSymbols = 1000;
/// A line this short before a capital was broken on purpose: a title, a verse, an address.
constexpr std::size_t kShortLine = 50;

enum class Answer { kNo, kYes, kNeedMore };

/// How many words an eager piece needs before it ends at a mark, at the edge of a phrase, anywhere.
struct Appetite {
  std::size_t at_mark;
  std::size_t at_phrase;
  std::size_t anywhere;
};

/// At 60 tokens a second some 50 words are written in the second that the first four take to say. The slowest models
/// that are spoken live write a fifth of that, hence the step in between.
Appetite appetite_after(std::size_t words) {
  constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();
  constexpr std::size_t kFirst = 2;
  constexpr std::size_t kSecond = 12;
  if (words < kFirst) return {2, 3, 6};
  if (words < kSecond) return {5, 10, kNever};
  return {12, kNever, kNever};
}

bool is_ender(char32_t c) {
  return c == '.' || c == '!' || c == '?' || c == 0x2026;
}
bool is_cjk_ender(char32_t c) {
  return c == 0x3002 || c == 0xFF01 || c == 0xFF1F || c == 0xFF61;
}
/// What may stand between the full stop and the blank: quotes, brackets, markdown emphasis.
bool is_closer(char32_t c) {
  return c == '"' || c == '\'' || c == ')' || c == ']' || c == '}' || c == '*' || c == '_' || c == '`' || c == '~' ||
         c == 0x201D || c == 0x2019 || c == 0xBB || c == 0x300D || c == 0x300F || c == 0xFF09 || c == 0x3011;
}
bool is_quote(char32_t c) {
  return c == '"' || c == '\'' || c == 0x201D || c == 0x2019 || c == 0xBB;
}
/// Symbols that belong to the word after them.
bool is_opener(char32_t c) {
  static constexpr std::u32string_view kOpeners =
      U"\"'([{<*_`~#-+&@$/\\|>\u201C\u2018\u00AB\u00BF\u00A1\u20AC\u00A3"
      U"\u300C\u300E\uFF08\u3010\u2022\u2212";
  return kOpeners.find(c) != std::u32string_view::npos;
}
bool is_blank_character(char32_t c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == 0xA0 || c == 0x3000;
}
bool is_upper_character(char32_t c) {
  return (c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3A9) ||
         (c >= 0x410 && c <= 0x42F);
}

bool has_word(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    if (is_word_character(c.code)) return true;
    at += c.size;
  }
  return false;
}

std::size_t count_words(std::string_view text) {
  std::size_t words = 0;
  bool counted = false;
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    if (is_blank_character(c.code)) counted = false;
    if (!counted && is_word_character(c.code)) {
      ++words;
      counted = true;
    }
    at += c.size;
  }
  return words;
}

/// The last character of a token without closing quotes and brackets; 0: it has nothing else.
char32_t closing_mark(std::string_view token) {
  while (!token.empty()) {
    const Character c = character_before(token, token.size());
    if (!is_closer(c.code)) return c.code;
    token.remove_suffix(c.size);
  }
  return 0;
}

/// Finds the first place where `text` may be cut. Every decision rests on text up to a known point; when
/// that point is not there yet and the text goes on, the answer is "need more". So the cuts do not depend
/// on how the text was chunked.
class CutFinder {
 public:
  CutFinder(std::string_view text, const Progress& progress, bool complete, const SplitOptions& options)
      : text_(text),
        first_(progress.first),
        appetite_(appetite_after(progress.words)),
        complete_(complete),
        options_(options) {}

  /// @return the end of the first piece, or nothing when the whole is not (yet) longer than one piece
  std::optional<std::size_t> find() {
    std::size_t at = 0;
    while (at < text_.size()) {
      const Character c = character_at(text_, at);
      if (c.truncated && !complete_) return std::nullopt;
      const std::size_t next = at + c.size;
      if (characters_ >= std::max<std::size_t>(options_.max_chars, 1) && has_word_) return settle(cut_long(at));
      if (!has_word_ && characters_ >= kMostSymbols) return at;
      ++characters_;
      if (is_word_character(c.code)) has_word_ = true;
      if (has_word_) {
        const auto closed = past_closers(at);
        if (!closed) return std::nullopt;
        const std::size_t end = *closed;
        const Answer answer = is_boundary(at, c.code, next, end);
        if (answer == Answer::kNeedMore) return std::nullopt;
        if (answer == Answer::kYes) return settle(ends_after_mark(c.code) ? end : next);
      }
      remember_blank(c.code, at, next);
      remember_token(c.code, next);
      at = next;
    }
    return std::nullopt;
  }

 private:
  static bool ends_after_mark(char32_t c) { return is_ender(c) || is_cjk_ender(c); }

  /// The end of the enders and closers that start at `at`; `at` for another character; nothing: not yet known.
  std::optional<std::size_t> past_closers(std::size_t at) const {
    if (!ends_after_mark(character_at(text_, at).code)) return at;
    bool closing = false;
    for (const std::size_t start = at; at < text_.size();) {
      if (at - start > kSymbolReach) return at;
      const Character c = character_at(text_, at);
      if (c.truncated && !complete_) return std::nullopt;
      if (is_closer(c.code)) {
        closing = true;
      } else if (!ends_after_mark(c.code) || closing) {
        return at;
      }
      at += c.size;
    }
    return complete_ ? std::optional(at) : std::nullopt;
  }

  Answer is_boundary(std::size_t at, char32_t c, std::size_t next, std::size_t end) const {
    if (is_cjk_ender(c)) return Answer::kYes;
    if (is_ender(c)) return at > 0 && is_ender(character_before(text_, at).code) ? Answer::kNo : ends_sentence(at, end);
    if (c == '\n') {
      const Answer line = ends_line(at, next);
      return line == Answer::kNo && options_.eager ? takes_breath(at, next) : line;
    }
    if (options_.eager) return is_blank_character(c) ? takes_breath(at, next) : ends_unspaced_clause(at, c);
    return first_ ? ends_clause(at, c, next) : Answer::kNo;
  }

  /// Marks of scripts without blanks, and the dash that often stands without.
  Answer ends_unspaced_clause(std::size_t at, char32_t c) const {
    constexpr std::size_t kWordOfCjk = 2;
    if (c == 0xFF0C || c == 0x3001 || c == 0xFF1B || c == 0xFF1A) {
      return characters_ > kWordOfCjk * appetite_.at_mark ? Answer::kYes : Answer::kNo;
    }
    if (c != 0x2014 || in_markup()) return Answer::kNo;
    return words_ + (token_has_word_ && token_ < at ? 1U : 0U) >= appetite_.at_mark ? Answer::kYes : Answer::kNo;
  }

  /// For an eager piece: whether it ends at the blank at `at`. Knows the word behind the blank, no more.
  Answer takes_breath(std::size_t at, std::size_t next) const {
    const std::string_view token = text_.substr(token_, at - token_);
    if (token.empty() || in_markup()) return Answer::kNo;
    const std::size_t words = words_ + (token_has_word_ ? 1 : 0);
    const char32_t mark = closing_mark(token);
    const bool dash = !token_has_word_ && (mark == '-' || mark == 0x2013 || mark == 0x2014);
    const bool ellipsis = mark == 0x2026 || token.find("..") != std::string_view::npos;
    if (mark == ',' || mark == ';' || mark == ':' || mark == '!' || mark == '?' || dash || ellipsis)
      return words >= appetite_.at_mark ? Answer::kYes : Answer::kNo;
    // A full stop that ends no sentence ends an abbreviation, which belongs to what follows, as a number does.
    if (!token_has_word_ || mark == '.' || words < appetite_.at_phrase) return Answer::kNo;
    constexpr std::size_t kMostWords = 10;
    const bool enough = words >= kMostWords && appetite_.anywhere < kMostWords;
    const bool leans = leans_forward(bare_word(token)) || std::any_of(token.begin(), token.end(), is_digit);
    if (leans && !enough) return Answer::kNo;
    return splits_before(next, token, enough ? 0 : appetite_.anywhere > words ? 2 : 1);
  }

  /// @param need  0: anything will do, 1: not within a name, 2: where a phrase begins
  Answer splits_before(std::size_t begin, std::string_view token, int need) const {
    while (begin < text_.size() && is_blank(text_[begin]))
      ++begin;
    std::size_t end = begin;
    while (end < text_.size() && !is_blank(text_[end]) && end - begin <= kSymbolReach)
      ++end;
    if (end - begin > kSymbolReach) return Answer::kNo;
    if (end == text_.size() && !complete_) return Answer::kNeedMore;
    const std::string_view after = text_.substr(begin, end - begin);
    const char32_t mark = after.empty() ? '\0' : closing_mark(after);
    const bool last_of_sentence = is_ender(mark) || is_cjk_ender(mark);
    if (after.empty() || last_of_sentence || !has_word(after)) return Answer::kNo;
    if (need == 0 || breath_between(token, after) > 0) return Answer::kYes;
    const bool name =
        is_upper_character(character_at(token, 0).code) && is_upper_character(character_at(after, 0).code);
    return need == 1 && !name ? Answer::kYes : Answer::kNo;
  }

  /// Half of a link or of code would be read as something else.
  bool in_markup() const { return ticks_ % 2 != 0 || brackets_ > 0; }

  void remember_token(char32_t c, std::size_t next) {
    if (is_blank_character(c)) {
      if (token_has_word_) ++words_;
      token_has_word_ = false;
      token_ = next;
    }
    if (is_word_character(c)) token_has_word_ = true;
    if (c == '`') ++ticks_;
    if (c == '[') ++brackets_;
    if (c == ']' && brackets_ > 0) --brackets_;
  }

  Answer ends_sentence(std::size_t at, std::size_t end) const {
    if (end >= text_.size()) return complete_ ? Answer::kYes : Answer::kNeedMore;
    const Character after = character_at(text_, end);
    if (after.truncated) return Answer::kNeedMore;
    if (!is_blank_character(after.code)) return is_cjk(after.code) ? Answer::kYes : Answer::kNo;
    std::size_t follower = end;
    bool blank_line = false;
    for (bool line = false; follower < text_.size();) {
      const Character c = character_at(text_, follower);
      if (c.truncated && !complete_) return Answer::kNeedMore;
      if (!is_blank_character(c.code)) break;
      if (follower - end > kSymbolReach) return Answer::kYes;
      blank_line = blank_line || (line && c.code == '\n');
      line = line || c.code == '\n';
      follower += c.size;
    }
    if (follower >= text_.size()) return complete_ || blank_line ? Answer::kYes : Answer::kNeedMore;
    if (blank_line) return Answer::kYes;
    return mark_ends_sentence(at, end, follower);
  }

  Answer mark_ends_sentence(std::size_t at, std::size_t end, std::size_t follower) const {
    const char32_t mark = character_at(text_, at).code;
    const char32_t next = character_at(text_, follower).code;
    const bool lower = is_word_character(next) && next < 0x80 && is_lower(static_cast<char>(next));
    const bool single = mark == '.' && end == at + 1;
    if (!single) {
      const bool quoted = is_quote(character_before(text_, end).code);
      const bool ellipsis = mark == 0x2026 || (mark == '.' && at + 1 < text_.size() && text_[at + 1] == '.');
      return lower && (quoted || ellipsis) ? Answer::kNo : stop_after_word(at, end, follower, mark);
    }
    return stop_after_word(at, end, follower, mark);
  }

  /// Decides by the word before the full stop and the word after it.
  Answer stop_after_word(std::size_t at, std::size_t end, std::size_t follower, char32_t mark) const {
    if (mark != '.' || (at + 1 < end && text_[at + 1] == '.')) return Answer::kYes;
    const std::string_view word = word_before(at);
    const char next = text_[follower];
    if (is_list_number(word, at)) return Answer::kNo;
    switch (stop_meaning(word)) {
      case StopMeaning::kNever:
        return Answer::kNo;
      case StopMeaning::kBeforeNumber:
        return is_digit(next) ? Answer::kNo : Answer::kYes;
      case StopMeaning::kUnlessCapital:
        return is_upper_character(character_at(text_, follower).code) ? Answer::kYes : Answer::kNo;
      case StopMeaning::kUnlessStarter:
        return starts_sentence(follower);
      case StopMeaning::kSentence:
        break;
    }
    // A short word before a small letter is more likely an abbreviation that is not in the list.
    constexpr std::size_t kShortWord = 3;
    return is_lower(next) && word.size() <= kShortWord && !is_digit(word.empty() ? '0' : word.back()) ? Answer::kNo
                                                                                                      : Answer::kYes;
  }

  Answer starts_sentence(std::size_t follower) const {
    constexpr std::size_t kLongestWord = 32;
    std::size_t end = follower;
    while (end < text_.size() && (is_letter(text_[end]) || text_[end] == '\''))
      ++end;
    if (end - follower > kLongestWord) return Answer::kNo;
    if (end == text_.size() && !complete_) return Answer::kNeedMore;
    return is_sentence_starter(text_.substr(follower, end - follower)) ? Answer::kYes : Answer::kNo;
  }

  std::string_view word_before(std::size_t at) const {
    std::size_t start = at;
    while (start > 0) {
      const char c = text_[start - 1];
      const bool inside = is_letter(c) || is_digit(c) || c == '.' || c == '\'' || static_cast<unsigned char>(c) >= 0x80;
      if (!inside) break;
      --start;
    }
    return text_.substr(start, at - start);
  }

  /// "1." at the start of a line.
  bool is_list_number(std::string_view word, std::size_t at) const {
    constexpr std::size_t kLongestNumber = 3;
    if (word.empty() || word.size() > kLongestNumber || !std::all_of(word.begin(), word.end(), is_digit)) return false;
    std::size_t start = at - word.size();
    while (start > 0 && (text_[start - 1] == ' ' || text_[start - 1] == '\t' || text_[start - 1] == '*'))
      --start;
    return start == 0 || text_[start - 1] == '\n';
  }

  /// A line ends a piece when the next line is a new paragraph or item, or when it was broken on purpose.
  Answer ends_line(std::size_t at, std::size_t next) const {
    std::size_t follower = next;
    while (follower < text_.size() && is_blank(text_[follower])) {
      if (text_[follower] == '\n' || follower - at > kSymbolReach) return Answer::kYes;
      ++follower;
    }
    if (follower >= text_.size()) return complete_ ? Answer::kYes : Answer::kNeedMore;
    const std::size_t newline = at == 0 ? std::string_view::npos : text_.rfind('\n', at - 1);
    const std::size_t start = newline == std::string_view::npos ? 0 : newline + 1;
    if (const Answer item = is_item(start); item != Answer::kNo) return item;
    if (const Answer item = is_item(follower); item != Answer::kNo) return item;
    const Character c = character_at(text_, follower);
    if (c.truncated && !complete_) return Answer::kNeedMore;
    if (is_cjk(c.code)) return Answer::kYes;
    const bool short_line = count_characters(text_.substr(start, at - start)) < kShortLine;
    return (is_upper_character(c.code) || !is_word_character(c.code)) && short_line ? Answer::kYes : Answer::kNo;
  }

  /// Whether a list item, heading, quote, table row or code fence starts here.
  Answer is_item(std::size_t at) const {
    const std::size_t line = at;
    while (at < text_.size() && (text_[at] == ' ' || text_[at] == '\t') && at - line < kSymbolReach)
      ++at;
    if (at >= text_.size()) return complete_ ? Answer::kNo : Answer::kNeedMore;
    constexpr std::size_t kLongestItemNumber = 4;
    const char c = text_[at];
    const Character whole = character_at(text_, at);
    if (whole.truncated && !complete_) return Answer::kNeedMore;
    if (c == '#' || c == '>' || c == '|' || whole.code == 0x2022) return Answer::kYes;
    if (c == '`') {
      const std::string_view start = text_.substr(at, 3);
      if (start == "```") return Answer::kYes;
      return start.size() < 3 && !complete_ ? Answer::kNeedMore : Answer::kNo;
    }
    std::size_t end = at;
    while (end < text_.size() && is_digit(text_[end]) && end - at < kLongestItemNumber)
      ++end;
    const bool bullet = c == '-' || c == '*' || c == '+';
    if (!bullet && end == at) return Answer::kNo;
    if (end + 1 >= text_.size() && !complete_) return Answer::kNeedMore;
    if (end + 1 >= text_.size()) return Answer::kNo;
    const bool numbered = end > at && (text_[end] == '.' || text_[end] == ')');
    return (bullet || numbered) && text_[end + 1] == ' ' ? Answer::kYes : Answer::kNo;
  }

  /// Only for the first piece: a comma, colon, semicolon or dash after enough words.
  Answer ends_clause(std::size_t at, char32_t c, std::size_t next) const {
    if (options_.first_clause_chars == 0 || characters_ < options_.first_clause_chars) return Answer::kNo;
    if (c == 0xFF0C || c == 0x3001 || c == 0xFF1B || c == 0xFF1A) return Answer::kYes;
    const bool dash = c == 0x2014 || c == 0x2013 || c == '-';
    if (c != ',' && c != ':' && c != ';' && !dash) return Answer::kNo;
    if (next >= text_.size()) return complete_ ? Answer::kNo : Answer::kNeedMore;
    const bool blank_after = is_blank(text_[next]);
    if (c == 0x2014) return Answer::kYes;
    if (dash) return blank_after && at > 0 && text_[at - 1] == ' ' ? Answer::kYes : Answer::kNo;
    return blank_after ? Answer::kYes : Answer::kNo;
  }

  void remember_blank(char32_t c, std::size_t at, std::size_t next) {
    const bool late_enough = characters_ * 2 >= options_.max_chars;
    if (c == 0xFF0C || c == 0x3001) {
      if (late_enough && has_word_) clause_end_ = next;
    } else if (is_blank_character(c) && has_word_) {
      last_blank_ = at;
      if (after_clause_mark_ && late_enough) clause_end_ = at;
    }
    after_clause_mark_ = c == ',' || c == ';' || c == ':' || c == ')' || c == 0x2014;
  }

  /// The best place before `limit`: after a clause, else at a blank, else between two characters.
  std::size_t cut_long(std::size_t limit) const {
    if (clause_end_ > 0) return clause_end_;
    return last_blank_ > 0 ? last_blank_ : limit;
  }

  /// Symbols without a letter go to the neighbour they belong to: emoji and closing marks to the piece
  /// before, opening marks to the piece after, all of them to the piece before at the end of the text.
  std::optional<std::size_t> settle(std::size_t cut) const {
    std::size_t end = cut;                             // of what the piece before takes
    bool closed = cut == 0 || text_[cut - 1] != '\n';  // no opening mark and no new line so far
    bool in_token = true;
    for (std::size_t at = cut; at < text_.size();) {
      const Character c = character_at(text_, at);
      if (c.truncated && !complete_) return std::nullopt;
      if (is_word_character(c.code) || at - cut > kSymbolReach) return end;
      const bool blank = is_blank_character(c.code);
      if (blank) {
        if (in_token && closed) end = at;
        if (c.code == '\n') closed = false;
      } else if (is_opener(c.code)) {
        closed = false;
      }
      in_token = !blank;
      at += c.size;
    }
    return complete_ ? std::optional<std::size_t>(text_.size()) : std::nullopt;
  }

  std::string_view text_;
  bool first_;
  Appetite appetite_;
  bool complete_;
  const SplitOptions& options_;
  std::size_t characters_ = 0;
  bool has_word_ = false;
  std::size_t last_blank_ = 0;
  std::size_t clause_end_ = 0;
  bool after_clause_mark_ = false;
  // Of an eager piece: where the token at hand begins, what is before it, and what is open.
  std::size_t token_ = 0;
  bool token_has_word_ = false;
  std::size_t words_ = 0;
  std::size_t ticks_ = 0;
  std::size_t brackets_ = 0;
};

std::string_view skip_blanks(std::string_view text) {
  while (!text.empty()) {
    const Character c = character_at(text, 0);
    if (!is_blank_character(c.code)) break;
    text.remove_prefix(c.size);
  }
  return text;
}

std::string_view drop_blanks_at_end(std::string_view text) {
  while (!text.empty()) {
    const Character c = character_before(text, text.size());
    if (!is_blank_character(c.code)) break;
    text.remove_suffix(c.size);
  }
  return text;
}

/// Takes every complete piece off `text`.
std::vector<std::string> take_pieces(std::string_view& text, Progress& progress, bool complete,
                                     const SplitOptions& options) {
  std::vector<std::string> pieces;
  for (;;) {
    text = skip_blanks(text);
    const auto cut = CutFinder(text, progress, complete, options).find();
    if (!cut && !complete) return pieces;
    const std::size_t end = cut.value_or(text.size());
    const std::string_view piece = drop_blanks_at_end(text.substr(0, end));
    if (has_word(piece)) {
      pieces.emplace_back(piece);
      progress.first = false;
      progress.words += count_words(piece);
    }
    text.remove_prefix(end);
    if (text.empty()) return pieces;
  }
}

}  // namespace

StreamingSplitter::StreamingSplitter(SplitOptions options) : options_(options) {}

std::vector<std::string> StreamingSplitter::push(std::string_view text) {
  pending_ += text;
  std::string_view rest = pending_;
  auto pieces = take_pieces(rest, progress_, false, options_);
  pending_.erase(0, pending_.size() - rest.size());
  return pieces;
}

std::vector<std::string> StreamingSplitter::finish() {
  const std::string last = std::exchange(pending_, {});
  std::string_view rest = last;
  return take_pieces(rest, progress_, true, options_);
}

std::vector<std::string> split_sentences(std::string_view text, const SplitOptions& options) {
  Progress progress;
  return take_pieces(text, progress, true, options);
}

}  // namespace morgan::text
