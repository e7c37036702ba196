// The voices of an upstream that lists them (Speaches, Kokoro-FastAPI, Morgan), asked for seldom. Private to
// this folder.
#pragma once

#include "engines/remote/remote_client.h"

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace morgan::engines {

/// Raw PCM of OpenAI's API. @source API reference, "Create speech": 24 kHz, 16-bit signed, little-endian
inline constexpr int kRemotePcmRate = 24000;

/// @thread any
class RemoteVoices {
 public:
  /// @param client outlives it
  explicit RemoteVoices(const RemoteClient& client) : client_(client) {}

  /// What the upstream lists, or else the configured voice; none when there is neither.
  std::vector<Voice> list();
  /// @param name "" or "default": the configured voice, else the first of the list
  /// @error kNotFound, reason VOICE_NOT_FOUND   @error kUnavailable  the list could not be had
  Result<Voice> find(const std::string& name);

 private:
  Voice complete(Voice voice) const;
  void refresh();

  const RemoteClient& client_;
  std::mutex mutex_;  // guards what follows
  std::vector<Voice> voices_;
  bool has_no_list_ = false;
  std::optional<Error> failure_;  // of the last attempt
  std::chrono::steady_clock::time_point ask_again_;
};

}  // namespace morgan::engines
