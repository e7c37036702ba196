#include "text/markup.h"

#include "base/strings.h"
#include "text/normalize.h"
#include "text/utf8.h"

#include <algorithm>
#include <utility>

namespace morgan::text {
namespace {

constexpr std::size_t kLongestTag = 200;
constexpr std::size_t kLongestLink = 2000;

bool is_mark(char c) {
  return std::string_view("\\`*_{}[]()#+-.!|~<>").find(c) != std::string_view::npos;
}

/// Ends of lines as \n, blanks as blanks, emoji and invisible characters away.
std::string clean_characters(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    at += c.size;
    if (c.code == '\r') {
      if (at >= text.size() || text[at] != '\n') out += '\n';
    } else if (c.code == 0x2028 || c.code == 0x2029) {
      out += '\n';
    } else if (c.code == '\t' || c.code == 0xA0 || (c.code >= 0x2000 && c.code <= 0x200A) || c.code == 0x202F ||
               c.code == 0x205F || c.code == 0x3000) {
      out += ' ';
    } else if (is_emoji(c.code)) {
      // An emoji before "!" must not leave "Great !": a blank waits for what follows.
      const bool before_mark = at < text.size() && (text[at] == '.' || text[at] == '!' || text[at] == '?' ||
                                                    text[at] == ',' || is_blank(text[at]));
      if (before_mark && out.ends_with(' ')) out.pop_back();
    } else if (!is_invisible(c.code)) {
      append_utf8(out, c.code);
    }
  }
  return out;
}

bool is_rule(std::string_view line) {
  std::string marks;
  for (const char c : line) {
    if (c != ' ') marks += c;
  }
  return marks.size() >= 3 && (marks[0] == '-' || marks[0] == '*' || marks[0] == '_' || marks[0] == '=') &&
         std::all_of(marks.begin(), marks.end(), [&](char c) { return c == marks[0]; });
}

bool is_table_rule(std::string_view line) {
  const bool only_marks = std::all_of(line.begin(), line.end(),
                                      [](char c) { return c == '|' || c == '-' || c == ':' || c == ' ' || c == '+'; });
  return only_marks && line.find("--") != std::string_view::npos;
}

std::string table_row(std::string_view line) {
  std::string out;
  for (const std::string& cell : split(line, '|')) {
    const std::string_view words = trim(cell);
    if (words.empty()) continue;
    if (!out.empty()) out += ", ";
    out += words;
  }
  return out;
}

/// What marks the start of a line, and whether the line is an item of its own (list, heading, row).
struct LineStart {
  std::size_t size = 0;
  bool item = false;
};

LineStart line_start(std::string_view line) {
  std::size_t at = 0;
  LineStart result;
  const auto skip_blanks = [&] {
    while (at < line.size() && line[at] == ' ')
      ++at;
  };
  skip_blanks();
  while (at < line.size() && line[at] == '>' && (at + 1 == line.size() || line[at + 1] == ' ' || line[at + 1] == '>')) {
    ++at;
    skip_blanks();
  }
  std::size_t hashes = 0;
  while (at + hashes < line.size() && line[at + hashes] == '#')
    ++hashes;
  if (hashes >= 1 && hashes <= 6 && at + hashes < line.size() && line[at + hashes] == ' ') {
    at += hashes;
    skip_blanks();
    return {at, true};
  }
  const std::string_view rest = line.substr(at);
  std::size_t bullet = 0;
  if (rest.starts_with("- ") || rest.starts_with("* ") || rest.starts_with("+ ")) bullet = 1;
  for (const std::string_view mark : {"\u2022", "\u25E6", "\u2023", "\u25CF", "\u25AA", "\u2043"}) {
    if (rest.starts_with(mark)) bullet = mark.size();
  }
  if (bullet > 0) {
    at += bullet;
    skip_blanks();
    for (const std::string_view box : {"[ ] ", "[x] ", "[X] "}) {
      if (line.substr(at).starts_with(box)) at += box.size();
    }
    return {at, true};
  }
  std::size_t digits = 0;
  while (digits < rest.size() && is_digit(rest[digits]))
    ++digits;
  const bool numbered = digits > 0 && digits <= 3 && rest.size() > digits + 1 &&
                        (rest[digits] == '.' || rest[digits] == ')') && rest[digits + 1] == ' ';
  return {at, numbered};
}

/// The marks inside one line, removed.
class InlineMarks {
 public:
  explicit InlineMarks(std::string_view line) : line_(line) {}

