// What waits to be written to one TCP client, bounded. Senders are on any thread; the connection's writer takes from it
// on the I/O thread. It is the TcpPeer that sessions get, and may outlive the connection.
#pragma once

#include "net/tcp_server.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>

namespace morgan::net {

class TcpOutbox final : public TcpPeer {
 public:
  /// @param wake  tells the I/O thread that something changed. It is called under the mutex, never after set_gone() has
  ///              returned, and must not call back.
  explicit TcpOutbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  Result<void> write(std::string_view bytes) override;
  Result<void> post(std::string_view bytes) override;
  void close() override;
  void resume() override;

  /// The I/O thread is awake: what comes from now on wakes it again. @return whether resume() was called since.
  /// @thread I/O
  bool awake();
  struct Next {
    std::string bytes;     ///< to be written; empty: nothing waits
    bool closing = false;  ///< nothing follows `bytes`
  };
  /// @thread I/O
  Next take(std::size_t most_bytes);
  /// So many taken bytes have been written. @thread I/O
  void written(std::size_t bytes);
  bool closing() const;
  /// Blocked senders return, and nothing is taken any more.
  void set_gone();

 private:
  void push(std::string_view bytes);
  void wake_locked();

  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable room_;
  std::function<void()> wake_;
  std::string pending_;
  std::size_t unwritten_ = 0;  // pending_, and what is being written
  bool closing_ = false;
  bool resumed_ = false;
  bool woken_ = false;
  bool gone_ = false;
};

}  // namespace morgan::net
