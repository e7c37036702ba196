// transcribe: text of what is being said, while it is said and at its end.
#pragma once

#include "base/json_util.h"
#include "services/stt_session.h"
#include "services/wyoming/audio_listener.h"
#include "services/wyoming/wyoming_outlet.h"
#include "services/wyoming/wyoming_parts.h"

#include <optional>
#include <string>

namespace morgan::services {

class AsrRequest final : public AudioListener {
 public:
  /// @param parts, out  outlive it; parts.stt is there
  AsrRequest(const WyomingParts& parts, const WyomingOutlet& out) : parts_(parts), out_(out) {}

  /// @param data  of transcribe   @error kInvalidArgument
  Result<void> configure(const Json& data);

  Result<void> take(std::span<const float> samples) override;
  Result<void> pause() override;
  /// Sends transcript, exactly one, between transcript-start and transcript-stop.
  Result<void> finish() override;
  /// What finish() sent.
  const std::string& text() const { return text_; }

 private:
  Result<void> send_start(const std::string& language);
  Result<void> send_more(std::string_view text, const std::string& language);
  SttSession& session();

  const WyomingParts& parts_;
  const WyomingOutlet& out_;
  SttSessionOptions options_;
  Json context_;  // null: none was given
  std::optional<SttSession> session_;
  bool started_ = false;
  std::string sent_;  // in transcript-chunks
  std::string text_;
};

}  // namespace morgan::services
