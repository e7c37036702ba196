// The requests of one Wyoming connection, one after another: which event belongs to which request, and what a wrong one
// is told.
#pragma once

#include "services/wyoming/audio_listener.h"
#include "services/wyoming/pcm_input.h"
#include "services/wyoming/tts_request.h"
#include "services/wyoming/wyoming_frame.h"
#include "services/wyoming/wyoming_outlet.h"
#include "services/wyoming/wyoming_parts.h"

#include <memory>
#include <string>

namespace morgan::services {

struct PipelineRun;

/// @thread one caller at a time; handle() blocks
class WyomingRequests {
 public:
  /// @param parts, out  outlive it
  WyomingRequests(const WyomingParts& parts, const WyomingOutlet& out);
  ~WyomingRequests();

  /// Carries out an event. An error of it is told to the client and ends its request; the connection goes on. What it
  /// does not know it ignores, as the protocol demands.
  void handle(const WyomingEvent& event);
  /// No event waits: whoever listens may look at what it has heard so far.
  void pause();

 private:
  using Handler = Result<void> (WyomingRequests::*)(const WyomingEvent&);
  static Handler handler_of(const std::string& type);

  Result<void> select_program(const WyomingEvent& event);
  Result<void> transcribe(const WyomingEvent& event);
  Result<void> detect(const WyomingEvent& event);
  Result<void> audio_start(const WyomingEvent& event);
  Result<void> audio_chunk(const WyomingEvent& event);
  Result<void> audio_stop(const WyomingEvent& event);
  Result<void> synthesize(const WyomingEvent& event);
  Result<void> synthesize_start(const WyomingEvent& event);
  Result<void> synthesize_chunk(const WyomingEvent& event);
  Result<void> synthesize_stop(const WyomingEvent& event);
  Result<void> transcript(const WyomingEvent& event);
  Result<void> recognize(const WyomingEvent& event);
  Result<void> run_pipeline(const WyomingEvent& event);
  Result<void> listen_by_default();
  Result<void> hear(const WyomingEvent& event);
  Result<void> check_pipeline(const PipelineRun& run) const;
  void begin_listening(std::unique_ptr<AudioListener> listener);

  const WyomingParts& parts_;
  const WyomingOutlet& out_;
  const std::string conversation_;  // of requests that name none
  bool vad_selected_ = false;
  std::unique_ptr<AudioListener> listener_;
  bool begun_ = false;             // the listener knows when its audio began
  bool deaf_ = false;              // the audio's request has failed: what still comes of it is dropped
  bool start_is_refused_ = false;  // it has failed before its audio-start
  PcmShape shape_;
  PcmInput input_;
  std::unique_ptr<TtsStream> stream_;
  bool mute_ = false;  // likewise of the stream's
};

}  // namespace morgan::services
