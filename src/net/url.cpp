#include "net/url.h"

#include "base/strings.h"
#include "net/http_client.h"

#include <algorithm>

namespace morgan::net {

namespace {

constexpr std::size_t kMaxQueryFields = 256;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

Result<std::map<std::string, std::string>> parse_query(std::string_view text) {
  std::map<std::string, std::string> fields;
  while (!text.empty()) {
    const std::size_t end = text.find('&');
    const std::string_view field = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (field.empty()) continue;
    const std::size_t equals = field.find('=');
    const std::string_view raw_value = equals == std::string_view::npos ? std::string_view{} : field.substr(equals + 1);
    MORGAN_TRY(std::string name, percent_decode(field.substr(0, equals), PlusSign::kSpace));
    MORGAN_TRY(std::string value, percent_decode(raw_value, PlusSign::kSpace));
    fields.insert_or_assign(std::move(name), std::move(value));
    if (fields.size() > kMaxQueryFields) return fail(ErrorCode::kInvalidArgument, "the query has over 256 parameters");
  }
  return fields;
}

// Clients join an address that ends in a slash and a path that begins with one. Only plain slashes: "%2F" is part of a
// segment.
std::string without_double_slashes(std::string_view path) {
  std::string single(path);
  const auto both = [](char a, char b) { return a == '/' && b == '/'; };
  single.erase(std::unique(single.begin(), single.end(), both), single.end());
  return single;
}

}  // namespace

Result<std::string> percent_decode(std::string_view text, PlusSign plus) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && plus == PlusSign::kSpace) c = ' ';
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return fail(ErrorCode::kInvalidArgument, "the address has a '%' that two hexadecimal digits do not follow");
      }
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0') return fail(ErrorCode::kInvalidArgument, "the address has a NUL in it");
    decoded += c;
  }
  if (!is_valid_utf8(decoded)) return fail(ErrorCode::kInvalidArgument, "the address is not UTF-8");
  return decoded;
}

Result<Target> parse_target(std::string_view target) {
  if (target.starts_with("http://") || target.starts_with("https://")) {
    const std::size_t path = target.find_first_of("/?", target.find("//") + 2);
    target = path == std::string_view::npos ? std::string_view{"/"} : target.substr(path);
  }
  target = target.substr(0, target.find('#'));
  const std::size_t question = target.find('?');
  Target parsed;
  parsed.raw_path = without_double_slashes(target.substr(0, question));
  if (parsed.raw_path.empty() && question == 0) parsed.raw_path.assign(1, '/');
  if (parsed.raw_path != "*" && !parsed.raw_path.starts_with('/')) {
    return fail(ErrorCode::kInvalidArgument, "the path must begin with '/'");
  }
  MORGAN_TRY(parsed.path, percent_decode(parsed.raw_path));
  if (question != std::string_view::npos) {
    MORGAN_TRY(parsed.query, parse_query(target.substr(question + 1)));
  }
  return parsed;
}

std::string url_encode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (is_unreserved(c)) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
  }
  return encoded;
}

}  // namespace morgan::net
