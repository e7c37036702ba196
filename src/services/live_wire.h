// Audio of a live conversation as it goes over the wire: the client's formats and rates to 16 kHz samples, and the
// voice's samples to the client's format.
#pragma once

#include "audio/pcm.h"
#include "base/json_util.h"
#include "base/result.h"
#include "dialogue/live/live_types.h"
#include "net/ws_types.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::services {

enum class WireCodec : std::uint8_t { kPcm16, kOpus, kWav, kMuLaw, kALaw };
std::string_view to_string(WireCodec codec);

struct WireFormat {
  WireCodec input = WireCodec::kPcm16;
  int input_rate_hz = audio::kSpeechRate;
  WireCodec output = WireCodec::kWav;
  int output_rate_hz = 0;  ///< of PCM16 and the telephone's codecs; 0: the voice's own

  /// Takes what a start or config message says; the rest stays. @error kInvalidArgument  names the field
  Result<void> read(const Json& message);
  bool same_input(const WireFormat& other) const {
    return input == other.input && input_rate_hz == other.input_rate_hz;
  }
};

/// @thread one caller at a time
class WireInput {
 public:
  static Result<WireInput> open(const WireFormat& format);
  WireInput(WireInput&&) noexcept;
  WireInput& operator=(WireInput&&) noexcept;
  ~WireInput();
  /// @return samples at 16 kHz; fewer or none when the message ends within a sample
  /// @error kInvalidArgument  not audio of the format; what follows is understood again
  Result<std::vector<float>> decode(std::string_view bytes);
  /// For an Opus packet that did not come. @return none for other codecs
  std::vector<float> conceal();

 private:
  struct State;
  explicit WireInput(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// @thread one caller at a time
class WireOutput {
 public:
  /// @param voice_rate_hz  rate of the samples that will come
  static Result<WireOutput> open(const WireFormat& format, int voice_rate_hz);
  WireOutput(WireOutput&&) noexcept;
  WireOutput& operator=(WireOutput&&) noexcept;
  ~WireOutput();

  int rate_hz() const;  ///< on the wire
  void begin();         ///< the next answer
  std::vector<net::WsMessage> encode(const dialogue::live::AudioOut& audio);
  /// What a codec still holds.
  std::vector<net::WsMessage> finish(std::int64_t response);

  std::size_t wire_samples(std::size_t voice_samples) const;
  std::size_t voice_samples(std::size_t wire_samples) const;

 private:
  struct State;
  explicit WireOutput(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace morgan::services
