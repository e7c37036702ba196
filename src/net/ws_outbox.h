// What waits to be written to one WebSocket: messages, bounded in bytes, and then the close. Whoever sends is on any
// thread; the connection's writer takes from it on the I/O thread. It may outlive the connection.
#pragma once

#include "net/ws_types.h"

#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

namespace morgan::net {

constexpr std::size_t kWsMessageOverhead = 64;  // so that empty messages count as well

inline std::size_t ws_cost(const WsMessage& message) {
  return message.data.size() + kWsMessageOverhead;
}

/// As much of `reason` as a close frame holds, cut at a character: one that is not UTF-8 is a protocol error.
std::string_view ws_close_reason(std::string_view reason);

/// @thread any
class WsOutbox {
 public:
  struct Closing {
    std::uint16_t code = 1000;
    std::string reason;
  };

  /// @param wake  tells the I/O thread that there is something to take. It is called under the outbox's mutex, from any
  ///              thread, never after set_gone() has returned, and must not call back.
  explicit WsOutbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  /// @error kOverloaded  4 MiB wait already, nothing queued   @error kUnavailable  closed, or the client has gone
  Result<void> push(WsMessage message);
  /// After what waits. Only the first close counts; a reason that is too long is cut.
  void close(std::uint16_t code, std::string_view reason);
  /// Wakes the I/O thread, if it still listens.
  void wake();
  /// The I/O thread is awake; what comes now wakes it again. @thread I/O
  void awake();
  /// Nothing more will be written: what waits is dropped, and wake is forgotten.
  void set_gone();

  /// Closed, and the client is still there.
  bool closing() const;
  /// Bytes pushed and not yet written, with some for each message.
  std::size_t unsent_bytes() const;

  /// What is to be written now: a message, else the close, else nothing. @thread I/O
  struct Next {
    std::optional<WsMessage> message;
    std::optional<Closing> closing;
  };
  Next next();
  /// A message that next() gave has been written. @thread I/O
  void written(std::size_t cost);

 private:
  void wake_locked();

  mutable std::mutex mutex_;  // guards everything below
  std::function<void()> wake_;
  std::deque<WsMessage> queue_;
  std::size_t bytes_ = 0;  // what is being written counts too
  std::optional<Closing> closing_;
  bool woken_ = false;  // and not awake yet
  bool gone_ = false;
};

}  // namespace morgan::net
