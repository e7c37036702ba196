#include "net/server_test_support.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>

namespace morgan::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;

/// A blocking WebSocket client.
class WsClient {
 public:
  explicit WsClient(const Server& server, const std::string& path = "/ws", const std::string& origin = {}) : ws_(io_) {
    const asio::ip::tcp::endpoint endpoint(asio::ip::address_v4::loopback(), server.port());
    ws_.next_layer().connect(endpoint, error_);
    if (!origin.empty()) {
      ws_.set_option(websocket::stream_base::decorator(
          [origin](websocket::request_type& request) { request.set(beast::http::field::origin, origin); }));
    }
    if (!error_) ws_.handshake(response_, "127.0.0.1:" + std::to_string(server.port()), path, error_);
  }

  bool open() const { return !error_; }
  unsigned status() const { return response_.result_int(); }
  std::string response_header(const std::string& name) const { return std::string(response_[name]); }

  bool send(const std::string& data, bool binary = false) {
    ws_.binary(binary);
    ws_.write(asio::buffer(data), error_);
    return !error_;
  }

  /// The next message, "text:..." or "binary:...", or "closed:CODE".
  std::string receive() {
    beast::flat_buffer buffer;
    ws_.read(buffer, error_);
    if (error_ == websocket::error::closed) return "closed:" + std::to_string(ws_.reason().code);
    if (error_) return "error:" + error_.message();
    return (ws_.got_binary() ? "binary:" : "text:") + beast::buffers_to_string(buffer.data());
  }

  void close() { ws_.close(websocket::close_code::normal, error_); }
  void vanish() { ws_.next_layer().close(error_); }

 private:
  asio::io_context io_;
  websocket::stream<asio::ip::tcp::socket> ws_;
  websocket::response_type response_;
  error_code error_;
};

void echo(const Request&, WsPeer& peer) {
  for (;;) {
    auto message = peer.receive();
    if (!message || !peer.send(std::move(*message))) return;
  }
}

std::unique_ptr<Server> serve(WsHandler handler, ServerOptions options = {}) {
  Router routes;
  routes.add_ws("/ws", std::move(handler));
  return start_server(std::move(routes), std::move(options));
}

TEST(WebSocket, CarriesTextAndBinaryBothWays) {
  const auto server = serve(echo);
  WsClient client(*server);
  ASSERT_TRUE(client.open());
  EXPECT_TRUE(client.response_header("X-Request-ID").starts_with("req_"));
  EXPECT_EQ(client.response_header("Server"), "Morgan");
  const std::string large(1'000'000, '\x01');
  client.send("hello");
  EXPECT_EQ(client.receive(), "text:hello");
  client.send(large, true);
  EXPECT_EQ(client.receive(), "binary:" + large);
  client.send("");
  EXPECT_EQ(client.receive(), "text:");
  client.close();
}

TEST(WebSocket, GivesTheSessionTheRequest) {
  Router routes;
  routes.add_ws("/ws/{room}", [](const Request& request, WsPeer& peer) {
    static_cast<void>(peer.send({false, request.params.at("room") + request.query_value("q").value_or("")}));
  });
  const auto server = start_server(std::move(routes));
  WsClient client(*server, "/ws/a%20b?q=1");
  EXPECT_EQ(client.receive(), "text:a b1");
  EXPECT_EQ(client.receive(), "closed:1000");
}

TEST(WebSocket, TellsTheSessionThatTheClientHasGone) {
  std::promise<std::pair<ErrorCode, StopReason>> told;
  const auto server = serve([&](const Request& request, WsPeer& peer) {
    for (;;) {
      const auto message = peer.receive();
      if (message) continue;
      told.set_value({message.error().code, request.stop.reason()});
      return;
    }
  });
  WsClient client(*server);
  client.send("x");
  client.vanish();
  auto code = told.get_future();
  EXPECT_EQ(await(code), std::make_pair(ErrorCode::kUnavailable, StopReason::kClientGone));
}

TEST(WebSocket, ClosesWithTheSessionsCode) {
  const auto server = serve([](const Request&, WsPeer& peer) {
    static_cast<void>(peer.send({false, "bye"}));
    peer.close(4001, std::string(200, 'r'));
    EXPECT_EQ(peer.send({false, "late"}).error().code, ErrorCode::kUnavailable);
  });
  WsClient client(*server);
  EXPECT_EQ(client.receive(), "text:bye");
  EXPECT_EQ(client.receive(), "closed:4001");
}

TEST(WebSocket, ClosesWith1011WhenTheSessionThrows) {
  const auto server = serve([](const Request&, WsPeer&) { throw std::runtime_error("bug"); });
  WsClient client(*server);
  EXPECT_EQ(client.receive(), "closed:1011");
}

TEST(WebSocket, RefusesAMessageOverOneMebibyte) {
  std::promise<std::pair<ErrorCode, ErrorCode>> told;
  const auto server = serve([&](const Request&, WsPeer& peer) {
    const ErrorCode first = peer.receive().error().code;
    told.set_value({first, peer.receive().error().code});
  });
  WsClient client(*server);
  client.send(std::string((1U << 20U) + 1, 'x'), true);
  EXPECT_EQ(client.receive(), "closed:1009");
  auto codes = told.get_future();
  EXPECT_EQ(await(codes), std::make_pair(ErrorCode::kTooLarge, ErrorCode::kUnavailable));
}

