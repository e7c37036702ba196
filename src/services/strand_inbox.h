// A WebSocket client's messages on their way from the connection to the session's strand. A client that sends faster
// than they are handled is held back.
#pragma once

#include "net/ws_types.h"
#include "runtime/strand.h"

#include <atomic>
#include <functional>
#include <memory>

namespace morgan::services {

class StrandInbox {
 public:
  StrandInbox(std::shared_ptr<runtime::Strand> strand, std::shared_ptr<net::WsPeer> peer)
      : strand_(std::move(strand)), peer_(std::move(peer)) {}

  /// Has `handle` called with the message, on the strand. `handle` keeps the inbox alive.
  /// @return what WsSession::on_message() answers   @thread I/O
  bool take(net::WsMessage message, std::function<void(const net::WsMessage&)> handle) {
    const std::size_t size = message.data.size() + kOverhead;
    const std::size_t waiting = waiting_bytes_.fetch_add(size) + size;
    strand_->post([this, handle = std::move(handle), message = std::move(message), size] {
      handle(message);
      waiting_bytes_.fetch_sub(size);
      if (has_room() && paused_.exchange(false)) peer_->resume();
    });
    if (waiting < kMostWaiting) return true;
    paused_ = true;
    // The strand may have caught up before the flag was there to be seen.
    return has_room() && paused_.exchange(false);
  }

 private:
  static constexpr std::size_t kMostWaiting = 256U << 10U;  // bytes
  static constexpr std::size_t kOverhead = 64;              // an empty message takes room, too

  bool has_room() const { return waiting_bytes_ < kMostWaiting / 2; }

  std::shared_ptr<runtime::Strand> strand_;  // shared with the session
  std::shared_ptr<net::WsPeer> peer_;        // shared with the connection
  std::atomic<std::size_t> waiting_bytes_{0};
  std::atomic<bool> paused_{false};
};

}  // namespace morgan::services
