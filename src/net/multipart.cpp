#include "net/multipart.h"

#include "base/strings.h"
#include "net/url.h"

#include <algorithm>
#include <optional>

namespace morgan::net {

namespace {

constexpr std::size_t kMaxParts = 64;
constexpr std::size_t kMaxPartHead = 8'192;
constexpr std::size_t kMaxBoundary = 70;  // RFC 2046, section 5.1.1
constexpr std::string_view kLineEnd = "\r\n";

Failure malformed(std::string_view what) {
  return fail(ErrorCode::kInvalidArgument, "the form (multipart/form-data) " + std::string(what));
}

/// A header value with its parameters: form-data; name="x"; filename="y".
struct Parameterized {
  std::string value;                          // lower case
  std::map<std::string, std::string> fields;  // names in lower case
};

void skip_blanks(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
}

// After the opening quote; nullopt when there is no closing one. A backslash escapes a quote or a backslash
// only: some browsers send C:\file as it is.
std::optional<std::string> take_quoted(std::string_view& text) {
  std::string value;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '"') return value;
    if (c == '\\' && !text.empty() && (text.front() == '"' || text.front() == '\\')) {
      value += text.front();
      text.remove_prefix(1);
    } else {
      value += c;
    }
  }
  return std::nullopt;
}

Result<Parameterized> parse_parameters(std::string_view text) {
  Parameterized parsed;
  const std::size_t first = text.find(';');
  parsed.value = to_lower_ascii(trim(text.substr(0, first)));
  text.remove_prefix(first == std::string_view::npos ? text.size() : first);
  while (!text.empty()) {
    text.remove_prefix(1);  // the ';'
    skip_blanks(text);
    if (text.empty()) break;
    const std::size_t equals = text.find_first_of("=;");
    if (equals == std::string_view::npos || text[equals] == ';') return malformed("has a parameter without a value");
    const std::string name = to_lower_ascii(trim(text.substr(0, equals)));
    text.remove_prefix(equals + 1);
    skip_blanks(text);
    std::string value;
    if (text.starts_with('"')) {
      text.remove_prefix(1);
      auto quoted = take_quoted(text);
      if (!quoted) return malformed("has a quoted value that does not end");
      value = std::move(*quoted);
      skip_blanks(text);
      if (!text.empty() && text.front() != ';') return malformed("has text after a quoted value");
    } else {
      const std::size_t end = text.find(';');
      value = trim(text.substr(0, end));
      text.remove_prefix(end == std::string_view::npos ? text.size() : end);
    }
    if (!parsed.fields.emplace(name, std::move(value)).second) return malformed("gives '" + name + "' twice");
  }
  return parsed;
}

// RFC 8187: UTF-8'en'na%C3%AFve.wav
Result<std::string> decode_extended(std::string_view text) {
  const std::size_t charset_end = text.find('\'');
  const std::size_t language_end =
      charset_end == std::string_view::npos ? charset_end : text.find('\'', charset_end + 1);
  if (language_end == std::string_view::npos) return malformed("has a filename* without a character set");
  if (!equals_ignore_case(text.substr(0, charset_end), "utf-8")) return malformed("has a filename* that is not UTF-8");
  auto decoded = percent_decode(text.substr(language_end + 1));
  if (!decoded) return malformed("has a filename* that does not decode");
  return std::move(decoded).value();
}

Result<std::string> parse_boundary(std::string_view content_type) {
  MORGAN_TRY(const Parameterized type, parse_parameters(content_type));
  if (type.value != "multipart/form-data") {
    return fail(ErrorCode::kInvalidArgument, "the body must be a form (Content-Type: multipart/form-data)");
  }
  const auto boundary = type.fields.find("boundary");
  if (boundary == type.fields.end() || boundary->second.empty())
    return malformed("has no boundary in its Content-Type");
  if (boundary->second.size() > kMaxBoundary) return malformed("has a boundary of over 70 characters");
  if (boundary->second.find_first_of("\r\n") != std::string::npos) return malformed("has a line break in its boundary");
  return boundary->second;
}

Result<void> apply_disposition(std::string_view value, FormPart& part) {
  MORGAN_TRY(Parameterized disposition, parse_parameters(value));
  const auto name = disposition.fields.find("name");
  if (disposition.value != "form-data" || name == disposition.fields.end())
    return malformed("has a part without a name");
  part.name = name->second;
  if (const auto plain = disposition.fields.find("filename"); plain != disposition.fields.end()) {
    part.filename = plain->second;
  }
  if (const auto extended = disposition.fields.find("filename*"); extended != disposition.fields.end()) {
    MORGAN_TRY(part.filename, decode_extended(extended->second));
  }
  if ((part.name + part.filename).find('\0') != std::string::npos) return malformed("has a NUL in a name");
  return {};
}

