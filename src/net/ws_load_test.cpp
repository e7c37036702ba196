// Sessions under load: many at once, slow readers, fast senders, and the limits that hold them.
#include "net/ws_client.h"
#include "net/ws_test_support.h"

#include <sys/resource.h>

#include <fstream>

namespace morgan::net {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kTime = kTestPatience;

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t size = 0;
  std::size_t resident = 0;
  statm >> size >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

TEST(WsLoad, CarriesFiveHundredSessionsWithoutAThreadEach) {
  Counter gone;
  std::mutex mutex;
  std::set<std::thread::id> threads;
  const auto server = serve_sessions([&](TestSession& session) {
    session.gone = [&] { gone.add(); };
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
  });
  constexpr int kSessions = 500;
  std::vector<std::unique_ptr<RawWs>> clients;
  for (int i = 0; i < kSessions; ++i) {
    clients.push_back(std::make_unique<RawWs>(*server));
    ASSERT_TRUE(clients.back()->open()) << i;
  }
  for (int round = 0; round < 3; ++round) {
    for (const auto& client : clients)
      ASSERT_TRUE(client->send({.opcode = Opcode::kBinary, .payload = std::string(640, 'a')}));
    for (const auto& client : clients) {
      const auto echoed = client->read_frame();
      ASSERT_TRUE(echoed);
      ASSERT_EQ(echoed->payload.size(), 640U);
    }
  }
  EXPECT_EQ(threads.size(), 1U);
  clients.clear();
  EXPECT_TRUE(gone.reaches(kSessions));
}

TEST(WsLoad, SessionsHaveALimitOfTheirOwn) {
  ServerOptions options;
  options.max_ws_sessions = 5;
  options.max_connections = 3;
  Router routes;
  routes.add(Method::kGet, "/", [](const Request&) { return Response::text(200, "hello"); });
  routes.add_ws_session("/ws", [](const Request&, std::shared_ptr<WsPeer> peer) {
    auto session = std::make_shared<TestSession>();
    session->peer = std::move(peer);
    return session;
  });
  const auto server = start_server(std::move(routes), std::move(options));
  std::vector<std::unique_ptr<RawWs>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<RawWs>(*server));
    ASSERT_TRUE(clients.back()->open()) << i;
  }
  const std::string refused = RawWs(*server).head();
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 503 ")) << refused;
  EXPECT_NE(refused.find("Retry-After: 1"), std::string::npos);
  EXPECT_EQ(get(*server, "/").body, "hello");  // sessions do not take the place of requests
  clients.front()->close();
  // The place is free as soon as the server has seen the session end.
  const auto until = std::chrono::steady_clock::now() + kTestPatience;
  while (!RawWs(*server).open() && std::chrono::steady_clock::now() < until)
    std::this_thread::yield();
  EXPECT_LT(std::chrono::steady_clock::now(), until);
}

