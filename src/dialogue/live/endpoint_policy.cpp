#include "dialogue/live/endpoint_policy.h"

#include "base/strings.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

namespace morgan::dialogue::live {

namespace {

constexpr float kUnknownProbability = 0.5F;
/// How steeply the wait falls with the probability.
constexpr double kSteepness = 1.6;
constexpr double kForget = 0.25;
/// A speaker counts once so many pauses were seen.
constexpr int kPausesToKnow = 3;
/// Room above this speaker's usual pause.
constexpr double kPauseMargin = 1.25;

constexpr std::array kShortAnswers{"yes", "yeah", "yep", "yup", "no",    "nope", "nah",   "ok",
                                   "okay", "sure", "right", "please", "thanks", "stop", "hello", "hi"};
constexpr std::array kOpenWords{"and",  "but",  "or",   "so",    "because", "if",   "when", "while", "that",   "which",
                                "who",  "the",  "a",    "an",    "to",      "of",   "in",   "on",    "at",     "for",
                                "with", "from", "by",   "my",    "your",    "his",  "her",  "our",   "their",  "is",
                                "are",  "was",  "were", "will",  "would",   "can",  "could", "um",   "uh",     "er",
                                "like", "then", "than", "about", "into",    "not",  "very", "just",  "between"};
constexpr std::array kDigits{"zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "double"};
constexpr std::array kSpelling{"at", "dot", "dash", "underscore", "hyphen", "slash"};

template <typename List>
bool is_one_of(const std::string& word, const List& list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

/// Lower case, without the marks around it.
std::string bare(std::string_view word) {
  std::string out;
  for (const char c : word) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '\'') out += c;
    if ((static_cast<unsigned char>(c) & 0x80U) != 0) out += c;
  }
  return to_lower_ascii(out);
}

bool is_dictated(const std::string& word) {
  const bool digits = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
  const bool letter = word.size() == 1 && word != "a" && word != "i";
  return digits || letter || is_one_of(word, kDigits) || is_one_of(word, kSpelling);
}

}  // namespace

TextEnding ending_of(std::string_view text) {
  const std::string_view trimmed = trim(text);
  if (trimmed.empty()) return TextEnding::kUnknown;
  std::vector<std::string> words;
  for (const std::string& word : split(trimmed, ' ')) {
    if (std::string plain = bare(word); !plain.empty()) words.push_back(std::move(plain));
  }
  if (words.empty()) return TextEnding::kUnknown;
  const char mark = trimmed.back();
  const bool trails_off = trimmed.ends_with("...") || trimmed.ends_with("\u2026");
  const bool open_mark = mark == ',' || mark == '-' || mark == ':' || mark == ';' || trails_off;
  const std::string& last = words.back();
  if (words.size() >= 2 && is_dictated(last) && is_dictated(words[words.size() - 2])) return TextEnding::kDictation;
  if (last.find_first_of("0123456789") != std::string::npos && last.size() >= 3 && mark != '?') {
    return TextEnding::kDictation;  // "555", "07911": more may follow
  }
  if (words.size() <= 2 && is_one_of(words.front(), kShortAnswers) &&
      (words.size() == 1 || is_one_of(last, kShortAnswers)))
    return TextEnding::kShort;
  if (open_mark) return TextEnding::kOpen;
  if (mark == '?') return TextEnding::kComplete;
  if (is_one_of(last, kOpenWords)) return TextEnding::kOpen;
  if (mark == '.' || mark == '!' || trimmed.ends_with("\u3002") || trimmed.ends_with("\uff1f")) return TextEnding::kComplete;
  return TextEnding::kUnknown;
}

void SpeakerPauses::add(Ms pause) {
  mean_ms = seen == 0 ? static_cast<double>(pause) : mean_ms + kForget * (static_cast<double>(pause) - mean_ms);
  ++seen;
}

Ms endpoint_wait(float probability, TextEnding ending, const SpeakerPauses& pauses, const EndpointLimits& limits) {
  double p = probability < 0 ? static_cast<double>(kUnknownProbability) : static_cast<double>(probability);
  double least = static_cast<double>(limits.shortest);
  const auto longest = static_cast<double>(limits.longest);
  switch (ending) {
    case TextEnding::kShort: p = 0.95; break;
    // Sound and words are two witnesses; a whole sentence that trails off acoustically is still likely whole.
    case TextEnding::kComplete: p = 1 - (1 - p) * 0.6; break;
    case TextEnding::kOpen:
      p *= 0.35;
      least = longest * 0.6;
      break;
    case TextEnding::kDictation:
      p *= 0.35;
      least = longest * 0.85;
      break;
    case TextEnding::kUnknown: break;
  }
  double wait = least + (longest - least) * std::pow(1 - p, kSteepness);
  if (pauses.seen >= kPausesToKnow && ending != TextEnding::kShort) {
    // Where the model is unsure, this speaker's own pauses decide; where it is sure, they hardly count.
    const double usual = std::clamp(pauses.mean_ms * kPauseMargin, least, longest);
    wait = wait + (1 - p) * 0.5 * (usual - wait);
  }
  return static_cast<Ms>(std::lround(std::clamp(wait, static_cast<double>(limits.shortest), longest)));
}

}  // namespace morgan::dialogue::live