  std::string run() {
    while (at_ < line_.size()) {
      const char c = line_[at_];
      if (c == '\\' && at_ + 1 < line_.size() && is_mark(line_[at_ + 1])) {
        out_ += line_[at_ + 1];
        at_ += 2;
      } else if (c == '`' || (c == '~' && next_is('~')) || (c == '~' && at_ > 0 && line_[at_ - 1] == '~')) {
        ++at_;
      } else if (!((c == '!' && next_is('[')) || c == '[') || !link()) {
        if (c == '*' || c == '_') {
          emphasis(c);
        } else if (!(c == '<' && tag()) && !(c == '&' && entity())) {
          out_ += c;
          ++at_;
        }
      }
    }
    return std::move(out_);
  }

 private:
  bool next_is(char c) const { return at_ + 1 < line_.size() && line_[at_ + 1] == c; }

  /// [words](address), ![words](address), [words][label], [^note].
  bool link() {
    const std::size_t open = line_[at_] == '!' ? at_ + 1 : at_;
    std::size_t close = open + 1;
    for (int depth = 1; close < line_.size() && close - open < kLongestLink; ++close) {
      if (line_[close] == '[') ++depth;
      if (line_[close] == ']' && --depth == 0) break;
    }
    if (close >= line_.size() || line_[close] != ']') return false;
    const std::string_view words = line_.substr(open + 1, close - open - 1);
    if (words.starts_with('^')) {
      at_ = close + 1;
      return true;
    }
    const char after = close + 1 < line_.size() ? line_[close + 1] : ' ';
    if (after != '(' && after != '[') return false;
    std::size_t end = close + 2;
    for (int depth = 1; end < line_.size() && end - close < kLongestLink; ++end) {
      if (line_[end] == after) ++depth;
      if (line_[end] == (after == '(' ? ')' : ']') && --depth == 0) break;
    }
    if (end >= line_.size() || line_[end] != (after == '(' ? ')' : ']')) return false;
    out_ += InlineMarks(words).run();
    at_ = end + 1;
    return true;
  }

  /// A run of * or _ that touches a word on one side only (or a * on both) is emphasis; "2 * 3",
  /// "2*3" and snake_case are not.
  void emphasis(char mark) {
    std::size_t end = at_;
    while (end < line_.size() && line_[end] == mark)
      ++end;
    const char before = at_ > 0 ? line_[at_ - 1] : ' ';
    const char after = end < line_.size() ? line_[end] : ' ';
    const bool lonely = before == ' ' && after == ' ';
    const auto is_word = [](char c) { return is_letter(c) || is_digit(c) || static_cast<unsigned char>(c) >= 0x80; };
    const bool inside = mark == '_' ? is_word(before) && is_word(after) : is_digit(before) && is_digit(after);
    if (lonely || inside) out_ += line_.substr(at_, end - at_);
    at_ = end;
  }

  /// An HTML tag, or <https://...>, of which the address stays.
  bool tag() {
    const std::size_t length = line_.substr(at_, kLongestTag).find('>');
    if (length == std::string_view::npos || length == 1) return false;
    const std::size_t end = at_ + length;
    const std::string_view inside = line_.substr(at_ + 1, end - at_ - 1);
    if (inside.find("://") != std::string_view::npos || inside.find('@') != std::string_view::npos) {
      if (inside.find(' ') != std::string_view::npos) return false;
      out_ += inside;
    } else {
      const std::size_t start = inside[0] == '/' ? 1 : 0;
      const std::size_t end_of_name = inside.find_first_of(" /", start);
      const std::string name = to_lower_ascii(inside.substr(start, end_of_name - start));
      const bool attributes = end_of_name != std::string_view::npos && inside[end_of_name] == ' ';
      if (!is_html(name) || (attributes && inside.find('=') == std::string_view::npos && !inside.ends_with('/'))) {
        return false;
      }
      if (name == "br" || name == "p" || name == "li" || name == "td" || name == "tr") out_ += ' ';
    }
    at_ = end + 1;
    return true;
  }

