// PCM as a Wyoming client sends it, at any rate, width and number of channels, to the 16 kHz mono that engines take.
#pragma once

#include "audio/resampler.h"
#include "audio/stream_resampler.h"
#include "base/json_util.h"
#include "base/result.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::services {

/// What audio-start and each audio-chunk say of their samples.
struct PcmShape {
  int rate_hz = 16'000;
  int width = 2;  ///< bytes: 1 (unsigned), 2, 3, 4 (signed, little-endian)
  int channels = 1;

  bool operator==(const PcmShape&) const = default;
};

/// @param data  of the event; a key that is missing is taken from `known`
/// @error kInvalidArgument, param names the key
Result<PcmShape> read_shape(const Json& data, const PcmShape& known);

/// One stream; a sample that is cut by the end of a chunk goes on in the next. @thread one caller at a time
class PcmInput {
 public:
  /// 16 kHz mono of the next bytes. @error kInvalidArgument  a rate that cannot be converted
  Result<std::vector<float>> push(std::string_view bytes, const PcmShape& shape);
  /// What is held back; then a new stream begins.
  std::vector<float> finish();

 private:
  Result<void> change_shape(const PcmShape& shape, std::vector<float>& out);

  std::optional<PcmShape> shape_;
  std::string cut_;  // the beginning of a frame
  // At most one of the two: the second holds back more, but takes any rate.
  std::optional<audio::StreamResampler> live_;
  std::unique_ptr<audio::Resampler> any_;
};

}  // namespace morgan::services
