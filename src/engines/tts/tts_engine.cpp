#include "engines/tts/tts_engine.h"

#include "base/strings.h"
#include "engines/tts/voice_list.h"

#include <cmath>

namespace morgan::engines {

namespace {

constexpr double kSlowest = 0.25;
constexpr double kFastest = 4.0;

}  // namespace

Result<void> check_speed(double speed) {
  // Written so that NaN, which compares false with everything, is refused.
  if (speed >= kSlowest && speed <= kFastest) return {};
  return fail(Error{ErrorCode::kInvalidArgument, "speed must be a number from 0.25 to 4", "", "speed"});
}

Result<Voice> voice_named(std::span<const Voice> voices, const std::string& name, const std::string& default_voice) {
  const std::string& wanted = name.empty() || name == "default" ? default_voice : name;
  std::vector<std::string> known;
  for (const Voice& voice : voices) {
    if (voice.name == wanted) return voice;
    known.push_back(voice.name);
  }
  std::string message = "there is no voice '" + wanted + "'" + did_you_mean(wanted, known);
  constexpr std::size_t kListed = 40;
  if (!known.empty() && known.size() <= kListed) message += "; voices: " + join(known, ", ");
  return fail(Error{ErrorCode::kNotFound, std::move(message), "VOICE_NOT_FOUND", "voice"});
}

Result<void> TtsEngine::synthesize_timed(const TtsRequest& request, const TimedSink& sink, const StopToken& stop) {
  return synthesize(request, [&sink](std::span<const float> samples) { return sink({samples, {}}); }, stop);
}

}  // namespace morgan::engines
