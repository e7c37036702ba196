// Texts on their way into PostgreSQL and back.
#include "stores/postgres/pg_connection.h"

namespace morgan::stores {

namespace {

constexpr char kEscape = '\x01';

}  // namespace

std::string to_pg_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '\0' || c == kEscape) {
      out += kEscape;
      out += c == '\0' ? '0' : '1';
    } else {
      out += c;
    }
  }
  return out;
}

std::string from_pg_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != kEscape || at + 1 == text.size()) {
      out += text[at];
      continue;
    }
    ++at;
    out += text[at] == '0' ? '\0' : kEscape;
  }
  return out;
}

std::string pg_array(std::span<const std::string> values) {
  std::string out = "{";
  for (const std::string& value : values) {
    if (out.size() > 1) out += ',';
    out += '"';
    for (const char c : value) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out + "}";
}

}  // namespace morgan::stores
