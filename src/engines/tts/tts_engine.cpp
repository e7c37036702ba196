#include "engines/tts/tts_engine.h"

#include "base/strings.h"
#include "engines/tts/voice_list.h"
#include "engines/tts/word_times.h"

#include <algorithm>
#include <cmath>

namespace morgan::engines {

namespace {

constexpr double kSlowest = 0.25;
constexpr double kFastest = 4.0;

/// A voice's usual pace.
constexpr double kLettersPerSecond = 15;

/// Words at the pace of a voice that does not say where they are.
class PacedWords {
 public:
  PacedWords(const TtsRequest& request, int rate_hz)
      : words_(words_of(request.text)), samples_per_letter_(rate_hz / (kLettersPerSecond * request.speed)) {}

  /// The words that begin in the next `samples`.
  std::vector<SpokenWord> within(std::size_t samples) {
    std::vector<SpokenWord> out;
    const auto from = static_cast<double>(passed_);
    for (; next_ < words_.size() && begin_ < from + static_cast<double>(samples); ++next_) {
      const double end = begin_ + static_cast<double>(words_[next_].text.size() + 1) * samples_per_letter_;
      const auto in_chunk = [&](double sample) {
        return std::min(static_cast<std::size_t>(std::max(sample - from, 0.0)), samples);
      };
      out.push_back({std::string(words_[next_].text), words_[next_].end, in_chunk(begin_), in_chunk(end)});
      begin_ = end;
    }
    passed_ += samples;
    return out;
  }

  std::vector<SpokenWord> rest() {
    std::vector<SpokenWord> out;
    for (; next_ < words_.size(); ++next_)
      out.push_back({std::string(words_[next_].text), words_[next_].end, 0, 0});
    return out;
  }

 private:
  std::vector<TextWord> words_;
  double samples_per_letter_;
  std::size_t next_ = 0;
  double begin_ = 0;  // of the next word, in samples of the whole
  std::size_t passed_ = 0;
};

}  // namespace

Result<void> check_speed(double speed) {
  // Written so that NaN, which compares false with everything, is refused.
  if (speed >= kSlowest && speed <= kFastest) return {};
  return fail(Error{ErrorCode::kInvalidArgument, "speed must be a number from 0.25 to 4", "", "speed"});
}

Result<Voice> voice_named(std::span<const Voice> voices, const std::string& name, const std::string& default_voice,
                          std::span<const std::string> other_names) {
  const std::string& wanted = name.empty() || name == "default" ? default_voice : name;
  std::vector<std::string> known;
  for (const Voice& voice : voices) {
    if (voice.name == wanted) return voice;
    known.push_back(voice.name);
  }
  std::vector<std::string> names = known;
  names.insert(names.end(), other_names.begin(), other_names.end());
  std::string message = "there is no voice '" + wanted + "'" + did_you_mean(wanted, names);
  constexpr std::size_t kListed = 40;
  if (!known.empty() && known.size() <= kListed) message += "; voices: " + join(known, ", ");
  return fail(Error{ErrorCode::kNotFound, std::move(message), "VOICE_NOT_FOUND", "voice"});
}

Result<void> TtsEngine::synthesize_timed(const TtsRequest& request, const TimedSink& sink, const StopToken& stop) {
  MORGAN_TRY(const Voice voice, find_voice(request.voice));
  PacedWords words(request, voice.sample_rate_hz);
  const auto take = [&](std::span<const float> samples) { return sink({samples, words.within(samples.size())}); };
  MORGAN_CHECK_OK(synthesize(request, take, stop));
  if (auto rest = words.rest(); !rest.empty() && !sink({{}, std::move(rest)}))
    return fail(ErrorCode::kCancelled, "the listener left before the end of the speech");
  return {};
}

}  // namespace morgan::engines