TEST(WsLoad, AServerRaisesTheLimitOfDescriptorsThatItNeeds) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = std::min<rlim_t>(512, before.rlim_max);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  ServerOptions options;
  options.max_connections = 100;
  options.max_ws_sessions = 700;
  const auto server = serve_sessions(nullptr, std::move(options));
  rlimit now{};
  EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &now), 0);
  EXPECT_GE(now.rlim_cur, std::min<rlim_t>(800, before.rlim_max));
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST(WsLoad, ASlowReaderFillsItsOutboxAndNotTheServer) {
  std::promise<std::shared_ptr<WsPeer>> peers;
  Counter gone;
  const auto server = serve_sessions([&](TestSession& session) {
    peers.set_value(session.peer);
    session.gone = [&] { gone.add(); };
  });
  RawWs slow(*server, 4'096);
  auto given = peers.get_future();
  const auto peer = await(given);
  const std::size_t before = resident_bytes();
  std::size_t taken = 0;
  int refused = 0;
  // As a session that does not notice would go on: 400 MB.
  for (int i = 0; i < 4'000; ++i) {
    const auto sent = peer->send({true, std::string(100'000, 'x')});
    if (sent) {
      ++taken;
    } else {
      EXPECT_EQ(sent.error().code, ErrorCode::kOverloaded);
      ++refused;
    }
  }
  EXPECT_GT(refused, 3'000);
  EXPECT_GT(peer->unsent_bytes(), 3'000'000U);
  EXPECT_LE(peer->unsent_bytes(), std::size_t{4} << 20U);
  EXPECT_LT(resident_bytes(), before + 40'000'000);
  // What was taken arrives whole when the client reads at last.
  for (std::size_t i = 0; i < taken; ++i) {
    const auto frame = slow.read_frame();
    ASSERT_TRUE(frame) << i;
    ASSERT_EQ(frame->payload.size(), 100'000U);
  }
  ASSERT_TRUE(peer->send({true, "again"}));
  EXPECT_EQ(slow.read_frame()->payload, "again");
  EXPECT_EQ(gone.count(), 0);
}

/// A server whose session has sent to a client that does not read as much as is taken; the limit of a write is 100 ms.
struct DeafClient {
  Counter gone;
  std::promise<std::shared_ptr<WsPeer>> peers;
  std::unique_ptr<Server> server = serve_sessions(
      [this](TestSession& session) {
        peers.set_value(session.peer);
        session.gone = [this] { gone.add(); };
      },
      with_short_writes());
  RawWs client{*server, 4'096};
  std::shared_ptr<WsPeer> peer;

  DeafClient() {
    auto given = peers.get_future();
    peer = await(given);
    while (peer->send({true, std::string(10'000, 'x')})) {
    }
  }

  static ServerOptions with_short_writes() {
    ServerOptions options;
    options.write_timeout = milliseconds(100);
    return options;
  }
};

TEST(WsLoad, CloseDoesNotWaitForEverForASlowReader) {
  DeafClient deaf;
  deaf.peer->close(1008, "too slow");
  EXPECT_TRUE(deaf.gone.reaches(1));
}

TEST(WsLoad, WhoPingsAndDoesNotReadIsCutOff) {
  DeafClient deaf;
  deaf.client.send({.opcode = Opcode::kPing, .payload = "there?"});
  EXPECT_TRUE(deaf.gone.reaches(1));
}

TEST(WsLoad, ASlowReaderDoesNotSlowOthers) {
  std::mutex mutex;
  std::vector<std::shared_ptr<WsPeer>> peers;
  const auto server = serve_sessions([&](TestSession& session) {
    const std::lock_guard lock(mutex);
    peers.push_back(session.peer);
  });
  RawWs slow(*server, 4'096);
  RawWs quick(*server);
  slow.send({.payload = "x"});
  ASSERT_TRUE(slow.read_frame());  // both are open now
  quick.send({.payload = "x"});
  ASSERT_TRUE(quick.read_frame());
  while (peers.front()->send({true, std::string(100'000, 'x')})) {
  }
  for (int i = 0; i < 100; ++i) {
    quick.send({.payload = "x"});
    ASSERT_TRUE(quick.read_frame());
  }
}

TEST(WsLoad, ASenderThatIsTooFastWaitsAndTheServerDoesNotGrow) {
  std::promise<std::shared_ptr<WsPeer>> paused;
  std::atomic<std::size_t> taken{0};
  Counter messages;
  const auto server = serve_sessions([&](TestSession& session) {
    session.message = [&, peer = session.peer](const WsMessage& message) {
      taken += message.data.size();
      messages.add();
      if (messages.count() == 1) paused.set_value(peer);
      return messages.count() > 1;
    };
  });
  const auto client = WsClient::connect(ws_url(*server), {}, kTime);
  ASSERT_TRUE(client);
  const std::size_t before = resident_bytes();
  constexpr int kMessages = 400;
  std::atomic<int> sent{0};
  auto sender = std::async(std::launch::async, [&] {
    for (; sent < kMessages; ++sent)
      EXPECT_TRUE((*client)->send({true, std::string(100'000, 'x')}));  // 40 MB in all
  });
  auto given = paused.get_future();
  const auto peer = await(given);
  EXPECT_EQ(sender.wait_for(milliseconds(300)), std::future_status::timeout);
  EXPECT_LT(sent, kMessages);
  EXPECT_LT(resident_bytes(), before + 20'000'000);
  peer->resume();
  EXPECT_TRUE(messages.reaches(kMessages));
  EXPECT_EQ(taken, 100'000U * kMessages);
  sender.get();
}

TEST(WsLoad, ManyClientsThatComeAndGoAtOnceLeaveNothingBehind) {
  Counter begun;
  Counter gone;
  ServerOptions options;
  options.max_ws_sessions = 8;
  const auto server = serve_sessions(
      [&](TestSession& session) {
        begun.add();
        session.gone = [&] { gone.add(); };
      },
      std::move(options));
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 50; ++i) {
        const RawWs client(*server);
        if (client.open() && (i + thread) % 2 == 0) client.send({.opcode = Opcode::kClose, .payload = "\x03\xE8"});
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_TRUE(gone.reaches(begun.count()));
  server->stop(kTestPatience);
  EXPECT_EQ(gone.count(), begun.count());
}

}  // namespace
}  // namespace morgan::net
