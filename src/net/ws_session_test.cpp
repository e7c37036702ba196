#include "net/ws_client.h"
#include "net/ws_test_support.h"

namespace morgan::net {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kTime = kTestPatience;

std::unique_ptr<WsClient> connect(const Server& server, const std::string& path = "/ws") {
  auto client = WsClient::connect(ws_url(server, path), {}, kTime);
  if (client) return std::move(client).value();
  ADD_FAILURE() << client.error().message;
  return nullptr;
}

std::string receive(WsClient& client) {
  auto message = client.receive(kTime);
  if (!message) return "error:" + message.error().message;
  return (message->binary ? "binary:" : "text:") + message->data;
}

TEST(WsSession, CarriesTextAndBinaryBothWays) {
  const auto server = serve_sessions(nullptr);
  const auto client = connect(*server);
  ASSERT_TRUE(client);
  const std::string large(1U << 20U, '\x01');
  for (const WsMessage& message : {WsMessage{false, "hello"}, WsMessage{true, large}, WsMessage{false, ""}}) {
    ASSERT_TRUE(client->send(message));
    const auto answer = client->receive(kTime);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->data, message.data);
    EXPECT_EQ(answer->binary, message.binary);
  }
}

TEST(WsSession, GetsTheRequestAndCallsOnOneThreadOnly) {
  std::mutex mutex;
  std::set<std::thread::id> threads;
  std::promise<void> gone;
  const auto note = [&] {
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
  };
  Router routes;
  routes.add_ws_session("/ws/{room}", [&](const Request& request, std::shared_ptr<WsPeer> peer) {
    note();
    EXPECT_TRUE(peer->send({false, request.params.at("room") + request.query_value("q").value_or("")}));
    auto session = std::make_shared<TestSession>();
    session->peer = peer;
    session->message = [&, peer](WsMessage message) {
      note();
      return peer->send(std::move(message)).has_value();
    };
    session->gone = [&] {
      note();
      gone.set_value();
    };
    return session;
  });
  const auto server = start_server(std::move(routes));
  const auto client = connect(*server, "/ws/a%20b?q=1");
  EXPECT_EQ(receive(*client), "text:a b1");
  ASSERT_TRUE(client->send({false, "x"}));
  EXPECT_EQ(receive(*client), "text:x");
  client->close(1000, "", kTime);
  auto ended = gone.get_future();
  await(ended);
  EXPECT_EQ(threads.size(), 1U);
}

TEST(WsSession, MaySendFromAnyThreadAndLongAfter) {
  std::promise<std::shared_ptr<WsPeer>> peers;
  const auto server = serve_sessions([&](TestSession& session) { peers.set_value(session.peer); });
  const auto client = connect(*server);
  auto given = peers.get_future();
  const auto peer = await(given);
  std::vector<std::thread> senders;
  for (int thread = 0; thread < 4; ++thread) {
    senders.emplace_back([&] {
      for (int i = 0; i < 100; ++i)
        EXPECT_TRUE(peer->send({false, "x"}));
    });
  }
  for (std::thread& sender : senders)
    sender.join();
  for (int i = 0; i < 400; ++i)
    ASSERT_EQ(receive(*client), "text:x");
  EXPECT_EQ(peer->receive().error().code, ErrorCode::kUnsupported);
}

