#include "net/ws_client.h"
#include "net/ws_test_support.h"

namespace morgan::net {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kTime = kTestPatience;

std::unique_ptr<WsClient> connect(const Server& server, const Headers& headers = {}) {
  auto client = WsClient::connect(ws_url(server), headers, kTime);
  if (client) return std::move(client).value();
  ADD_FAILURE() << client.error().message;
  return nullptr;
}

ErrorCode refusal_of(const std::string& url, const Headers& headers = {}, milliseconds timeout = kTime) {
  const auto client = WsClient::connect(url, headers, timeout);
  if (!client) return client.error().code;
  ADD_FAILURE() << url << " was connected to";
  return ErrorCode::kInternal;
}

TEST(WsClient, SendsItsHeaders) {
  std::promise<std::string> seen;
  Router routes;
  routes.add_ws_session("/ws", [&](const Request& request, std::shared_ptr<WsPeer> peer) {
    seen.set_value(std::string(request.header("X-Request-ID")) + " " + request.path + " " +
                   request.query_value("q").value_or(""));
    auto session = std::make_shared<TestSession>();
    session->peer = std::move(peer);
    return session;
  });
  const auto server = start_server(std::move(routes));
  const auto client = WsClient::connect(ws_url(*server, "/ws?q=1"), {{"X-Request-ID", "mine"}}, kTime);
  ASSERT_TRUE(client) << client.error().message;
  EXPECT_EQ(seen.get_future().get(), "mine /ws 1");
}

TEST(WsClient, SendsOnOneThreadWhileAnotherReceives) {
  const auto server = serve_sessions(nullptr);
  const auto client = connect(*server);
  ASSERT_TRUE(client);
  constexpr int kMessages = 2'000;
  auto sender = std::async(std::launch::async, [&] {
    for (int i = 0; i < kMessages; ++i)
      EXPECT_TRUE(client->send({true, std::to_string(i) + std::string(640, 'a')}));
  });
  for (int i = 0; i < kMessages; ++i) {
    const auto message = client->receive(kTime);
    ASSERT_TRUE(message) << message.error().message;
    ASSERT_TRUE(message->data.starts_with(std::to_string(i) + "a"));
  }
  sender.get();
}

TEST(WsClient, ReceiveGivesUpInTimeAndGoesOnAfterwards) {
  const auto server = serve_sessions(nullptr);
  const auto client = connect(*server);
  EXPECT_EQ(client->receive(milliseconds(20)).error().code, ErrorCode::kDeadlineExceeded);
  ASSERT_TRUE(client->send({false, "x"}));
  const auto message = client->receive(kTime);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->data, "x");
}

