#include "dialogue/live/overlap_judge.h"

#include "base/strings.h"

#include <algorithm>
#include <array>
#include <set>

namespace morgan::dialogue::live {

namespace {

/// Of the words heard, so many that Morgan just said make an echo.
constexpr double kEchoShare = 0.7;
constexpr std::size_t kEchoWords = 3;
constexpr float kSureConfidence = 0.55F;
constexpr Ms kShortestInterruption = 150;
constexpr std::size_t kBackchannelWords = 3;
constexpr std::size_t kHumWords = 6;

/// Whoever says one of these listens.
constexpr std::array kBackchannels{"mm",   "mmm",     "mhm",  "mm-hmm", "mhmm", "hm",   "hmm",    "uh-huh",  "uhhuh",
                                   "huh",  "ah",      "oh",   "yeah",   "yes",  "yep",  "ok",     "okay",    "right",
                                   "sure", "cool",    "nice", "great",  "wow",  "true", "really", "exactly", "indeed",
                                   "good", "alright", "aha",  "i",      "see",  "got",  "it",     "go",      "on"};
/// ... but these alone, or among them, want the floor.
constexpr std::array kStops{"stop",   "wait",  "no",     "hold",   "hang",  "quiet",
                            "cancel", "sorry", "excuse", "morgan", "enough"};
/// What Whisper makes of breath, coughs and doors.
constexpr std::array kInventions{
    "you", "thank you", "thanks for watching", "bye", "bye bye", "thank you very much", "so",
    "the", "i'm sorry", "please subscribe"};

template <typename List>
bool is_one_of(std::string_view word, const List& list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (const std::string& part : split(to_lower_ascii(text), ' ')) {
    std::string word;
    for (const char c : part) {
      const bool letter =
          std::isalnum(static_cast<unsigned char>(c)) != 0 || (static_cast<unsigned char>(c) & 0x80U) != 0;
      if (letter || c == '\'' || c == '-') word += c;
    }
    while (!word.empty() && word.back() == '-')
      word.pop_back();
    if (!word.empty()) words.push_back(std::move(word));
  }
  return words;
}

/// "[coughs]", "(laughs)", "*sighs*": sounds, as Whisper writes them.
std::string without_sounds(std::string_view text) {
  std::string out;
  char closing = '\0';
  for (const char c : text) {
    if (closing != '\0') {
      if (c == closing) closing = '\0';
    } else if (c == '[' || c == '(' || c == '*') {
      closing = c == '[' ? ']' : c == '(' ? ')' : '*';
    } else {
      out += c;
    }
  }
  return out;
}

/// "mmhm", "uh-huh", and how Whisper spells them: "M-H-M.", "MMHum".
bool is_hum(const std::vector<std::string>& heard) {
  if (heard.size() > kHumWords) return false;
  const std::string letters = join(heard, "");
  const bool long_enough = letters.size() > 2 || letters.find('m') != std::string::npos;  // not the "uh" of a breath
  return long_enough && letters.find_first_of("mh") != std::string::npos &&
         letters.find_first_not_of("mhnu-") == std::string::npos;
}

bool is_echo(const std::vector<std::string>& heard, std::string_view spoken) {
  if (heard.size() < kEchoWords) return false;
  const std::vector<std::string> said = words_of(spoken);
  const std::set<std::string> known(said.begin(), said.end());
  const auto same = std::count_if(heard.begin(), heard.end(), [&](const auto& word) { return known.contains(word); });
  return static_cast<double>(same) >= kEchoShare * static_cast<double>(heard.size());
}

}  // namespace

Overlap judge_overlap(const OverlapEvidence& evidence) {
  const std::vector<std::string> heard = words_of(without_sounds(evidence.text));
  if (heard.empty()) return Overlap::kNothing;
  if (std::any_of(heard.begin(), heard.end(), [](const auto& word) { return is_one_of(word, kStops); }) &&
      heard.size() <= kBackchannelWords) {
    return Overlap::kInterruption;
  }
  if (heard.size() <= kBackchannelWords &&
      std::all_of(heard.begin(), heard.end(), [](const auto& word) { return is_one_of(word, kBackchannels); })) {
    return Overlap::kBackchannel;
  }
  if (is_hum(heard)) return Overlap::kBackchannel;
  const std::string phrase = join(heard, " ");
  if (is_one_of(phrase, kInventions)) return Overlap::kNothing;
  if (is_echo(heard, evidence.spoken)) return Overlap::kEcho;
  const bool short_and_unsure = heard.size() <= 2 && evidence.confidence < kSureConfidence;
  if (short_and_unsure || evidence.voiced < kShortestInterruption) return Overlap::kNothing;
  return Overlap::kInterruption;
}

}  // namespace morgan::dialogue::live
