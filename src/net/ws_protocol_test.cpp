// What a WebSocket client may do wrong, byte by byte (RFC 6455), and what it may do though few do.
#include "net/ws_test_support.h"

namespace morgan::net {
namespace {

// A session that echoes and counts its end.
struct Served {
  Counter gone;
  std::unique_ptr<Server> server =
      serve_sessions([this](TestSession& session) { session.gone = [this] { gone.add(); }; });
};

TEST(WsProtocol, JoinsFragmentsWithControlFramesBetweenThem) {
  Served served;
  RawWs client(*served.server);
  ASSERT_TRUE(client.open());
  client.send({.opcode = Opcode::kText, .payload = "one ", .fin = false});
  client.send({.opcode = Opcode::kPing, .payload = "p"});
  client.send({.opcode = Opcode::kContinuation, .payload = "", .fin = false});
  client.send({.opcode = Opcode::kContinuation, .payload = "two \xC3", .fin = false});  // half a character
  client.send({.opcode = Opcode::kContinuation, .payload = "\xA4"});
  const auto pong = client.read_frame();
  ASSERT_TRUE(pong);
  EXPECT_EQ(pong->opcode, Opcode::kPong);
  EXPECT_EQ(pong->payload, "p");
  const auto echoed = client.read_frame();
  ASSERT_TRUE(echoed);
  EXPECT_EQ(echoed->opcode, Opcode::kText);
  EXPECT_EQ(echoed->payload, "one two \u00e4");
}

TEST(WsProtocol, TakesAMessageThatArrivesByteByByte) {
  Served served;
  RawWs client(*served.server);
  for (const char c : encode({.opcode = Opcode::kBinary, .payload = "slowly"}))
    ASSERT_TRUE(client.send_bytes(std::string_view(&c, 1)));
  const auto echoed = client.read_frame();
  ASSERT_TRUE(echoed);
  EXPECT_EQ(echoed->payload, "slowly");
}

TEST(WsProtocol, BoundsAMessageOfManyFragments) {
  Served served;
  RawWs client(*served.server);
  const std::string piece(100'000, 'x');
  client.send({.opcode = Opcode::kBinary, .payload = piece, .fin = false});
  for (int i = 0; i < 10; ++i)
    client.send({.opcode = Opcode::kContinuation, .payload = piece, .fin = false});
  EXPECT_EQ(client.read_close(), 1009U);
  EXPECT_TRUE(served.gone.reaches(1));
}

TEST(WsProtocol, AClientThatSendsAllBeforeItReadsLearnsWhyItWasClosed) {
  Served served;
  for (int i = 0; i < 20; ++i) {
    RawWs client(*served.server);
    // More than the sockets' buffers hold, so the server must read it away for the client to get to the close frame.
    ASSERT_TRUE(client.send({.opcode = Opcode::kBinary, .payload = std::string(16'000'000, 'x')}));
    ASSERT_EQ(client.read_close(), 1009U);
    EXPECT_FALSE(client.was_reset());
  }
}

TEST(WsProtocol, EndsASessionWhoseClientBreaksTheRulesWhileItIsBeingClosed) {
  Counter gone;
  ServerOptions options;
  options.write_timeout = std::chrono::milliseconds(50);
  const auto server = serve_sessions(
      [&gone](TestSession& session) {
        session.message = [&session](const WsMessage&) {
          session.peer->close(1000, "enough");
          return true;
        };
        session.gone = [&gone] { gone.add(); };
      },
      std::move(options));
  RawWs client(*server);
  ASSERT_TRUE(client.open());
  // In one piece: the last frame is read while the close frame is being written.
  client.send_bytes(encode({.payload = "close"}) + encode({.payload = "late"}) + encode({.masked = false}));
  EXPECT_EQ(client.read_close(), 1000U);
  EXPECT_TRUE(gone.reaches(1));
}

TEST(WsProtocol, RefusesAMessageByItsAnnouncedLengthAlone) {
  Served served;
  RawWs client(*served.server);
  // 2^62 bytes announced, none sent.
  client.send_bytes(std::string("\x82\xFF\x40\0\0\0\0\0\0\0\x11\x22\x33\x44", 14));
  EXPECT_EQ(client.read_close(), 1009U);
}

struct Violation {
  const char* name;
  std::string bytes;
  unsigned code;
};

TEST(WsProtocol, EndsTheSessionOfAClientThatBreaksTheRules) {
  const std::vector<Violation> violations = {
      {"unmasked", encode({.payload = "x", .masked = false}), 1002},
      {"reserved bit 1", encode({.payload = "x", .reserved = 4}), 1002},
      {"reserved bit 2", encode({.payload = "x", .reserved = 2}), 1002},
      {"reserved bit 3", encode({.payload = "x", .reserved = 1}), 1002},
      {"reserved opcode", encode({.opcode = static_cast<Opcode>(3), .payload = "x"}), 1002},
      {"reserved control opcode", encode({.opcode = static_cast<Opcode>(11), .payload = "x"}), 1002},
      {"fragmented ping", encode({.opcode = Opcode::kPing, .payload = "x", .fin = false}), 1002},
      {"long ping", encode({.opcode = Opcode::kPing, .payload = std::string(126, 'x')}), 1002},
      {"continuation of nothing", encode({.opcode = Opcode::kContinuation, .payload = "x"}), 1002},
      {"message inside a message", encode({.payload = "x", .fin = false}) + encode({.payload = "y"}), 1002},
      {"text that is not UTF-8", encode({.payload = "a\xFF"}), 1007},
      {"surrogate", encode({.payload = "\xED\xA0\x80"}), 1007},
      {"text that ends inside a character", encode({.payload = "\xE2\x82"}), 1007},
      {"close with one byte", encode({.opcode = Opcode::kClose, .payload = "x"}), 1002},
      {"close with a forbidden code", encode({.opcode = Opcode::kClose, .payload = "\x03\xED"}), 1002},
      {"close with a reason that is not UTF-8", encode({.opcode = Opcode::kClose, .payload = "\x03\xE8\xFF"}), 1002},
      {"length in more bytes than needed", std::string("\x82\xFE\0\x01\x11\x22\x33\x44\0", 9), 1002},
      {"not WebSocket at all", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 1002},
  };
  Served served;
  int ended = 0;
  for (const Violation& violation : violations) {
    RawWs client(*served.server);
    ASSERT_TRUE(client.open()) << violation.name;
    client.send_bytes(violation.bytes);
    EXPECT_EQ(client.read_close(), violation.code) << violation.name;
    client.close();
    EXPECT_TRUE(served.gone.reaches(++ended)) << violation.name;
  }
  RawWs good(*served.server);
  good.send({.payload = "fine"});
  EXPECT_EQ(good.read_frame()->payload, "fine");
}

TEST(WsProtocol, AnswersTheClientsClose) {
  Served served;
  RawWs client(*served.server);
  client.send({.opcode = Opcode::kClose, .payload = "\x03\xE8"});
  EXPECT_EQ(client.read_close(), 1000U);
  EXPECT_FALSE(client.read_frame());
  EXPECT_TRUE(served.gone.reaches(1));  // though the client has not closed its socket
}

TEST(WsProtocol, NoticesAClientThatVanishesInsideAFrame) {
  Served served;
  const std::string frame = encode({.opcode = Opcode::kBinary, .payload = std::string(100'000, 'x')});
  int ended = 0;
  for (const std::size_t sent : {std::size_t{1}, std::size_t{9}, std::size_t{50'000}}) {
    {
      RawWs client(*served.server);
      ASSERT_TRUE(client.send_bytes(frame.substr(0, sent)));
    }
    EXPECT_TRUE(served.gone.reaches(++ended)) << sent;
  }
}

TEST(WsProtocol, AnswersAFloodOfPingsWithoutLosingMessages) {
  Served served;
  RawWs client(*served.server);
  std::string flood;
  for (int i = 0; i < 1'000; ++i)
    flood += encode({.opcode = Opcode::kPing, .payload = std::to_string(i)});
  constexpr int kFloods = 20;
  auto sender = std::async(std::launch::async, [&] {
    for (int i = 0; i < kFloods; ++i)
      EXPECT_TRUE(client.send_bytes(flood));
    EXPECT_TRUE(client.send({.payload = "after"}));
  });
  for (int i = 0; i < kFloods * 1'000; ++i) {
    const auto pong = client.read_frame();
    ASSERT_TRUE(pong);
    ASSERT_EQ(pong->opcode, Opcode::kPong);
    ASSERT_EQ(pong->payload, std::to_string(i % 1'000));
  }
  EXPECT_EQ(client.read_frame()->payload, "after");
  sender.get();
}

TEST(WsProtocol, AFloodOfPingsDoesNotKeepOthersWaiting) {
  Served served;
  RawWs flooder(*served.server);
  std::string flood;
  for (int i = 0; i < 10'000; ++i)
    flood += encode({.opcode = Opcode::kPing});
  std::atomic<bool> over{false};
  // It never reads the pongs: the server stops reading its pings when they fill the socket.
  auto sender = std::async(std::launch::async, [&] {
    while (!over && flooder.send_bytes(flood)) {
    }
  });
  RawWs other(*served.server);
  for (int i = 0; i < 20; ++i) {
    other.send({.payload = "x"});
    const auto echoed = other.read_frame();
    ASSERT_TRUE(echoed);
    EXPECT_EQ(echoed->payload, "x");
  }
  over = true;
  served.server->stop(std::chrono::milliseconds(0));
  sender.get();
}

std::string upgrade(const Server& server, const std::string& headers) {
  RawClient client(server.port());
  client.send("GET /ws HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n");
  return client.read_until("\r\n\r\n");
}

TEST(WsProtocol, RefusesWhatIsNotAProperUpgrade) {
  Served served;
  const Server& server = *served.server;
  const std::string asks = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
  const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  const std::string version = "Sec-WebSocket-Version: 13\r\n";
  EXPECT_TRUE(upgrade(server, asks + key + version).starts_with("HTTP/1.1 101 "));
  const std::string plain = upgrade(server, "");
  EXPECT_TRUE(plain.starts_with("HTTP/1.1 426 ")) << plain;
  EXPECT_NE(plain.find("Upgrade: websocket"), std::string::npos) << plain;
  EXPECT_TRUE(upgrade(server, "Upgrade: h2c\r\nConnection: Upgrade\r\n" + key + version).starts_with("HTTP/1.1 426 "));
  EXPECT_TRUE(upgrade(server, asks + version).starts_with("HTTP/1.1 400 "));
  const std::string old = upgrade(server, asks + key + "Sec-WebSocket-Version: 8\r\n");
  EXPECT_TRUE(old.starts_with("HTTP/1.1 426 ")) << old;
  EXPECT_NE(old.find("Sec-WebSocket-Version: 13"), std::string::npos) << old;
  EXPECT_TRUE(upgrade(server, asks + key + version + "Origin: http://evil.example\r\n").starts_with("HTTP/1.1 403 "));
  RawClient eager(server.port());
  eager.send("GET /ws HTTP/1.1\r\nHost: x\r\n" + asks + key + version + "\r\n" + encode({.payload = "x"}));
  EXPECT_TRUE(eager.read_until("\r\n\r\n").starts_with("HTTP/1.1 400 "));
  RawClient posted(server.port());
  posted.send("POST /ws HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n" + asks + key + version + "\r\n");
  EXPECT_TRUE(posted.read_until("\r\n\r\n").starts_with("HTTP/1.1 405 "));
}

TEST(WsProtocol, AnOfferOfCompressionIsNotTaken) {
  Served served;
  const std::string answer = upgrade(*served.server,
                                     "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                     "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 101 ")) << answer;
  EXPECT_EQ(answer.find("Extensions"), std::string::npos) << answer;
}

}  // namespace
}  // namespace morgan::net
