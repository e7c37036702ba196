#include "text/utf8.h"

#include <cstdint>

namespace morgan::text {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

template <std::size_t N>
bool in_ranges(char32_t code, const Range (&ranges)[N]) {
  for (const Range& range : ranges) {
    if (code >= range.first && code <= range.last) return true;
  }
  return false;
}

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

}  // namespace

Character character_at(std::string_view text, std::size_t at) {
  if (at >= text.size()) return {};
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return {lead, 1, false};
  std::size_t size = 0;
  char32_t code = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    size = 2;
    code = lead & 0x1FU;
  } else if ((lead & 0xF0) == 0xE0) {
    size = 3;
    code = lead & 0x0FU;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    size = 4;
    code = lead & 0x07U;
  } else {
    return {kReplacement, 1, false};
  }
  for (std::size_t i = 1; i < size; ++i) {
    if (at + i >= text.size()) return {kReplacement, text.size() - at, true};
    if (!is_continuation(text[at + i])) return {kReplacement, 1, false};
    code = (code << 6) | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
  }
  return {code, size, false};
}

Character character_before(std::string_view text, std::size_t at) {
  if (at == 0) return {};
  std::size_t start = at - 1;
  while (start > 0 && at - start < 4 && is_continuation(text[start]))
    --start;
  const Character found = character_at(text.substr(0, at), start);
  if (found.size == at - start && !found.truncated) return found;
  return {kReplacement, 1, false};
}

void append_utf8(std::string& out, char32_t code) {
  const auto put = [&out](char32_t value) { out += static_cast<char>(static_cast<std::uint8_t>(value)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

std::size_t count_characters(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text)
    count += is_continuation(c) ? 0 : 1;
  return count;
}

bool is_word_character(char32_t code) {
  if (code < 0x80) return is_letter(static_cast<char>(code)) || is_digit(static_cast<char>(code));
  if (code < 0xC0) return code == 0xAA || code == 0xB5 || code == 0xBA || (code >= 0xBC && code <= 0xBE);
  static constexpr Range kNotWords[] = {
      {0xD7, 0xD7},     {0xF7, 0xF7},     {0x2000, 0x206F}, {0x20A0, 0x20CF}, {0x2190, 0x2BFF},   {0x2E00, 0x2E7F},
      {0x3000, 0x3004}, {0x3008, 0x3020}, {0x30FB, 0x30FB}, {0xE000, 0xF8FF}, {0xFE00, 0xFE6F},   {0xFEFF, 0xFF0F},
      {0xFF1A, 0xFF20}, {0xFF3B, 0xFF40}, {0xFF5B, 0xFF65}, {0xFFE0, 0xFFFF}, {0x1F000, 0x1FBFF}, {0xE0000, 0x10FFFF}};
  return !in_ranges(code, kNotWords);
}

bool is_emoji(char32_t code) {
  static constexpr Range kEmoji[] = {{0x200D, 0x200D},   {0x20E3, 0x20E3},   {0x231A, 0x231B},  {0x23E9, 0x23FA},
                                     {0x25AA, 0x25AB},   {0x25FB, 0x25FE},   {0x2600, 0x27BF},  {0x2B05, 0x2B07},
                                     {0x2B1B, 0x2B1C},   {0x2B50, 0x2B50},   {0x2B55, 0x2B55},  {0xFE00, 0xFE0F},
                                     {0x1F000, 0x1F9FF}, {0x1FA70, 0x1FAFF}, {0xE0001, 0xE007F}};
  return in_ranges(code, kEmoji);
}

bool is_invisible(char32_t code) {
  if (code < 0x20) return code != '\n' && code != '\t';
  static constexpr Range kInvisible[] = {{0x7F, 0x9F},     {0xAD, 0xAD},     {0x200B, 0x200C},
                                         {0x200E, 0x200F}, {0x202A, 0x202E}, {0x2060, 0x206F},
                                         {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFD}, {0xE000, 0xF8FF}};
  return in_ranges(code, kInvisible);
}

bool is_cjk(char32_t code) {
  static constexpr Range kCjk[] = {{0x2E80, 0x303F}, {0x3040, 0x30FF}, {0x31F0, 0x4DBF},  {0x4E00, 0x9FFF},
                                   {0xF900, 0xFAFF}, {0xFF00, 0xFFEF}, {0x20000, 0x323AF}};
  return in_ranges(code, kCjk);
}

}  // namespace morgan::text
