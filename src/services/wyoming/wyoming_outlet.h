// Where the answers to one client go, and what its requests look at to know that it has left.
#pragma once

#include "base/stop.h"
#include "net/tcp_server.h"
#include "services/wyoming/wyoming_frame.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace morgan::services {

/// @thread any but the I/O thread, where write() would wait for itself
class WyomingOutlet {
 public:
  explicit WyomingOutlet(std::shared_ptr<net::TcpPeer> peer) : peer_(std::move(peer)) {}

  /// Waits while the client reads slowly. @error kCancelled  the client has gone
  Result<void> send(const WyomingEvent& event) const { return peer_->write(frame_of(event)); }
  /// Tells the client that its request is over. A client that has gone is told nothing.
  void send_error(const Error& error) const;

  StopToken stop() const { return stop_.token(); }
  void request_stop(StopReason reason) { stop_.request_stop(reason); }
  net::TcpPeer& peer() const { return *peer_; }

 private:
  const std::shared_ptr<net::TcpPeer> peer_;  // shared with the connection
  StopSource stop_;
};

/// The `error` event: text, and a code such as "voice-not-found".
WyomingEvent error_event(const Error& error);

/// Sends speech as audio-start, audio-chunks of 1024 samples and audio-stop, all of one rate: what a client makes its
/// header from is the first audio-start. @thread one caller at a time
class WyomingAudio {
 public:
  explicit WyomingAudio(const WyomingOutlet& out) : out_(out) {}

  Result<void> start(int rate_hz);
  bool started() const { return rate_hz_ > 0; }
  Result<void> push(std::span<const float> samples);
  Result<void> finish();

 private:
  Result<void> send_chunk(std::span<const float> samples);

  const WyomingOutlet& out_;
  int rate_hz_ = 0;
  std::size_t sent_ = 0;  // samples
  std::vector<float> waiting_;
};

}  // namespace morgan::services
