// One WebRTC peer that called: a track of Opus both ways and a data channel of texts, by libdatachannel. Morgan only
// answers, and its candidates are all in the answer. The peer's own are passed over: it comes first, as whoever calls
// can. So an offer cannot make Morgan look up or send packets to what somebody else has chosen.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace morgan::net {

struct RtcOptions {
  std::string bind_address;  ///< "": all of this machine's but loopback
  std::uint16_t port = 0;    ///< UDP, shared by all peers; 0: a free one for each
  std::string advertised;    ///< a further address at which peers reach this machine, as from outside a container
};

/// What comes from the peer. On threads of the library, must not block; a text and a packet may come at once.
class RtcEvents {
 public:
  virtual ~RtcEvents() = default;
  /// Audio may be sent from now on.
  virtual void on_connected() = 0;
  /// Texts may be sent from now on.
  virtual void on_channel() = 0;
  virtual void on_text(std::string text) = 0;
  /// @param timestamp  of the packet's first sample, at 48 kHz whatever Opus holds
  virtual void on_packet(std::string packet, std::uint32_t timestamp) = 0;
  /// The peer has left, or was not reached. The last call, and none after RtcPeer::close().
  virtual void on_gone() = 0;
};

class RtcPeer {
 public:
  /// What a peer may leave unread: 4 MiB, as a WebSocket.
  static constexpr std::size_t kMostUnsent = std::size_t{4} << 20U;

  /// Blocks until the answer is complete, some milliseconds. @param events  not owned; who owns it may end it any time
  /// @error kInvalidArgument  no SDP that can be answered: without audio in Opus, without a fingerprint, ...
  /// @error kUnavailable  no address or port to be reached at
  static Result<std::unique_ptr<RtcPeer>> accept(const std::string& offer, const RtcOptions& options,
                                                 std::weak_ptr<RtcEvents> events);
  virtual ~RtcPeer() = default;

  /// SDP.
  virtual const std::string& answer() const = 0;
  /// @error kUnavailable  not yet, or no longer   @error kOverloaded  kMostUnsent wait already
  /// @error kTooLarge  the peer takes no message as long   @thread any
  virtual Result<void> send_text(const std::string& text) = 0;
  /// @param timestamp  as in on_packet   @error kUnavailable  not yet, or no longer   @thread any
  virtual Result<void> send_packet(std::string_view packet, std::uint32_t timestamp) = 0;
  /// Idempotent. @thread any
  virtual void close() = 0;
};

}  // namespace morgan::net
