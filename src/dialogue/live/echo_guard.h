// Does the microphone hear Morgan's own voice? Compares the loudness of what is played with that of what is heard,
// over the delays that a loudspeaker in a room can have. A browser cancels its echo; other clients may not.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace morgan::dialogue::live {

/// @thread one caller at a time
class EchoGuard {
 public:
  /// @param samples  what is being heard now, at `rate_hz`. Call it as it is played, in order.
  void played(std::span<const float> samples, int rate_hz);
  /// @param samples  of the microphone, 16 kHz
  void heard(std::span<const float> samples);
  /// Whether the last half second of the microphone follows what was played.
  bool is_echo() const;
  void reset();

 private:
  static constexpr std::size_t kHops = 128;  // of 10 ms, kept of either side

  struct Envelope {
    std::vector<float> levels;  // a ring, made when first needed; newest at `next - 1`
    std::size_t next = 0;
    std::size_t count = 0;
    double power = 0;
    std::size_t samples = 0;
    void push(std::span<const float> samples, std::size_t hop);
    float at(std::size_t ago) const;
  };
  double correlation(std::size_t lag) const;

  Envelope played_;
  Envelope heard_;
};

}  // namespace morgan::dialogue::live