TEST(WsClient, DeliversWhatCameBeforeTheCloseAndThenSaysWhy) {
  const auto server = serve_sessions([](TestSession& session) {
    EXPECT_TRUE(session.peer->send({false, "a"}));
    EXPECT_TRUE(session.peer->send({false, "b"}));
    session.peer->close(4002, "enough");
  });
  const auto client = connect(*server);
  EXPECT_EQ(client->receive(kTime)->data, "a");
  EXPECT_EQ(client->receive(kTime)->data, "b");
  const auto end = client->receive(kTime);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(end.error().message.find("4002: enough"), std::string::npos) << end.error().message;
  EXPECT_EQ(client->send({false, "x"}).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(client->close_code(), 4002);
}

TEST(WsClient, CloseSendsWhatIsQueuedFirstAndHappensOnce) {
  std::promise<std::size_t> received;
  std::size_t bytes = 0;
  const auto server = serve_sessions([&](TestSession& session) {
    session.message = [&](const WsMessage& message) {
      bytes += message.data.size();
      return true;
    };
    session.gone = [&] { received.set_value(bytes); };
  });
  const auto client = connect(*server);
  for (int i = 0; i < 20; ++i)
    ASSERT_TRUE(client->send({true, std::string(100'000, 'x')}));
  client->close(1000, "done", kTime);
  client->close(1000, "again", kTime);
  EXPECT_EQ(client->close_code(), 1000);
  EXPECT_EQ(client->send({false, "x"}).error().code, ErrorCode::kUnavailable);
  auto total = received.get_future();
  EXPECT_EQ(await(total), 2'000'000U);
}

TEST(WsClient, CloseCutsAServerThatDoesNotAnswer) {
  Counter first;
  const auto server = serve_sessions([&](TestSession& session) {
    session.message = [&](const WsMessage&) {
      first.add();
      return false;  // reads no further, so it does not see the close either
    };
  });
  const auto client = connect(*server);
  ASSERT_TRUE(client->send({false, "x"}));
  ASSERT_TRUE(first.reaches(1));
  client->close(1000, "", milliseconds(30));
  EXPECT_EQ(client->close_code(), 1006);
}

TEST(WsClient, CloseDoesNotWaitForAReceiver) {
  // More than the client's inbox holds, so that its reading has stopped.
  const auto server = serve_sessions([](TestSession& session) {
    session.message = [peer = session.peer](const WsMessage&) {
      while (peer->send({true, std::string(500'000, 'x')})) {
      }
      return true;
    };
  });
  const auto client = connect(*server);
  for (int i = 0; i < 40; ++i)
    ASSERT_TRUE(client->send({false, "more"}));
  ASSERT_TRUE(client->receive(kTime));
  client->close(1000, "", kTime);
  EXPECT_NE(client->close_code(), 0);
}

TEST(WsClient, EndsAWaitingReceiverWhenTheServerVanishes) {
  auto server = serve_sessions([](TestSession& session) { session.stopping = [] {}; });
  const auto client = connect(*server);
  auto receiving = std::async(std::launch::async, [&] { return client->receive(kTime).error().code; });
  server = nullptr;
  EXPECT_EQ(await(receiving), ErrorCode::kUnavailable);
}

TEST(WsClient, MayBeDestroyedWhileItIsOpen) {
  Counter gone;
  const auto server = serve_sessions([&](TestSession& session) { session.gone = [&] { gone.add(); }; });
  for (int i = 0; i < 20; ++i) {
    const auto client = connect(*server);
    ASSERT_TRUE(client->send({true, std::string(500'000, 'x')}));
  }
  EXPECT_TRUE(gone.reaches(20));
}

TEST(WsClient, TellsRefusalsApart) {
  ServerOptions options;
  options.max_ws_sessions = 1;
  const auto server = serve_sessions(nullptr, std::move(options));
  EXPECT_EQ(refusal_of(ws_url(*server, "/nowhere")), ErrorCode::kNotFound);
  EXPECT_EQ(refusal_of(ws_url(*server), {{"Origin", "http://evil.example"}}), ErrorCode::kUnauthorized);
  const auto first = connect(*server);
  EXPECT_EQ(refusal_of(ws_url(*server)), ErrorCode::kOverloaded);
  const std::string url = ws_url(*server);
  server->stop(milliseconds(0));
  EXPECT_EQ(refusal_of(url), ErrorCode::kUnavailable);
}

TEST(WsClient, RefusesWhatIsNotAWebSocketAddress) {
  for (const auto* url : {"", "http://x/", "ws://", "ws:///path", "ws://x:y/", "ws://x:123456/", "ws://[::1",
                          "ws://[::1]x/", "ws://x/a b", "ws://x/\r\nInjected: 1", "ws://x/#part"}) {
    EXPECT_EQ(refusal_of(url), ErrorCode::kInvalidArgument) << url;
  }
  EXPECT_EQ(refusal_of("ws://nowhere.invalid:1/"), ErrorCode::kUnavailable);
}

TEST(WsClient, GivesUpOnAServerThatDoesNotShakeHands) {
  // Listens, and never accepts.
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  EXPECT_EQ(refusal_of("ws://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/", {}, milliseconds(50)),
            ErrorCode::kDeadlineExceeded);
  ::close(listener);
}

}  // namespace
}  // namespace morgan::net