TEST(WebSocket, SaysWhenTheOutboxIsFull) {
  std::promise<std::size_t> queued;
  const auto server = serve([&](const Request&, WsPeer& peer) {
    std::size_t bytes = 0;
    for (int i = 0; i < 10'000; ++i) {
      const auto sent = peer.send({true, std::string(100'000, 'x')});
      if (!sent) {
        EXPECT_EQ(sent.error().code, ErrorCode::kOverloaded);
        break;
      }
      bytes += 100'000;
    }
    queued.set_value(bytes);
  });
  WsClient client(*server);
  auto bytes = queued.get_future();
  const std::size_t total = await(bytes);
  EXPECT_LT(total, 40'000'000U);
  std::size_t received = 0;
  for (std::string message = client.receive(); message.starts_with("binary:"); message = client.receive()) {
    received += message.size() - 7;
  }
  EXPECT_EQ(received, total);  // whole messages, none lost
}

TEST(WebSocket, HoldsBackAClientWhoseMessagesNobodyTakes) {
  std::promise<void> may_read;
  const auto readable = may_read.get_future().share();
  std::promise<std::size_t> taken;
  const auto server = serve([&](const Request&, WsPeer& peer) {
    readable.wait_for(kTestPatience);
    std::size_t bytes = 0;
    while (bytes < 20'000'000) {
      const auto message = peer.receive();
      if (!message) break;
      bytes += message->data.size();
    }
    taken.set_value(bytes);
  });
  WsClient client(*server);
  std::atomic<int> sent{0};
  auto sender = std::async(std::launch::async, [&] {
    for (int i = 0; i < 200; ++i) {
      if (i == 50) may_read.set_value();  // over the inbox's 4 MiB by then
      client.send(std::string(100'000, 'x'), true);
    }
  });
  auto bytes = taken.get_future();
  EXPECT_EQ(await(bytes), 20'000'000U);
  sender.get();
}

TEST(WebSocket, AnswersAPlainGetWith426) {
  const auto server = serve(echo);
  const auto response = get(*server, "/ws");
  EXPECT_EQ(response.status, 426);
  EXPECT_EQ(header_of(response, "upgrade"), "websocket");
}

TEST(WebSocket, RefusesPagesOfOtherHosts) {
  const auto server = serve(echo);
  for (const auto* origin : {"http://evil.example", "null", "http://127.0.0.1.evil.example", "http://evil@x"}) {
    EXPECT_EQ(WsClient(*server, "/ws", origin).status(), 403U) << origin;
  }
  EXPECT_TRUE(WsClient(*server, "/ws", "http://127.0.0.1:" + std::to_string(server->port())).open());
}

TEST(WebSocket, RefusesSessionsOverTheLimit) {
  const auto server = serve(echo);
  std::vector<std::unique_ptr<WsClient>> clients;
  for (int i = 0; i < 64; ++i) {
    clients.push_back(std::make_unique<WsClient>(*server));
    ASSERT_TRUE(clients.back()->open()) << i;
  }
  EXPECT_EQ(WsClient(*server).status(), 503U);
  clients.back()->send("still here");
  EXPECT_EQ(clients.back()->receive(), "text:still here");
  clients.front()->close();
  // The place is free as soon as the server has seen the session end.
  const auto until = std::chrono::steady_clock::now() + kTestPatience;
  while (!WsClient(*server).open() && std::chrono::steady_clock::now() < until)
    std::this_thread::yield();
  EXPECT_LT(std::chrono::steady_clock::now(), until);
}

TEST(WebSocket, KeepsAQuietClientByPinging) {
  ServerOptions options;
  options.idle_timeout = std::chrono::milliseconds(300);
  std::promise<void> over;
  const auto server = serve(
      [&](const Request&, WsPeer& peer) {
        const auto message = peer.receive();
        EXPECT_FALSE(message);
        over.set_value();
      },
      std::move(options));
  WsClient quiet(*server);
  auto ended = over.get_future();
  auto reader = std::async(std::launch::async, [&] { return quiet.receive(); });  // answers pings
  EXPECT_EQ(ended.wait_for(std::chrono::milliseconds(900)), std::future_status::timeout);
  server->stop(std::chrono::seconds(5));
  EXPECT_EQ(reader.get(), "closed:1001");
}

TEST(WebSocket, DropsAClientThatAnswersNoPing) {
  ServerOptions options;
  options.idle_timeout = std::chrono::milliseconds(80);
  std::promise<void> over;
  const auto server = serve(
      [&](const Request&, WsPeer& peer) {
        EXPECT_FALSE(peer.receive());
        over.set_value();
      },
      std::move(options));
  WsClient dead(*server);
  auto ended = over.get_future();
  await(ended);
}

TEST(WebSocket, StopEndsIdleSessionsAtOnceWith1001) {
  const auto server = serve(echo);
  WsClient client(*server);
  client.send("x");
  EXPECT_EQ(client.receive(), "text:x");
  auto reader = std::async(std::launch::async, [&] { return client.receive(); });
  const auto before = std::chrono::steady_clock::now();
  server->stop(kTestPatience);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(2));
  EXPECT_EQ(reader.get(), "closed:1001");
}

TEST(WebSocket, StopInterruptsABusySession) {
  std::promise<void> began;
  StopReason reason = StopReason::kNone;
  const auto server = serve([&](const Request& request, WsPeer&) {
    began.set_value();
    reason = wait_for_stop(request.stop);
  });
  WsClient client(*server);
  auto running = began.get_future();
  await(running);
  server->stop(std::chrono::milliseconds(10));
  EXPECT_EQ(reason, StopReason::kShutdown);
}

}  // namespace
}  // namespace morgan::net
