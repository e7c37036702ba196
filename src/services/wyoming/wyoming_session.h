// One Wyoming connection: bytes to events on the I/O thread, requests one after another on the pool. describe and ping
// are answered on the I/O thread, so that a client has its answer while every engine is busy.
#pragma once

#include "net/tcp_server.h"
#include "runtime/blocking_pool.h"
#include "services/wyoming/wyoming_frame.h"
#include "services/wyoming/wyoming_outlet.h"
#include "services/wyoming/wyoming_requests.h"

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace morgan::services {

// Shared by the connection and by the task that works its inbox off.
class WyomingSession final : public net::TcpSession, public std::enable_shared_from_this<WyomingSession> {
 public:
  struct Surroundings {
    const WyomingParts& parts;
    runtime::BlockingPool& pool;
    std::function<std::string()> info;  ///< bytes of the `info` event; must not block
  };

  /// @param around  outlives every session
  WyomingSession(const Surroundings& around, std::shared_ptr<net::TcpPeer> peer);

  bool on_bytes(std::string_view bytes) override;
  void on_end() override;
  void on_stopping() override;
  void on_gone() override;
  std::uint64_t messages() const override { return messages_; }
  bool busy() const override;

 private:
  void take(WyomingEvent event);
  void enqueue(WyomingEvent event);
  void end_after_inbox();
  void work();
  WyomingEvent take_first();  ///< with the mutex held
  void guarded(const std::optional<WyomingEvent>& event);

  const Surroundings& around_;
  WyomingOutlet out_;
  WyomingReader reader_;        // I/O thread only
  std::uint64_t messages_ = 0;  // likewise
  bool broken_ = false;         // likewise: framing is lost
  WyomingRequests requests_;    // of the task that works

  mutable std::mutex mutex_;  // guards everything below
  std::deque<WyomingEvent> inbox_;
  std::size_t inbox_bytes_ = 0;
  bool working_ = false;  // a task of the pool is, or will be
  bool ending_ = false;   // close when the inbox is empty
  bool full_ = false;     // the connection was told to wait
};

}  // namespace morgan::services
