// What the tests of WebSocket sessions share: a session that tells what happens to it, and a client that sends frames
// as they are.
#pragma once

#include "net/server_test_support.h"
#include "net/ws_types.h"

#include <atomic>
#include <condition_variable>
#include <mutex>

namespace morgan::net {

inline std::string ws_url(const Server& server, const std::string& path = "/ws") {
  return "ws://127.0.0.1:" + std::to_string(server.port()) + path;
}

/// Counts, and waits for a count. @thread any
class Counter {
 public:
  void add() {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  int count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }
  /// @return false when it took too long
  bool reaches(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kTestPatience, [&] { return count_ >= count; });
  }

 private:
  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  int count_ = 0;
};

/// A session of parts: what is not set does nothing. It echoes when it has no on_message of its own.
struct TestSession final : WsSession {
  std::shared_ptr<WsPeer> peer;
  std::function<bool(WsMessage)> message;
  std::function<void()> too_large;
  std::function<void()> stopping;
  std::function<void()> gone;

  bool on_message(WsMessage given) override {
    if (message) return message(std::move(given));
    return peer->send(std::move(given)).has_value();
  }
  void on_too_large() override {
    if (too_large) too_large();
  }
  void on_stopping() override {
    if (stopping) {
      stopping();
    } else {
      peer->close(1001, "stopping");
    }
  }
  void on_gone() override {
    if (gone) gone();
  }
};

/// Serves sessions at /ws; `prepare` sets each up.
inline std::unique_ptr<Server> serve_sessions(std::function<void(TestSession&)> prepare, ServerOptions options = {}) {
  Router routes;
  routes.add_ws_session("/ws", [prepare = std::move(prepare)](const Request&, std::shared_ptr<WsPeer> peer) {
    auto session = std::make_shared<TestSession>();
    session->peer = std::move(peer);
    if (prepare) prepare(*session);
    return session;
  });
  return start_server(std::move(routes), std::move(options));
}

enum class Opcode : std::uint8_t { kContinuation = 0, kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10 };

struct Frame {
  Opcode opcode = Opcode::kText;
  std::string payload = {};
  bool fin = true;
  bool masked = true;
  std::uint8_t reserved = 0;  ///< the three bits, as they are
};

/// The frame's bytes.
inline std::string encode(const Frame& frame) {
  std::string bytes;
  const auto put = [&bytes](std::uint64_t value, int size) {
    for (int shift = 8 * (size - 1); shift >= 0; shift -= 8)
      bytes += static_cast<char>((value >> shift) & 0xFFU);
  };
  const std::uint64_t mask_bit = frame.masked ? 0x80U : 0U;
  put((frame.fin ? 0x80U : 0U) | (frame.reserved << 4U) | static_cast<std::uint64_t>(frame.opcode), 1);
  const std::size_t size = frame.payload.size();
  if (size < 126) {
    put(mask_bit | size, 1);
  } else if (size < 65'536) {
    put(mask_bit | 126U, 1);
    put(size, 2);
  } else {
    put(mask_bit | 127U, 1);
    put(size, 8);
  }
  if (!frame.masked) return bytes + frame.payload;
  const std::string key = "\x11\x22\x33\x44";
  bytes += key;
  for (std::size_t i = 0; i < size; ++i)
    bytes += static_cast<char>(frame.payload[i] ^ key[i % 4]);
  return bytes;
}

/// A WebSocket client without manners.
class RawWs : public RawClient {
 public:
  explicit RawWs(const Server& server, int receive_buffer = 0) : RawClient(server.port(), receive_buffer) {
    RawClient::send(
        "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    head_ = read_until("\r\n\r\n");
  }

  bool open() const { return head_.starts_with("HTTP/1.1 101 "); }
  const std::string& head() const { return head_; }
  bool send(const Frame& frame) const { return RawClient::send(encode(frame)); }
  bool send_bytes(std::string_view bytes) const { return RawClient::send(bytes); }

  /// The server's next frame; nothing when it has closed the socket.
  std::optional<Frame> read_frame() {
    const std::string start = read_exactly(2);
    if (start.size() < 2) return std::nullopt;
    const auto byte = [](char c) { return static_cast<unsigned char>(c); };
    Frame frame;
    frame.fin = (byte(start[0]) & 0x80U) != 0;
    frame.opcode = static_cast<Opcode>(byte(start[0]) & 0x0FU);
    std::size_t size = byte(start[1]) & 0x7FU;
    if (size >= 126) {
      const std::string longer = read_exactly(size == 126 ? 2 : 8);
      size = 0;
      for (const char c : longer)
        size = size << 8U | byte(c);
    }
    frame.payload = read_exactly(size);
    return frame;
  }

  /// Reads frames up to the close. @return its code, or 0 when the server closed without one
  unsigned read_close() {
    while (const auto frame = read_frame()) {
      if (frame->opcode != Opcode::kClose) continue;
      if (frame->payload.size() < 2) return 1005;
      return static_cast<unsigned>(static_cast<unsigned char>(frame->payload[0])) << 8U |
             static_cast<unsigned char>(frame->payload[1]);
    }
    return 0;
  }

 private:
  std::string head_;
};

}  // namespace morgan::net
