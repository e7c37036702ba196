#include "dialogue/live/endpoint_policy.h"

#include "base/strings.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

namespace morgan::dialogue::live {

namespace {

/// Before the model has answered: as if it were undecided.
constexpr double kUndecided = 0.7;
/// Of pauses within recorded sentences the model says mostly less than the first of these, and more than the last in a
/// quarter; behind synthesized questions never less than the first, and more than the last half of the time.
constexpr std::array kProbabilities{0.1, 0.5, 0.725, 0.95};

/// Share of the way from the shortest to the longest wait, at each of kProbabilities. Whisper sets a full stop wherever
/// a recording ends, so the words shorten no wait of which the sound is sure that more will come.
struct WaitRow {
  TextEnding ending;
  std::array<double, kProbabilities.size()> shares;
};

constexpr std::array kWaits{
    WaitRow{TextEnding::kUnknown, {1.0, 1.0, 0.67, 0.34}},   WaitRow{TextEnding::kOpen, {1.0, 1.0, 0.90, 0.70}},
    WaitRow{TextEnding::kDangling, {1.0, 0.90, 0.55, 0.14}}, WaitRow{TextEnding::kFragment, {1.0, 0.95, 0.80, 0.60}},
    WaitRow{TextEnding::kComplete, {0.95, 0.60, 0.40, 0.0}}, WaitRow{TextEnding::kQuestion, {1.0, 0.26, 0.08, 0.0}},
    WaitRow{TextEnding::kShort, {0.06, 0.06, 0.06, 0.06}},   WaitRow{TextEnding::kDictation, {1.0, 1.0, 0.95, 0.80}},
};
constexpr double kForget = 0.25;
/// A speaker counts once so many pauses were seen.
constexpr int kPausesToKnow = 3;
/// Room above this speaker's usual pause.
constexpr double kPauseMargin = 1.25;

constexpr std::array kShortAnswers{"yes",  "yeah", "yep",   "yup",    "no",     "nope", "nah",   "ok",
                                   "okay", "sure", "right", "please", "thanks", "stop", "hello", "hi"};
/// No sentence ends with one of these.
constexpr std::array kOpenWords{"and", "but",  "or",  "because", "if",    "when", "while", "which", "the",  "a",   "an",
                                "my",  "your", "his", "our",     "their", "um",   "uh",    "er",    "than", "very"};
/// Questions may.
constexpr std::array kDanglingWords{"of",   "for", "to",   "with", "from", "by",   "in",    "on",     "at",    "about",
                                    "into", "is",  "are",  "was",  "were", "will", "would", "can",    "could", "so",
                                    "that", "who", "like", "then", "not",  "just", "her",   "between"};
/// "What is it about?": whole, though "about" dangles.
constexpr std::array kAsking{"what", "who", "whom", "where", "which", "whose"};
constexpr std::array kPronouns{"it", "that", "this", "they", "them", "he", "she", "we", "you", "i", "these", "those"};
/// What begins with one of these is whole only behind a comma.
constexpr std::array kSubordinate{"unless", "if",    "when",  "while", "because",  "although",
                                  "though", "since", "until", "once",  "whenever", "whereas"};
constexpr std::array kCoordinate{"and", "but", "or", "so"};
/// Fewer words behind "and" are no sentence yet.
constexpr std::size_t kFewWords = 6;
constexpr std::array kDigits{"zero", "oh",  "one",   "two",   "three", "four",
                             "five", "six", "seven", "eight", "nine",  "double"};
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
  const bool digits =
      !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
  const bool letter = word.size() == 1 && word != "a" && word != "i";
  return digits || letter || is_one_of(word, kDigits) || is_one_of(word, kSpelling);
}

bool is_stranded(const std::vector<std::string>& words) {
  const bool asks =
      std::any_of(words.begin(), words.end(), [](const std::string& word) { return is_one_of(word, kAsking); });
  return asks && words.size() >= 3 && is_one_of(words[words.size() - 2], kPronouns);
}

/// Words that may begin a sentence, and are none.
bool is_fragment(const std::vector<std::string>& words, std::string_view text) {
  if (is_one_of(words.front(), kSubordinate)) return text.find(',') == std::string_view::npos;
  return is_one_of(words.front(), kCoordinate) && words.size() < kFewWords;
}

/// Between the two of kProbabilities on either side, on a straight line.
double share_of(const WaitRow& row, double probability) {
  if (probability <= kProbabilities.front()) return row.shares.front();
  for (std::size_t i = 1; i < kProbabilities.size(); ++i) {
    if (probability > kProbabilities[i]) continue;
    const double way = (probability - kProbabilities[i - 1]) / (kProbabilities[i] - kProbabilities[i - 1]);
    return row.shares[i - 1] + way * (row.shares[i] - row.shares[i - 1]);
  }
  return row.shares.back();
}

}  // namespace

std::string_view to_string(TextEnding ending) {
  switch (ending) {
    case TextEnding::kUnknown:
      return "unknown";
    case TextEnding::kOpen:
      return "open";
    case TextEnding::kDangling:
      return "dangling";
    case TextEnding::kFragment:
      return "fragment";
    case TextEnding::kComplete:
      return "complete";
    case TextEnding::kQuestion:
      return "question";
    case TextEnding::kShort:
      return "short";
    case TextEnding::kDictation:
      return "dictation";
  }
  return "unknown";
}

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
  if (open_mark || is_one_of(last, kOpenWords)) return TextEnding::kOpen;
  const bool question = mark == '?' || trimmed.ends_with("\uff1f");
  const bool stop = mark == '.' || mark == '!' || trimmed.ends_with("\u3002");
  if (is_one_of(last, kDanglingWords) && !(question && is_stranded(words)))
    return question || stop ? TextEnding::kDangling : TextEnding::kOpen;
  if (question) return TextEnding::kQuestion;
  if (!stop) return TextEnding::kUnknown;
  return is_fragment(words, trimmed) ? TextEnding::kFragment : TextEnding::kComplete;
}

void SpeakerPauses::add(Ms pause) {
  mean_ms = seen == 0 ? static_cast<double>(pause) : mean_ms + kForget * (static_cast<double>(pause) - mean_ms);
  ++seen;
}

Ms endpoint_wait(float probability, TextEnding ending, const SpeakerPauses& pauses, const EndpointLimits& limits) {
  const double p = probability < 0 ? kUndecided : static_cast<double>(probability);
  const WaitRow& row =
      *std::find_if(kWaits.begin(), kWaits.end(), [&](const WaitRow& r) { return r.ending == ending; });
  const double share = share_of(row, p);
  const auto shortest = static_cast<double>(limits.shortest);
  const auto longest = static_cast<double>(limits.longest);
  double wait = shortest + share * (longest - shortest);
  if (pauses.seen >= kPausesToKnow && ending != TextEnding::kShort) {
    // Where the signs are unclear, this speaker's own pauses decide; where they are clear, they hardly count.
    const double usual = std::clamp(pauses.mean_ms * kPauseMargin, shortest, longest);
    wait += share * 0.5 * (usual - wait);
  }
  return static_cast<Ms>(std::lround(std::clamp(wait, shortest, longest)));
}

}  // namespace morgan::dialogue::live