TEST(WsSession, APeerThatHasGoneIsAnErrorAndNothingElse) {
  std::shared_ptr<WsPeer> kept;
  std::promise<void> gone;
  std::promise<StopToken> tokens;
  Router routes;
  routes.add_ws_session("/ws", [&](const Request& request, std::shared_ptr<WsPeer> peer) {
    kept = std::move(peer);
    tokens.set_value(request.stop);
    auto session = std::make_shared<TestSession>();
    session->gone = [&] { gone.set_value(); };
    return session;
  });
  auto server = start_server(std::move(routes));
  {
    RawWs client(*server);
    ASSERT_TRUE(client.open());
  }
  auto ended = gone.get_future();
  await(ended);
  EXPECT_EQ(tokens.get_future().get().reason(), StopReason::kClientGone);
  EXPECT_EQ(kept->send({false, "x"}).error().code, ErrorCode::kUnavailable);
  server = nullptr;
  EXPECT_EQ(kept->send({false, "x"}).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(kept->unsent_bytes(), 0U);
  kept->close(1000, "");
  kept->resume();
}

TEST(WsSession, ClosesAfterWhatWasSentAndTakesNothingMore) {
  std::promise<void> gone;
  const auto server = serve_sessions([&](TestSession& session) {
    session.message = [&session, calls = 0](const WsMessage&) mutable {
      EXPECT_EQ(++calls, 1);
      EXPECT_TRUE(session.peer->send({false, "bye"}));
      session.peer->close(4001, std::string(200, 'r'));
      EXPECT_EQ(session.peer->send({false, "late"}).error().code, ErrorCode::kUnavailable);
      return true;
    };
    session.gone = [&] { gone.set_value(); };
  });
  const auto client = connect(*server);
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(client->send({false, "x"}));
  EXPECT_EQ(receive(*client), "text:bye");
  EXPECT_NE(receive(*client).find("4001: rrr"), std::string::npos);
  EXPECT_EQ(client->close_code(), 4001);
  auto ended = gone.get_future();
  await(ended);
}

TEST(WsSession, TellsOfAMessageThatIsTooLargeBeforeTheEnd) {
  std::promise<std::string> told;
  std::string log;
  const auto server = serve_sessions([&](TestSession& session) {
    session.message = [&](const WsMessage&) {
      log += "message ";
      return true;
    };
    session.too_large = [&] { log += "large "; };
    session.gone = [&] { told.set_value(log + "gone"); };
  });
  const auto client = connect(*server);
  ASSERT_TRUE(client->send({true, std::string(1U << 20U, 'x')}));
  ASSERT_TRUE(client->send({true, std::string((1U << 20U) + 1, 'x')}));
  EXPECT_FALSE(client->receive(kTime));
  EXPECT_EQ(client->close_code(), 1009);
  auto calls = told.get_future();
  EXPECT_EQ(await(calls), "message large gone");
}

TEST(WsSession, HoldsBackAClientUntilResume) {
  std::promise<std::shared_ptr<WsPeer>> paused;
  Counter taken;
  const auto server = serve_sessions([&](TestSession& session) {
    session.message = [&, peer = session.peer](const WsMessage&) {
      taken.add();
      if (taken.count() == 1) paused.set_value(peer);
      return taken.count() > 1;
    };
  });
  const auto client = connect(*server);
  constexpr int kMessages = 300;
  auto sender = std::async(std::launch::async, [&] {
    for (int i = 0; i < kMessages; ++i)
      EXPECT_TRUE(client->send({true, std::string(100'000, 'x')}));  // 30 MB: more than the sockets' buffers
  });
  auto given = paused.get_future();
  const auto peer = await(given);
  // The sender fills the buffers on the way and then waits; nothing more comes to the session.
  EXPECT_EQ(sender.wait_for(milliseconds(300)), std::future_status::timeout);
  EXPECT_EQ(taken.count(), 1);
  peer->resume();
  EXPECT_TRUE(taken.reaches(kMessages));
  sender.get();
}

TEST(WsSession, AResumeThatComesBeforeTheAnswerCounts) {
  Counter taken;
  const auto server = serve_sessions([&](TestSession& session) {
    session.message = [&, peer = session.peer](const WsMessage&) {
      taken.add();
      std::thread([peer] { peer->resume(); }).join();
      return false;
    };
  });
  const auto client = connect(*server);
  for (int i = 0; i < 50; ++i)
    ASSERT_TRUE(client->send({false, "x"}));
  EXPECT_TRUE(taken.reaches(50));
}

TEST(WsSession, AClientThatIsHeldBackIsNotTakenForDead) {
  ServerOptions options;
  options.idle_timeout = milliseconds(300);
  std::promise<std::shared_ptr<WsPeer>> paused;
  Counter gone;
  Counter taken;
  const auto server = serve_sessions(
      [&](TestSession& session) {
        session.message = [&, peer = session.peer](const WsMessage&) {
          taken.add();
          if (taken.count() == 1) paused.set_value(peer);
          return taken.count() > 1;
        };
        session.gone = [&] { gone.add(); };
      },
      std::move(options));
  const auto client = connect(*server);
  ASSERT_TRUE(client->send({false, "x"}));
  auto given = paused.get_future();
  const auto peer = await(given);
  EXPECT_FALSE(client->receive(milliseconds(900)));
  EXPECT_EQ(gone.count(), 0);
  ASSERT_TRUE(client->send({false, "y"}));
  peer->resume();
  EXPECT_TRUE(taken.reaches(2));
}

TEST(WsSession, CloseEndsASessionThatIsHeldBack) {
  Counter gone;
  const auto server = serve_sessions([&](TestSession& session) {
    session.message = [peer = session.peer](const WsMessage&) {
      peer->close(1008, "enough");
      return false;
    };
    session.gone = [&] { gone.add(); };
  });
  const auto client = connect(*server);
  ASSERT_TRUE(client->send({false, "x"}));
  EXPECT_FALSE(client->receive(kTime));
  EXPECT_EQ(client->close_code(), 1008);
  EXPECT_TRUE(gone.reaches(1));
}

TEST(WsSession, KeepsASilentClientThatAnswersPings) {
  ServerOptions options;
  options.idle_timeout = milliseconds(600);
  Counter gone;
  const auto server =
      serve_sessions([&](TestSession& session) { session.gone = [&] { gone.add(); }; }, std::move(options));
  RawWs silent(*server);
  ASSERT_TRUE(silent.open());
  // Each comes after half the time, so that it would be over with the second.
  for (int i = 0; i < 4; ++i) {
    const auto ping = silent.read_frame();
    ASSERT_TRUE(ping) << i;
    ASSERT_EQ(ping->opcode, Opcode::kPing);
    ASSERT_TRUE(silent.send({.opcode = Opcode::kPong, .payload = ping->payload}));
  }
  EXPECT_EQ(gone.count(), 0);
  ASSERT_TRUE(silent.send({.payload = "x"}));
  EXPECT_EQ(silent.read_frame()->payload, "x");
}

TEST(WsSession, DropsAClientThatAnswersNoPing) {
  ServerOptions options;
  options.idle_timeout = milliseconds(60);
  Counter gone;
  const auto server =
      serve_sessions([&](TestSession& session) { session.gone = [&] { gone.add(); }; }, std::move(options));
  RawWs dead(*server);
  ASSERT_TRUE(dead.open());
  EXPECT_TRUE(gone.reaches(1));
}

TEST(WsSession, EndsWhenItThrowsAndLeavesTheOthersAlone) {
  const auto server = serve_sessions([](TestSession& session) {
    session.message = [peer = session.peer](WsMessage message) -> bool {
      if (message.data == "bug") throw std::runtime_error("bug");
      return peer->send(std::move(message)).has_value();
    };
  });
  const auto other = connect(*server);
  const auto client = connect(*server);
  ASSERT_TRUE(client->send({false, "bug"}));
  EXPECT_FALSE(client->receive(kTime));
  EXPECT_EQ(client->close_code(), 1011);
  ASSERT_TRUE(other->send({false, "x"}));
  EXPECT_EQ(receive(*other), "text:x");
}

TEST(WsSession, AFactoryMayRefuseWithItsOwnCode) {
  Router routes;
  routes.add_ws_session("/ws", [](const Request&, const std::shared_ptr<WsPeer>& peer) {
    peer->close(1013, "no room");
    return nullptr;
  });
  const auto server = start_server(std::move(routes));
  const auto client = connect(*server);
  EXPECT_NE(receive(*client).find("1013: no room"), std::string::npos);
}

TEST(WsSession, AnEndpointMayRefuseBeforeTheUpgradeAndHasItsOwnProtocolAndLimit) {
  Router routes;
  WsOptions options;
  options.max_message = 1'000;
  options.accept = [](const Request& request) -> Result<std::string> {
    if (request.query_value("key") != "good") return fail(ErrorCode::kUnauthorized, "this key is not known");
    return std::string("talk");
  };
  const auto make = [](const Request&, std::shared_ptr<WsPeer> peer) {
    auto session = std::make_shared<TestSession>();
    session->peer = std::move(peer);
    return session;
  };
  routes.add_ws_session("/ws", make, std::move(options));
  const auto server = start_server(std::move(routes));
  const auto head_of = [&server](const std::string& target) {
    RawClient client(server->port());
    client.send("GET " + target +
                " HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: talk, secret\r\n\r\n");
    return client.read_until("\r\n\r\n");
  };
  EXPECT_TRUE(head_of("/ws?key=bad").starts_with("HTTP/1.1 401 ")) << head_of("/ws?key=bad");
  const std::string head = head_of("/ws?key=good");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 101 ")) << head;
  EXPECT_NE(head.find("Sec-WebSocket-Protocol: talk\r\n"), std::string::npos) << head;
  const auto client = connect(*server, "/ws?key=good");
  ASSERT_TRUE(client->send({false, std::string(1'000, 'x')}));
  EXPECT_EQ(receive(*client).size(), 1'005U);
  ASSERT_TRUE(client->send({false, std::string(1'001, 'x')}));
  EXPECT_NE(receive(*client).find("1009"), std::string::npos);
}

TEST(WsSession, StopLetsASessionFinishWithinItsGrace) {
  std::promise<std::shared_ptr<WsPeer>> told;
  Counter gone;
  const auto server = serve_sessions([&](TestSession& session) {
    session.stopping = [&, peer = session.peer] { told.set_value(peer); };
    session.gone = [&] { gone.add(); };
  });
  const auto client = connect(*server);
  ASSERT_TRUE(client->send({false, "x"}));
  EXPECT_EQ(receive(*client), "text:x");
  auto stopping = std::async(std::launch::async, [&] { server->stop(kTestPatience); });
  auto given = told.get_future();
  const auto peer = await(given);
  ASSERT_TRUE(client->send({false, "last"}));  // a stopping session still hears and answers
  EXPECT_EQ(receive(*client), "text:last");
  EXPECT_EQ(gone.count(), 0);
  peer->close(1001, "done");
  EXPECT_NE(receive(*client).find("1001: done"), std::string::npos);
  await(stopping);
  EXPECT_EQ(gone.count(), 1);
}

TEST(WsSession, StopCutsASessionThatDoesNotFinish) {
  Counter gone;
  const auto server = serve_sessions([&](TestSession& session) {
    session.stopping = [] {};
    session.gone = [&] { gone.add(); };
  });
  RawWs deaf(*server);  // does not even answer the close
  const auto client = connect(*server);
  ASSERT_TRUE(client->send({false, "x"}));
  EXPECT_EQ(receive(*client), "text:x");
  auto stopping = std::async(std::launch::async, [&] { server->stop(milliseconds(50)); });
  EXPECT_FALSE(client->receive(kTime));
  EXPECT_EQ(client->close_code(), 1001);
  await(stopping);
  EXPECT_EQ(gone.count(), 2);
  EXPECT_EQ(deaf.read_close(), 1001U);
}

TEST(WsSession, StopEndsManyOpenSessions) {
  Counter gone;
  const auto server = serve_sessions([&](TestSession& session) { session.gone = [&] { gone.add(); }; });
  std::vector<std::unique_ptr<RawWs>> clients;
  for (int i = 0; i < 50; ++i)
    clients.push_back(std::make_unique<RawWs>(*server));
  auto stopping = std::async(std::launch::async, [&] { server->stop(milliseconds(200)); });
  for (const auto& client : clients)
    EXPECT_EQ(client->read_close(), 1001U);
  await(stopping);
  EXPECT_EQ(gone.count(), 50);
}

}  // namespace
}  // namespace morgan::net
