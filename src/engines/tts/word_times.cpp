#include "engines/tts/word_times.h"

#include "engines/tts/phonemizer.h"

#include <algorithm>
#include <numeric>

namespace morgan::engines {

namespace {

/// How far ahead two texts are searched for the next equal word: a number with cents becomes some 20 words.
constexpr std::size_t kReach = 48;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// Small letters, digits and bytes of other scripts; "" for a word of marks alone.
std::string key_of(std::string_view word) {
  std::string key;
  for (const char c : word) {
    const bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80;
    if (kept) key += c;
    if (c >= 'A' && c <= 'Z') key += static_cast<char>(c - 'A' + 'a');
  }
  return key;
}

std::vector<std::string> keys_of(std::span<const TextWord> words) {
  std::vector<std::string> keys;
  keys.reserve(words.size());
  for (const TextWord& word : words)
    keys.push_back(key_of(word.text));
  return keys;
}

/// About how many letters are said for a word: a run of digits or a sign is at least a word by itself.
double spoken_length(std::string_view word) {
  constexpr double kDigit = 4;
  constexpr double kNextDigit = 2;
  double length = 0;
  bool number = false;
  for (const char c : word) {
    const bool digit = c >= '0' && c <= '9';
    if (digit) length += number ? kNextDigit : kDigit;
    number = digit;
    if (std::string_view("$%&+=@").find(c) != std::string_view::npos) length += kDigit;
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80) length += 1;
  }
  return length;
}

/// Shares the spoken words [j, j_end) among the written words [i, i_end).
void share(std::span<const TextWord> written, std::span<const TextWord> spoken, std::size_t i, std::size_t i_end,
           std::size_t j, std::size_t j_end, std::vector<std::uint32_t>& places) {
  double total = 0;
  for (std::size_t w = i; w < i_end; ++w)
    total += spoken_length(written[w].text);
  double said = 0;
  for (std::size_t s = j; s < j_end; ++s)
    said += spoken_length(spoken[s].text);
  std::size_t place = i;
  double filled = i < i_end ? spoken_length(written[i].text) : 0;
  double at = 0;
  for (std::size_t s = j; s < j_end; ++s) {
    const double length = spoken_length(spoken[s].text);
    const double middle = said > 0 ? (at + length / 2) / said * total : 0;
    // A written word without letters is passed over: nothing is said for it.
    while (place + 1 < i_end && (filled <= middle || spoken_length(written[place].text) == 0)) {
      ++place;
      filled += spoken_length(written[place].text);
    }
    at += length;
    // Without a written word between two anchors it belongs to the one before: "$5 million" ends in "dollars".
    places[s] = static_cast<std::uint32_t>(i < i_end ? place : i > 0 ? i - 1 : 0);
  }
}

}  // namespace

std::vector<TextWord> words_of(std::string_view text) {
  std::vector<TextWord> words;
  for (std::size_t at = 0; at < text.size();) {
    if (is_blank(text[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && !is_blank(text[end]))
      ++end;
    words.push_back({text.substr(at, end - at), at, end});
    at = end;
  }
  return words;
}

std::vector<std::uint32_t> written_places(std::span<const TextWord> written, std::span<const TextWord> spoken) {
  const std::vector<std::string> written_keys = keys_of(written);
  const std::vector<std::string> spoken_keys = keys_of(spoken);
  std::vector<std::uint32_t> places(spoken.size(), 0);
  std::size_t i = 0;
  std::size_t j = 0;
  const auto equal = [&](std::size_t a, std::size_t b) {
    return a < written.size() && b < spoken.size() && !written_keys[a].empty() && written_keys[a] == spoken_keys[b];
  };
  /// The nearest pair of equal words ahead, counted from i and j.
  const auto next_anchor = [&](std::size_t& ahead_i, std::size_t& ahead_j) {
    for (std::size_t sum = 1; sum <= 2 * kReach; ++sum) {
      for (std::size_t a = sum > kReach ? sum - kReach : 0; a <= std::min(sum, kReach); ++a) {
        if (!equal(i + a, j + sum - a)) continue;
        ahead_i = a;
        ahead_j = sum - a;
        return true;
      }
    }
    return false;
  };
  while (j < spoken.size()) {
    if (equal(i, j)) {
      places[j++] = static_cast<std::uint32_t>(i++);
      continue;
    }
    std::size_t ahead_i = written.size() - i;
    std::size_t ahead_j = spoken.size() - j;
    if (!next_anchor(ahead_i, ahead_j) && (ahead_i > kReach || ahead_j > kReach)) {
      // Nothing in common for so long: go on side by side.
      ahead_i = std::min<std::size_t>(ahead_i, 1);
      ahead_j = std::min<std::size_t>(ahead_j, 1);
    }
    share(written, spoken, i, i + ahead_i, j, j + ahead_j, places);
    i += ahead_i;
    j += ahead_j;
  }
  return places;
}

std::vector<WordSpan> word_spans(std::span<const std::uint32_t> words, std::span<const float> frames,
                                 std::size_t samples) {
  std::vector<float> even;
  if (frames.size() != words.size()) {
    even.assign(words.size(), 1.0F);
    frames = even;
  }
  const double total = std::accumulate(frames.begin(), frames.end(), 0.0);
  if (!(total > 0)) return {};
  const double scale = static_cast<double>(samples) / total;
  std::vector<WordSpan> spans;
  double at = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto begin = static_cast<std::size_t>(at * scale);
    at += frames[i];
    if (words[i] == kNoWord) continue;
    const std::size_t end = std::min(static_cast<std::size_t>(at * scale), samples);
    if (spans.empty() || spans.back().word != words[i]) spans.push_back({words[i], begin, end});
    spans.back().end = end;
  }
  return spans;
}

WordTeller::WordTeller(std::string_view written, std::string_view spoken)
    : written_(words_of(written)), spoken_(words_of(spoken)), places_(written_places(written_, spoken_)) {}

void WordTeller::tell_silent(std::size_t until, std::size_t at, std::vector<SpokenWord>& out) {
  for (; told_ < std::min(until, written_.size()); ++told_)
    out.push_back({std::string(written_[told_].text), written_[told_].end, at, at});
}

std::vector<SpokenWord> WordTeller::tell(std::span<const WordSpan> spans, std::size_t next) {
  std::vector<SpokenWord> out;
  std::size_t at = 0;
  for (const WordSpan& span : spans) {
    if (span.word >= places_.size()) continue;
    const std::size_t place = places_[span.word];
    const std::size_t begin = std::max(span.begin, at);
    at = std::max(span.end, begin);
    if (place >= told_) {
      tell_silent(place, begin, out);
      out.push_back({std::string(written_[place].text), written_[place].end, begin, at});
      told_ = place + 1;
    } else if (!out.empty() && out.back().text_end == written_[place].end) {
      out.back().end_sample = at;
    }
  }
  if (!out.empty()) tell_silent(next < places_.size() ? places_[next] : written_.size(), at, out);
  return out;
}

std::vector<SpokenWord> WordTeller::rest() {
  std::vector<SpokenWord> out;
  tell_silent(written_.size(), 0, out);
  return out;
}

}  // namespace morgan::engines
