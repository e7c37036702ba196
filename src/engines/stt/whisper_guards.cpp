#include "engines/stt/whisper_guards.h"

#include "base/strings.h"

#include <zlib.h>

namespace morgan::engines {

namespace {

constexpr std::size_t kShortText = 40;
constexpr float kMostCompressible = 2.4F;
constexpr float kLeastLogProbability = -1.0F;
constexpr float kNoSpeech = 0.6F;
constexpr std::size_t kLongestPhrase = 8;
constexpr std::size_t kRepetitions = 4;

}  // namespace

float compression_ratio(std::string_view text) {
  if (text.size() < kShortText) return 1.0F;
  uLongf size = compressBound(static_cast<uLong>(text.size()));
  std::string deflated(size, '\0');
  if (compress2(reinterpret_cast<Bytef*>(deflated.data()), &size, reinterpret_cast<const Bytef*>(text.data()),
                static_cast<uLong>(text.size()), Z_DEFAULT_COMPRESSION) != Z_OK) {
    return 1.0F;
  }
  return static_cast<float>(text.size()) / static_cast<float>(size);
}

bool has_repetition(std::string_view text) {
  std::vector<std::string> words;
  for (const std::string& word : split(to_lower_ascii(text), ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  for (std::size_t phrase = 1; phrase <= kLongestPhrase; ++phrase) {
    std::size_t same = 0;
    for (std::size_t i = phrase; i < words.size(); ++i) {
      same = words[i] == words[i - phrase] ? same + 1 : 0;
      if (same >= phrase * (kRepetitions - 1)) return true;
    }
  }
  return false;
}

std::size_t most_tokens(double seconds) {
  // Fast speech has about 8 tokens a second.
  constexpr double kMostTokensPerSecond = 14;
  constexpr std::size_t kTokensAllowed = 24;
  return kTokensAllowed + static_cast<std::size_t>(kMostTokensPerSecond * seconds);
}

bool is_doubtful(const std::vector<SttSegment>& segments, double seconds) {
  std::string text;
  std::size_t tokens = 0;
  double log_probability = 0;
  float no_speech = 0;
  for (const SttSegment& segment : segments) {
    text += segment.text + " ";
    tokens += segment.tokens.size();
    log_probability +=
        static_cast<double>(segment.average_log_probability) * static_cast<double>(segment.tokens.size());
    no_speech = std::max(no_speech, segment.no_speech_probability);
  }
  if (tokens == 0) return false;
  const auto mean = static_cast<float>(log_probability / static_cast<double>(tokens));
  return compression_ratio(text) > kMostCompressible || has_repetition(text) ||
         (mean < kLeastLogProbability && no_speech < kNoSpeech) || tokens > most_tokens(seconds);
}

bool is_silence(const SttSegment& segment) {
  return segment.no_speech_probability > kNoSpeech && segment.average_log_probability < kLeastLogProbability;
}

bool is_echo(const SttSegment& segment, const SttSegment& before) {
  const auto seconds = [](const SttSegment& one) { return one.end_seconds - one.start_seconds; };
  return equals_ignore_case(segment.text, before.text) && seconds(segment) < seconds(before) / 2;
}

}  // namespace morgan::engines
