#include "net/tcp_server.h"

#include "net/server_test_support.h"

#include <atomic>
#include <functional>
#include <thread>

namespace morgan::net {
namespace {

// A session whose lines a test writes: each line that came whole goes to `on_line`, and every call is remembered.
class LineSession final : public TcpSession {
 public:
  LineSession(std::shared_ptr<TcpPeer> given, std::function<bool(TcpPeer&, std::string)> take)
      : peer(std::move(given)), on_line(std::move(take)) {}

  bool on_bytes(std::string_view bytes) override {
    received += bytes.size();
    rest_ += bytes;
    bool more = true;
    for (std::size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n')) {
      ++lines_;
      more = on_line(*peer, rest_.substr(0, end)) && more;
      rest_.erase(0, end + 1);
    }
    return more;
  }
  void on_end() override {
    ended = true;
    if (close_at_end) peer->close();
  }
  void on_stopping() override { peer->close(); }
  void on_gone() override { gone.set_value(); }
  std::uint64_t messages() const override { return lines_; }
  bool busy() const override { return waits; }

  const std::shared_ptr<TcpPeer> peer;
  const std::function<bool(TcpPeer&, std::string)> on_line;
  std::atomic<std::size_t> received{0};
  std::atomic<bool> ended{false};
  std::atomic<bool> close_at_end{true};
  std::atomic<bool> waits{false};
  std::promise<void> gone;

 private:
  std::string rest_;
  std::uint64_t lines_ = 0;
};

class TcpServerTest : public testing::Test {
 protected:
  void start(std::function<bool(TcpPeer&, std::string)> on_line, TcpServerOptions options = {}) {
    options.name = "test";
    auto made = TcpServer::listen(options, [this, on_line](std::shared_ptr<TcpPeer> peer) {
      auto session = std::make_shared<LineSession>(std::move(peer), on_line);
      if (!std::exchange(first_made_, true)) first_.set_value(session);
      return session;
    });
    ASSERT_TRUE(made) << made.error().message;
    server_ = std::move(*made);
    server_->start();
  }

  /// Of the first client.
  std::shared_ptr<LineSession> session() { return first_.get_future().get(); }

  static bool gone(LineSession& session) {
    return session.gone.get_future().wait_for(kTestPatience) == std::future_status::ready;
  }

