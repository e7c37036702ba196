// WebSocket frames after a good handshake, through the server's own connection: whatever bytes arrive, a session gets
// whole messages within the limit, text that is UTF-8, and one end, after which nothing comes; what the server sends is
// well-formed; and it is the same whether the bytes come at once or in pieces. The first byte chooses the pieces.
#include "base/strings.h"
#include "fuzz_target.h"
#include "lone_connection.h"

#include <algorithm>
#include <cstdint>
#include <memory>

namespace morgan::fuzz {

namespace {

constexpr std::size_t kMaxMessage = 500;
constexpr std::string_view kHandshake =
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

struct Seen {
  std::vector<net::WsMessage> messages;
  int too_large = 0;
  int gone = 0;
  bool closed = false;  // by the session
};

Seen& seen() {
  static Seen current;
  return current;
}

// Echoes. A message that begins with 'c' closes, one with 'p' has the next one wait until it is asked for.
struct Echo final : net::WsSession {
  explicit Echo(std::shared_ptr<net::WsPeer> given) : peer(std::move(given)) {}

  bool on_message(net::WsMessage message) override {
    require(seen().gone == 0, "no message after the end");
    require(message.data.size() <= kMaxMessage, "a message within the limit");
    require(message.binary || is_valid_utf8(message.data), "text that is UTF-8");
    const char first = message.data.empty() ? '\0' : message.data.front();
    seen().messages.push_back(message);
    if (first == 'c') {
      seen().closed = true;
      peer->close(1000, "as asked");
    }
    require(first == 'c' || peer->send(std::move(message)).has_value(), "room for an echo");
    if (first == 'p') peer->resume();
    return first != 'p';
  }
  void on_too_large() override {
    require(seen().gone == 0 && ++seen().too_large == 1, "one message that is too large, before the end");
  }
  void on_stopping() override {}
  void on_gone() override { ++seen().gone; }

  std::shared_ptr<net::WsPeer> peer;  // shared with the connection
};

LoneConnection& server() {
  static LoneConnection connection = [] {
    net::WsOptions limits;
    limits.max_message = kMaxMessage;
    net::Router routes;
    routes.add_ws_session(
        "/ws", [](const net::Request&, std::shared_ptr<net::WsPeer> peer) { return std::make_shared<Echo>(peer); },
        std::move(limits));
    return LoneConnection({}, std::move(routes));
  }();
  return connection;
}

// The server's frames: not masked, none fragmented, none longer than what it was sent. The last may be cut short.
void check_frames(std::string_view bytes) {
  while (bytes.size() >= 2) {
    const auto first = static_cast<unsigned char>(bytes[0]);
    const unsigned opcode = first & 0x0FU;
    require((first & 0xF0U) == 0x80U, "a frame by itself, without reserved bits");
    require(opcode == 1 || opcode == 2 || opcode == 8 || opcode == 9 || opcode == 10, "a frame of a known kind");
    std::size_t length = static_cast<unsigned char>(bytes[1]);
    require(length < 127, "a frame of the server's: not masked, and short");
    require(opcode < 8 || length < 126, "a control frame of 125 bytes at most");
    std::size_t head = 2;
    if (length == 126) {
      if (bytes.size() < 4) return;
      length =
          static_cast<std::size_t>(static_cast<unsigned char>(bytes[2])) << 8U | static_cast<unsigned char>(bytes[3]);
      head = 4;
    }
    require(length <= kMaxMessage, "nothing longer than what was sent");
    bytes.remove_prefix(std::min(head + length, bytes.size()));
  }
}

Seen speak(std::string_view bytes, std::size_t piece) {
  seen() = {};
  const std::string answer = server().exchange(kHandshake, bytes, piece);
  const std::size_t head_end = answer.find("\r\n\r\n");
  require(answer.starts_with("HTTP/1.1 101") && head_end != std::string::npos, "a good handshake is answered");
  check_frames(std::string_view(answer).substr(head_end + 4));
  require(seen().gone == 1, "a session has one end");
  require(!server().was_cut() || seen().closed, "a connection ends when its client has");
  return std::move(seen());
}

void serve(std::string_view bytes) {
  const std::size_t piece = piece_of(take_byte(bytes));
  const Seen whole = speak(bytes, std::max<std::size_t>(bytes.size(), 1));
  const Seen pieces = speak(bytes, piece);
  require(whole.messages.size() == pieces.messages.size(), "as many messages from pieces as from the whole");
  // During a close a message that is too large is not always read.
  require(whole.closed || whole.too_large == pieces.too_large, "one that is too large from pieces as from the whole");
  for (std::size_t i = 0; i < whole.messages.size(); ++i) {
    require(whole.messages[i].binary == pieces.messages[i].binary && whole.messages[i].data == pieces.messages[i].data,
            "the same message from pieces as from the whole");
  }
}

// With a mask of zeros, so that a changed byte of a frame is that byte of its message.
std::string frame(unsigned first, std::string_view payload) {
  const std::size_t size = payload.size();
  std::string made(1, static_cast<char>(first));
  if (size < 126) {
    made += static_cast<char>(0x80U | size);
  } else {
    made += static_cast<char>(0x80U | 126U);
    made += static_cast<char>(size >> 8U);
    made += static_cast<char>(size & 0xFFU);
  }
  return made + std::string(4, '\0') + std::string(payload);
}

std::vector<std::string> frames() {
  return {
      "0" + frame(0x81, "hello") + frame(0x82, std::string("\0\xFF", 2)),
      "1" + frame(0x01, "one \xC3") + frame(0x89, "ping") + frame(0x00, "") + frame(0x80, "\xA4"),
      "2" + frame(0x81, "pause") + frame(0x81, "go on") + frame(0x88, std::string("\x03\xE8", 2) + "bye"),
      "3" + frame(0x81, "close") + frame(0x81, "late") + frame(0x8A, ""),
      "4" + frame(0x82, std::string(200, 'x')) + frame(0x82, std::string(501, 'x')),
      "5" + frame(0x02, std::string(400, 'x')) + frame(0x80, std::string(101, 'x')),
      "6" + std::string("\x82\xFF\x40\0\0\0\0\0\0\0\x11\x22\x33\x44", 14),
      "7" + std::string("\x81\x85\x37\xFA\x21\x3D\x7F\x9F\x4D\x51\x58", 11) + frame(0xC1, "reserved") + frame(0x83, ""),
  };
}

const Registered kRegistered({"websocket", serve, frames});

}  // namespace

}  // namespace morgan::fuzz
