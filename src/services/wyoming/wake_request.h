// detect: tells each wake word that is said, until the audio ends.
#pragma once

#include "base/json_util.h"
#include "engines/wake/wake_engine.h"
#include "services/wyoming/audio_listener.h"
#include "services/wyoming/wyoming_outlet.h"

#include <memory>
#include <string>
#include <vector>

namespace morgan::services {

/// A list of texts, or nothing. @error kInvalidArgument
Result<std::vector<std::string>> read_names(const Json& data, const char* key);

Result<void> send_detection(const WyomingOutlet& out, const engines::WakeDetection& detection, long long begin_ms);

class WakeRequest final : public AudioListener {
 public:
  /// @param out  outlives it
  WakeRequest(std::unique_ptr<engines::WakeStream> stream, const WyomingOutlet& out)
      : stream_(std::move(stream)), out_(out) {}

  void begin(long long timestamp_ms) override { begin_ms_ = timestamp_ms; }
  Result<void> take(std::span<const float> samples) override;
  /// Sends not-detected, when nothing was.
  Result<void> finish() override;

 private:
  const std::unique_ptr<engines::WakeStream> stream_;
  const WyomingOutlet& out_;
  long long begin_ms_ = 0;
  bool detected_ = false;
};

}  // namespace morgan::services
