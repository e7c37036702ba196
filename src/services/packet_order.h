// Whether the packets of a call's microphone follow each other: UDP loses, doubles and swaps them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace morgan::services {

/// @thread one caller at a time
class PacketOrder {
 public:
  /// A gap is filled up to this, at 48 kHz: a second of silence says all that a longer one does.
  static constexpr std::int32_t kMostGap = 48'000;

  /// @param timestamp, length  of the packet, at 48 kHz; it is not empty
  /// @return how many of its length are missing before it; nullopt: it is late, and made up for already
  std::optional<int> take(std::uint32_t timestamp, std::uint32_t length) {
    // Timestamps begin anywhere and wrap around. Who is more than a second behind has begun anew.
    const auto ahead = begun_ ? static_cast<std::int32_t>(timestamp - next_) : 0;
    if (ahead < 0 && ahead > -kMostGap) return std::nullopt;
    begun_ = true;
    next_ = timestamp + length;
    return std::clamp(ahead, 0, kMostGap) / static_cast<std::int32_t>(length);
  }

 private:
  bool begun_ = false;
  std::uint32_t next_ = 0;  // timestamp of the packet that is expected
};

}  // namespace morgan::services