  static bool is_html(std::string_view name) {
    static constexpr std::string_view kTags[] = {
        "a",     "b",     "i",     "u",    "s",    "p",       "br",     "hr",     "em",         "strong",  "code",
        "pre",   "span",  "div",   "ul",   "ol",   "li",      "table",  "tr",     "td",         "th",      "thead",
        "tbody", "h1",    "h2",    "h3",   "h4",   "h5",      "h6",     "sub",    "sup",        "small",   "del",
        "ins",   "mark",  "kbd",   "img",  "q",    "cite",    "font",   "center", "blockquote", "details", "summary",
        "think", "speak", "break", "html", "body", "section", "article"};
    return std::find(std::begin(kTags), std::end(kTags), name) != std::end(kTags);
  }

  bool entity() {
    static constexpr std::pair<std::string_view, std::string_view> kEntities[] = {
        {"&amp;", "&"},        {"&lt;", "<"},       {"&gt;", ">"},       {"&quot;", "\""},
        {"&#39;", "'"},        {"&apos;", "'"},     {"&nbsp;", " "},     {"&mdash;", "\u2014"},
        {"&ndash;", "\u2013"}, {"&hellip;", "..."}, {"&deg;", "\u00B0"}, {"&euro;", "\u20AC"}};
    for (const auto& [name, character] : kEntities) {
      if (!line_.substr(at_).starts_with(name)) continue;
      out_ += character;
      at_ += name.size();
      return true;
    }
    return false;
  }

  std::string_view line_;
  std::size_t at_ = 0;
  std::string out_;
};

void collapse_blanks(std::string& line) {
  line.erase(std::unique(line.begin(), line.end(), [](char a, char b) { return a == ' ' && b == ' '; }), line.end());
}

}  // namespace

std::string strip_markup(std::string_view text, LineEnds line_ends) {
  const std::string clean = clean_characters(text);
  std::string out;
  bool in_code = false;
  bool first = true;
  for (const std::string& raw : split(clean, '\n')) {
    const std::string_view line = trim(raw);
    if (line.starts_with("```") || line.starts_with("~~~")) {
      in_code = !in_code;
      continue;
    }
    const bool table = line.starts_with('|') && std::count(line.begin(), line.end(), '|') >= 2;
    if (!in_code && (is_rule(line) || (line.find('|') != std::string_view::npos && is_table_rule(line)))) continue;
    std::string words;
    bool item = table;
    if (in_code) {
      words = line;
    } else if (table) {
      words = InlineMarks(table_row(line)).run();
    } else {
      const LineStart start = line_start(line);
      item = start.item;
      std::string_view rest = line.substr(start.size);
      // "## Title ##" closes with marks; "# About C#" does not.
      const std::size_t closing = rest.find_last_not_of('#') + 1;
      if (line.starts_with('#') && closing > 0 && rest[closing - 1] == ' ') rest = rest.substr(0, closing);
      words = InlineMarks(rest).run();
    }
    collapse_blanks(words);
    words = trim(words);
    if (line_ends == LineEnds::kWithStops && item && !words.empty()) {
      const Character last = character_before(words, words.size());
      if (is_word_character(last.code) || last.code == ')' || last.code == '"' || last.code == '%') words += '.';
    }
    if (!first) out += '\n';
    first = false;
    out += words;
  }
  const std::size_t start = out.find_first_not_of('\n');
  if (start == std::string::npos) return {};
  return out.substr(start, out.find_last_not_of('\n') - start + 1);
}

std::string strip_markup(std::string_view text) {
  return strip_markup(text, LineEnds::kAsWritten);
}

}  // namespace morgan::text
