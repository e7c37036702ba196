#include "services/wyoming/wake_request.h"
#include "base/time_text.h"

namespace morgan::services {

namespace {}  // namespace

Result<std::vector<std::string>> read_names(const Json& data, const char* key) {
  std::vector<std::string> names;
  const auto given = data.find(key);
  if (given == data.end() || given->is_null()) return names;
  const bool texts =
      given->is_array() && std::all_of(given->begin(), given->end(), [](const Json& name) { return name.is_string(); });
  if (!texts) return fail({ErrorCode::kInvalidArgument, std::string(key) + " must be a list of texts", "", key});
  return given->get<std::vector<std::string>>();
}

Result<void> send_detection(const WyomingOutlet& out, const engines::WakeDetection& detection, long long begin_ms) {
  const long long at_ms = static_cast<long long>(detection.at_sample) * kMsPerSecond / audio::kSpeechRate;
  return out.send({"detection", {{"name", detection.name}, {"timestamp", begin_ms + at_ms}}});
}

Result<void> WakeRequest::take(std::span<const float> samples) {
  MORGAN_TRY(const auto detections, stream_->push(samples));
  for (const engines::WakeDetection& detection : detections) {
    detected_ = true;
    MORGAN_CHECK_OK(send_detection(out_, detection, begin_ms_));
  }
  return {};
}

Result<void> WakeRequest::finish() {
  return detected_ ? Result<void>{} : out_.send({"not-detected"});
}

}  // namespace morgan::services