Result<FormPart> parse_part_head(std::string_view head) {
  FormPart part;
  bool has_disposition = false;
  while (!head.empty()) {
    const std::size_t end = std::min(head.find(kLineEnd), head.size());
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + kLineEnd.size(), head.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return malformed("has a part with a broken header line");
    const std::string_view field = line.substr(0, colon);
    const std::string_view value = trim(line.substr(colon + 1));
    if (equals_ignore_case(field, "Content-Disposition")) {
      if (has_disposition) return malformed("has a part with two Content-Disposition headers");
      has_disposition = true;
      MORGAN_CHECK_OK(apply_disposition(value, part));
    } else if (equals_ignore_case(field, "Content-Type")) {
      part.content_type = value;
    } else if (equals_ignore_case(field, "Content-Transfer-Encoding") && !equals_ignore_case(value, "binary") &&
               !equals_ignore_case(value, "8bit") && !equals_ignore_case(value, "7bit")) {
      return malformed("has a part in a transfer encoding; RFC 7578 allows none");
    }
  }
  if (!has_disposition) return malformed("has a part without Content-Disposition");
  return part;
}

/// Walks from delimiter to delimiter.
class Delimiters {
 public:
  Delimiters(std::string_view body, const std::string& boundary) : body_(body), mark_("--" + boundary) {}

  enum class Kind { kPart, kLast, kNone };

  /// Finds the next delimiter line from `position` on, which must be at the start of a line or before one.
  Kind next() {
    for (std::size_t from = after_;;) {
      const std::size_t found = body_.find(mark_, from);
      if (found == std::string_view::npos) return Kind::kNone;
      from = found + 1;
      const bool at_line_start = found == 0 || (found >= after_ + 2 && body_.substr(found - 2, 2) == kLineEnd) ||
                                 (found == after_ && after_ > 0);
      if (!at_line_start) continue;
      std::string_view rest = body_.substr(found + mark_.size());
      if (rest.starts_with("--")) {
        begin_ = found;
        return Kind::kLast;
      }
      skip_blanks(rest);
      if (!rest.starts_with(kLineEnd)) continue;  // longer text that only begins as the boundary does
      begin_ = found;
      after_ = body_.size() - rest.size() + kLineEnd.size();
      return Kind::kPart;
    }
  }

  std::size_t begin() const { return begin_; }  ///< where the delimiter's dashes are
  std::size_t after() const { return after_; }  ///< the first byte after its line
  void resume_at(std::size_t position) { after_ = position; }

 private:
  std::string_view body_;
  std::string mark_;
  std::size_t begin_ = 0;
  std::size_t after_ = 0;
};

}  // namespace

Result<std::vector<FormPart>> parse_multipart(std::string_view content_type, std::string_view body) {
  MORGAN_TRY(const std::string boundary, parse_boundary(content_type));
  Delimiters delimiters(body, boundary);
  std::vector<FormPart> parts;
  auto kind = delimiters.next();
  if (kind == Delimiters::Kind::kNone) return malformed("does not contain its boundary");
  while (kind == Delimiters::Kind::kPart) {
    if (parts.size() == kMaxParts) return malformed("has over 64 parts");
    const std::string_view rest = body.substr(delimiters.after());
    // A part may have no header at all; it is then refused for want of a name.
    const std::size_t head_end = rest.starts_with(kLineEnd) ? 0 : rest.substr(0, kMaxPartHead).find("\r\n\r\n");
    if (head_end == std::string_view::npos) return malformed("has a part whose headers do not end within 8 KiB");
    MORGAN_TRY(FormPart part, parse_part_head(rest.substr(0, head_end)));
    const std::size_t data_begin = delimiters.after() + head_end + (head_end == 0 ? 2 : 4);
    delimiters.resume_at(data_begin);
    kind = delimiters.next();
    if (kind == Delimiters::Kind::kNone) return malformed("has no closing boundary; it was cut off");
    // The line break before a delimiter belongs to it; an empty part may have none.
    const std::size_t data_end =
        std::max(data_begin, delimiters.begin() - std::min<std::size_t>(2, delimiters.begin()));
    part.data = body.substr(data_begin, data_end - data_begin);
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace morgan::net
