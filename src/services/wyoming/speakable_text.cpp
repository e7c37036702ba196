#include "services/wyoming/speakable_text.h"

#include "base/strings.h"
#include "text/utf8.h"

#include <array>
#include <optional>

namespace morgan::services {

namespace {

constexpr std::size_t kLongestEntity = 10;
constexpr char32_t kLastCode = 0x10FFFF;

struct Entity {
  std::string_view name;
  char32_t code;
};
constexpr std::array kEntities{Entity{"amp", U'&'}, Entity{"lt", U'<'}, Entity{"gt", U'>'}, Entity{"quot", U'"'},
                               Entity{"apos", U'\''}};

// "amp", "#233", "#xE9"
std::optional<char32_t> code_of(std::string_view entity) {
  for (const Entity& known : kEntities) {
    if (known.name == entity) return known.code;
  }
  if (!entity.starts_with('#')) return std::nullopt;
  entity.remove_prefix(1);
  const bool hexadecimal = entity.starts_with('x');
  if (hexadecimal) entity.remove_prefix(1);
  char32_t code = 0;
  for (const char c : entity) {
    const std::string_view digits = "0123456789abcdef";
    const std::size_t digit = digits.find(static_cast<char>(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c));
    if (digit >= (hexadecimal ? 16U : 10U) || code > kLastCode) return std::nullopt;
    code = code * (hexadecimal ? 16 : 10) + static_cast<char32_t>(digit);
  }
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (entity.empty() || code == 0 || code > kLastCode || surrogate) return std::nullopt;
  return code;
}

}  // namespace

std::string text_of_ssml(std::string_view ssml) {
  std::string text;
  while (!ssml.empty()) {
    const std::size_t mark = std::min(ssml.find_first_of("<&"), ssml.size());
    text += ssml.substr(0, mark);
    ssml.remove_prefix(mark);
    if (ssml.empty()) break;
    if (ssml.front() == '<') {
      text += ' ';
      ssml.remove_prefix(std::min(ssml.find('>'), ssml.size() - 1) + 1);
      continue;
    }
    const std::size_t end = ssml.substr(0, kLongestEntity).find(';');
    const auto code = end == std::string_view::npos ? std::nullopt : code_of(ssml.substr(1, end - 1));
    if (code) {
      text::append_utf8(text, *code);
      ssml.remove_prefix(end + 1);
    } else {
      text += '&';
      ssml.remove_prefix(1);
    }
  }
  return std::string(trim(text));
}

}  // namespace morgan::services