  std::promise<std::shared_ptr<LineSession>> first_;
  bool first_made_ = false;  // I/O thread only
  std::unique_ptr<TcpServer> server_;
};

bool echo(TcpPeer& peer, const std::string& line) {
  EXPECT_TRUE(peer.post(line + "\n"));
  return true;
}

TEST_F(TcpServerTest, AnswersWhatComesInPieces) {
  start(echo);
  RawClient client(server_->port());
  client.send("hel");
  client.send("lo\nyou\n");
  EXPECT_EQ(client.read_exactly(10), "hello\nyou\n");
}

TEST_F(TcpServerTest, AnswersAClientThatHasEndedItsHalf) {
  start(echo);
  RawClient client(server_->port());
  client.send("last\n");
  client.shutdown_send();
  EXPECT_EQ(client.read_all(), "last\n");
  const auto served = session();
  EXPECT_TRUE(gone(*served));
  EXPECT_TRUE(served->ended);
}

TEST_F(TcpServerTest, SendsWhatWaitsBeforeItCloses) {
  start([](TcpPeer& peer, const std::string&) {
    EXPECT_TRUE(peer.post("bye\n"));
    peer.close();
    EXPECT_EQ(peer.post("too late\n").error().code, ErrorCode::kCancelled);
    return true;
  });
  RawClient client(server_->port());
  client.send("x\nmore that nobody reads");
  EXPECT_EQ(client.read_all(), "bye\n");
}

TEST_F(TcpServerTest, ReadsNoMoreUntilTheSessionWantsMore) {
  start([](TcpPeer& peer, const std::string& line) { return line != "enough" && echo(peer, line); });
  RawClient client(server_->port());
  client.send("enough\n");
  const auto served = session();
  const std::string more = std::string(50'000, 'x') + "\n";
  client.send(more);
  // By the time that another client has its answer, the I/O thread has been past this one's bytes.
  RawClient other(server_->port());
  other.send("hello\n");
  EXPECT_EQ(other.read_exactly(6), "hello\n");
  EXPECT_LE(served->received, 16'384U);
  served->peer->resume();
  EXPECT_EQ(client.read_exactly(more.size()), more);
}

TEST_F(TcpServerTest, ASlowReaderHoldsItsWriterBack) {
  start(echo);
  RawClient client(server_->port());
  client.send("go\n");
  EXPECT_EQ(client.read_exactly(3), "go\n");
  const auto served = session();
  constexpr std::size_t kPieces = 300;
  const std::string piece(100'000, 'x');
  std::atomic<std::size_t> written{0};
  std::thread writer([&] {
    for (std::size_t i = 0; i < kPieces; ++i) {
      ASSERT_TRUE(served->peer->write(piece));
      ++written;
    }
  });
  const std::size_t read = client.read_exactly(piece.size() * kPieces).size();
  writer.join();
  EXPECT_EQ(read, piece.size() * kPieces);
  EXPECT_EQ(written, kPieces);
}

TEST_F(TcpServerTest, ABlockedWriterIsToldThatTheClientHasGone) {
  start(echo);
  RawClient client(server_->port());
  client.send("go\n");
  const auto served = session();
  std::promise<Error> told;
  std::thread writer([&] {
    const std::string piece(100'000, 'x');
    for (;;) {
      if (const auto sent = served->peer->write(piece); !sent) return told.set_value(sent.error());
    }
  });
  client.reset();
  EXPECT_EQ(told.get_future().get().code, ErrorCode::kCancelled);
  writer.join();
  EXPECT_TRUE(gone(*served));
}

TEST_F(TcpServerTest, NoticesAResetWhileNothingIsRead) {
  start([](TcpPeer&, const std::string&) { return false; });
  RawClient client(server_->port());
  client.send("enough\n");
  const auto served = session();
  client.reset();
  EXPECT_TRUE(gone(*served));
}

TEST_F(TcpServerTest, DropsAClientThatNeverFinishesAMessage) {
  TcpServerOptions options;
  options.idle_timeout = std::chrono::milliseconds(50);
  start(echo, options);
  RawClient client(server_->port());
  client.send("half a line");
  const auto served = session();
  EXPECT_TRUE(gone(*served));
  EXPECT_EQ(client.read_all(), "");
}

TEST_F(TcpServerTest, KeepsASilentClientThatWaitsForItsAnswer) {
  TcpServerOptions options;
  options.idle_timeout = std::chrono::milliseconds(20);
  start(echo, options);
  RawClient client(server_->port());
  const auto served = session();
  served->waits = true;
  client.send("question\n");
  EXPECT_EQ(client.read_exactly(9), "question\n");
  EXPECT_TRUE(served->peer->post("answer\n"));
  EXPECT_EQ(client.read_exactly(7), "answer\n");
  served->waits = false;
  EXPECT_TRUE(gone(*served));
}

TEST_F(TcpServerTest, StopsWithOpenConnections) {
  start(echo);
  RawClient client(server_->port());
  client.send("one\n");
  EXPECT_EQ(client.read_exactly(4), "one\n");
  server_->stop(kTestPatience);
  EXPECT_EQ(client.read_all(), "");
}

TEST_F(TcpServerTest, SaysThatAPortIsTaken) {
  start(echo);
  TcpServerOptions options;
  options.port = server_->port();
  const auto second = TcpServer::listen(options, [](std::shared_ptr<TcpPeer>) { return nullptr; });
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
}

}  // namespace
}  // namespace morgan::net
