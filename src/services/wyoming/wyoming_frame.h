// Framing of the Wyoming protocol: an event is a line of JSON, then as many bytes of JSON and of payload as the line
// says. Bytes in, events out; it knows no socket.
#pragma once

#include "base/json_util.h"
#include "base/result.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace morgan::services {

struct WyomingEvent {
  std::string type;            ///< "audio-chunk"
  Json data = Json::object();  ///< what the line and the block of data say, the block winning
  std::string payload = {};    ///< PCM of an audio-chunk
  std::size_t wire_bytes = 0;  ///< that it came in; what it takes in memory grows with them
};

/// Bytes of one event. @source the reference implementation's event.py
std::string frame_of(const WyomingEvent& event);

/// Cuts a stream into events. Its memory is bounded by the limits. @thread one caller at a time
class WyomingReader {
 public:
  static constexpr std::size_t kMaxLine = 64U << 10U;
  static constexpr std::size_t kMaxData = 1U << 20U;
  static constexpr std::size_t kMaxPayload = 1U << 20U;

  void push(std::string_view bytes) { buffer_.append(bytes); }
  /// The next event that has come whole, or nothing yet. After an error nothing can follow: where the next event would
  /// begin is not known.
  /// @error kInvalidArgument, reason "invalid-json" or "invalid-length"   @error kTooLarge, reason "too-large"
  Result<std::optional<WyomingEvent>> next();

 private:
  struct Head {
    WyomingEvent event;
    std::size_t data_length = 0;
    std::size_t payload_length = 0;
  };
  static Result<Head> read_head(std::string_view line);

  std::string buffer_;
  std::size_t searched_ = 0;  // of buffer_, without an end of line
  std::optional<Head> head_;  // whose data or payload has not come whole
};

}  // namespace morgan::services
