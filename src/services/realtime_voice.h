// The voice of a WebRTC call: a track that never stops, one Opus packet every 20 ms, with silence where nothing is
// said. What is said comes a little ahead, is told when it begins and ends to be heard, and can be stopped at once.
#pragma once

#include "audio/opus_stream.h"
#include "audio/stream_resampler.h"
#include "base/result.h"
#include "runtime/strand.h"
#include "services/realtime_response.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace morgan::services {

/// Takes a packet of 20 ms. @param timestamp  of its first sample, at 48 kHz
using RealtimePlay = std::function<void(const std::string& packet, std::uint32_t timestamp)>;

/// @thread the strand
class RealtimeVoice : public std::enable_shared_from_this<RealtimeVoice> {
 public:
  /// As much as a voice here has; Opus tells the peer.
  static constexpr int kRateHz = 24'000;
  static constexpr std::size_t kFrame = kRateHz / 50;

  /// @param tell  gets output_audio_buffer.started, .stopped and .cleared
  static Result<std::shared_ptr<RealtimeVoice>> open(std::shared_ptr<runtime::Strand> strand, RealtimePlay play,
                                                     RealtimeSend tell);
  ~RealtimeVoice();

  /// From now on a packet every 20 ms, until the last one who shares this has gone.
  void start();
  /// What is added from now on belongs to this response. @param rate_hz  of its samples
  void begin(std::string response_id, int rate_hz);
  void add(std::span<const float> samples);
  /// Nothing will be added to the response.
  void finish();
  /// What has not been heard will not be, and what is added before the next begin() neither.
  void clear();
  /// Silence, and then on from where it was.
  void hold() { held_ = true; }
  void resume() { held_ = false; }

 private:
  struct Said {
    std::string response_id;
    std::deque<float> samples;
    bool started = false;
    bool finished = false;
  };

  RealtimeVoice(std::shared_ptr<runtime::Strand> strand, std::unique_ptr<audio::OpusStreamEncoder> encoder,
                RealtimePlay play, RealtimeSend tell);
  void tick();
  void send_frame();
  std::optional<float> next_sample();
  void tell(const char* what, const Said& said);

  const std::shared_ptr<runtime::Strand> strand_;  // shared with the session
  const std::unique_ptr<audio::OpusStreamEncoder> encoder_;
  const RealtimePlay play_;
  const RealtimeSend tell_;
  std::optional<audio::StreamResampler> resampler_;  // nullopt: the rate is right
  std::deque<Said> said_;                            // the first is being heard, the last is added to
  std::deque<float> fading_;                         // of what was cleared
  bool open_ = false;                                // the last of said_ is added to
  bool held_ = false;
  float gain_ = 1;
  std::uint32_t timestamp_ = 0;
  runtime::TimePoint due_{};
  runtime::TimerId timer_ = 0;
};

}  // namespace morgan::services
