#include "engines/stt/transcript_units.h"

#include "base/strings.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace morgan::engines {

namespace {

struct Character {
  char32_t code = 0;
  std::size_t size = 1;
};

/// Broken bytes are characters of their own: Whisper may write half a character.
Character character_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(at);
  const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
  if (size == 1 || at + size > text.size()) return {first < 0x80 ? first : 0xFFFD, 1};
  char32_t code = first & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(at + i) & 0xC0U) != 0x80U) return {0xFFFD, 1};
    code = (code << 6U) | (byte(at + i) & 0x3FU);
  }
  return {code, size};
}

bool in_any(char32_t code, std::span<const std::array<char32_t, 2>> ranges) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [code](const auto& range) { return code >= range[0] && code <= range[1]; });
}

/// Scripts that put no blank between words: Thai, Lao, Burmese, Khmer, kana, Han.
bool stands_alone(char32_t code) {
  static constexpr std::array<std::array<char32_t, 2>, 7> kRanges{{{0x0E00, 0x0EFF},
                                                                   {0x1000, 0x109F},
                                                                   {0x1780, 0x17FF},
                                                                   {0x3040, 0x30FF},
                                                                   {0x3400, 0x9FFF},
                                                                   {0xF900, 0xFAFF},
                                                                   {0x20000, 0x3FFFF}}};
  return in_any(code, kRanges);
}

/// Vowel signs and tone marks belong to the letter before them.
bool is_mark(char32_t code) {
  static constexpr std::array<std::array<char32_t, 2>, 6> kRanges{
      {{0x0E31, 0x0E3A}, {0x0E47, 0x0E4E}, {0x0EB1, 0x0EBC}, {0x0EC8, 0x0ECD}, {0x102B, 0x103E}, {0x17B6, 0x17D3}}};
  return in_any(code, kRanges);
}

bool is_punctuation(char32_t code) {
  static constexpr std::array<std::array<char32_t, 2>, 11> kRanges{{{0x21, 0x26},
                                                                    {0x28, 0x2F},
                                                                    {0x3A, 0x40},
                                                                    {0x5B, 0x60},
                                                                    {0x7B, 0x7E},
                                                                    {0xA1, 0xBF},
                                                                    {0x2010, 0x2027},
                                                                    {0x2030, 0x205E},
                                                                    {0x3000, 0x303F},
                                                                    {0xFF01, 0xFF0F},
                                                                    {0xFF1A, 0xFF1F}}};
  return in_any(code, kRanges) || code == 0x0964 || code == 0x061F || code == 0x060C;
}

std::string key_of(std::string_view text) {
  std::string key;
  for (std::size_t at = 0; at < text.size();) {
    const Character character = character_at(text, at);
    if (!is_punctuation(character.code) && character.code != ' ' && character.code != '\'')
      key.append(text.substr(at, character.size));
    at += character.size;
  }
  return to_lower_ascii(key);
}

/// Cuts at blanks and around characters that stand alone.
std::vector<Unit> cut_text(std::string_view text) {
  std::vector<Unit> units;
  bool alone = false;
  for (std::size_t at = 0; at < text.size();) {
    const Character character = character_at(text, at);
    const bool own = stands_alone(character.code) && !is_mark(character.code);
    const bool joins = is_punctuation(character.code) || is_mark(character.code);
    const bool begins = units.empty() || character.code == ' ' || own || (alone && !joins);
    // A blank belongs to the unit behind it.
    const bool after_blank = !units.empty() && units.back().text == " ";
    if (begins && !after_blank) units.emplace_back();
    units.back().text.append(text.substr(at, character.size));
    if (!joins) alone = own;
    at += character.size;
  }
  for (Unit& unit : units)
    unit.key = key_of(unit.text);
  return units;
}

/// Punctuation that stands alone, a dash for one, joins what is before it: it says nothing by itself.
void join_silent(std::vector<Unit>& units) {
  std::vector<Unit> joined;
  for (Unit& unit : units) {
    if (unit.key.empty() && !joined.empty()) {
      joined.back().text += unit.text;
    } else {
      joined.push_back(std::move(unit));
    }
  }
  units = std::move(joined);
}

void give_times(std::vector<Unit>& units, const SttSegment& segment) {
  const auto starts_word = [](const Unit& unit) { return unit.text.starts_with(' '); };
  const auto words = static_cast<std::size_t>(std::count_if(units.begin(), units.end(), starts_word));
  double bytes = 0;
  for (const Unit& unit : units)
    bytes += static_cast<double>(unit.text.size());
  if (words == units.size() && segment.words.size() == units.size()) {
    for (std::size_t i = 0; i < units.size(); ++i) {
      units[i].begin_seconds = segment.words[i].start_seconds;
      units[i].end_seconds = segment.words[i].end_seconds;
      units[i].probability = segment.words[i].probability;
    }
    return;
  }
  const double length = segment.end_seconds - segment.start_seconds;
  double at = segment.start_seconds;
  for (Unit& unit : units) {
    unit.begin_seconds = at;
    at += length * static_cast<double>(unit.text.size()) / bytes;
    unit.end_seconds = at;
    unit.probability = segment.confidence;
  }
}

}  // namespace

std::vector<Unit> units_of(const Transcript& transcript, double offset_seconds) {
  std::vector<Unit> all;
  for (const SttSegment& segment : transcript.segments) {
    if (segment.text.empty()) continue;
    const bool blank = !stands_alone(character_at(segment.text, 0).code);
    std::vector<Unit> units = cut_text(blank ? " " + segment.text : segment.text);
    give_times(units, segment);
    for (Unit& unit : units) {
      unit.begin_seconds += offset_seconds;
      unit.end_seconds += offset_seconds;
      all.push_back(std::move(unit));
    }
  }
  join_silent(all);
  if (all.size() == 1 && all.front().key.empty()) all.clear();
  return all;
}

std::size_t without_punctuation(std::string_view text) {
  std::size_t kept = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Character character = character_at(text, at);
    at += character.size;
    if (character.code != ' ' && !is_punctuation(character.code)) kept = at;
  }
  return kept;
}

std::string text_of(std::span<const Unit> units) {
  std::string text;
  for (const Unit& unit : units)
    text += unit.text;
  return text;
}

std::size_t common_units(std::span<const Unit> a, std::span<const Unit> b) {
  std::size_t same = 0;
  while (same < a.size() && same < b.size() && a[same].key == b[same].key)
    ++same;
  return same;
}

namespace {

/// 0 the same, 1 nearly ("prudent", "prudently"), 2 another.
std::size_t halves_apart(const std::string& a, const std::string& b) {
  if (a == b) return 0;
  const auto [shorter, longer] = std::minmax(a.size(), b.size());
  std::size_t same = 0;
  while (same < shorter && a[same] == b[same])
    ++same;
  return shorter >= 3 && 3 * same >= 2 * longer ? 1 : 2;
}

}  // namespace

Alignment align_units(std::span<const Unit> known, std::span<const Unit> heard) {
  if (known.empty()) return {};
  // edits[j]: the fewest that make known[0..i) of heard[0..j), counted in halves; one row at a time.
  std::vector<std::size_t> edits(heard.size() + 1);
  for (std::size_t j = 0; j <= heard.size(); ++j)
    edits[j] = 2 * j;
  for (const Unit& unit : known) {
    std::size_t diagonal = edits[0];
    edits[0] += 2;
    for (std::size_t j = 1; j <= heard.size(); ++j) {
      const std::size_t changed = diagonal + halves_apart(unit.key, heard[j - 1].key);
      diagonal = edits[j];
      edits[j] = std::min({changed, edits[j] + 2, edits[j - 1] + 2});
    }
  }
  Alignment best;
  double least = static_cast<double>(known.size() + heard.size() + 1);
  const double expected = known.back().end_seconds;
  for (std::size_t j = 0; j <= heard.size(); ++j) {
    const bool matches = j > 0 && halves_apart(heard[j - 1].key, known.back().key) < 2;
    // Among equals: the one that ends with the last known unit, then the one whose time fits.
    const double late = j > 0 ? std::abs(heard[j - 1].end_seconds - expected) : 1;
    const double cost = 0.5 * static_cast<double>(edits[j]) + (matches ? 0 : 0.4) + std::min(0.3, 0.1 * late);
    if (cost >= least) continue;
    least = cost;
    best.end = j;
    best.clean = (matches && edits[j] <= known.size()) || 2 * edits[j] <= known.size();
  }
  return best;
}

}  // namespace morgan::engines
