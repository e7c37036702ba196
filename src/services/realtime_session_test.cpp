// A Realtime session with a live conversation behind it and no socket.
#include "services/realtime_session.h"

#include "dialogue/live/live_test_support.h"
#include "stores/sqlite/sqlite_conversation_store.h"
#include "test_support/temporary_folder.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <ctime>
#include <mutex>

namespace morgan::services {
namespace {

namespace live = dialogue::live;

class Peer final : public net::WsPeer {
 public:
  Result<net::WsMessage> receive() override { return fail(ErrorCode::kUnsupported, "it is a session's"); }
  Result<void> send(net::WsMessage message) override {
    const std::lock_guard lock(mutex_);
    sent_.push_back(*parse_json(message.data));
    return {};
  }
  void close(std::uint16_t code, std::string_view) override {
    const std::lock_guard lock(mutex_);
    closed_ = code;
    changed_.notify_all();
  }

  /// @return the code; 0: it was not closed
  std::uint16_t wait_for_close() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [this] { return closed_ != 0; });
    return closed_;
  }
  std::vector<Json> sent() {
    const std::lock_guard lock(mutex_);
    return sent_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Json> sent_;    // guarded by mutex_
  std::uint16_t closed_ = 0;  // guarded by mutex_
};

class RealtimeSessionTest : public ::testing::Test {
 protected:
  RealtimeSessionTest() : store_(*stores::open_sqlite_store(folder_ / "talk.db")) {
    live::LiveParts parts;
    parts.vad = &vad_;
    parts.stt = &stt_;
    parts.llm = &llm_;
    parts.tts = &tts_;
    parts.store = store_.get();
    service_ = std::make_unique<live::LiveService>(parts, live::LiveServiceOptions{}, &metrics_);
  }
  ~RealtimeSessionTest() override { service_->stop(); }

  RealtimeStart start() const {
    RealtimeStart start;
    start.settings.model = "scripted";
    start.settings.reply.voice = *tts_.find_voice("joe");
    start.settings.reply.voice_name = "joe";
    start.settings.expires_at = static_cast<long long>(std::time(nullptr)) + 3600;
    return start;
  }

  test_support::TemporaryFolder folder_;
  std::unique_ptr<stores::ConversationStore> store_;
  live::LiveVad vad_;
  live::LiveStt stt_;
  live::LiveLlm llm_;
  live::LiveTts tts_;
  Metrics metrics_;
  std::unique_ptr<live::LiveService> service_;
};

TEST_F(RealtimeSessionTest, SaysThatItsTimeIsOverAndGoesAway) {
  RealtimeStart over = start();
  over.settings.expires_at = static_cast<long long>(std::time(nullptr)) - 1;
  const auto peer = std::make_shared<Peer>();  // shared with the session
  const auto session = std::make_shared<RealtimeSession>(*service_, peer, std::move(over));
  session->begin();
  EXPECT_EQ(peer->wait_for_close(), 1001);
  const std::vector<Json> sent = peer->sent();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0]["type"], "session.created");
  EXPECT_EQ(sent[1]["type"], "error");
  EXPECT_EQ(sent[1]["error"]["code"], "session_expired");
}

TEST_F(RealtimeSessionTest, TellsOfNoOtherEndWhenTheServerStops) {
  const auto peer = std::make_shared<Peer>();  // shared with the session
  const auto session = std::make_shared<RealtimeSession>(*service_, peer, start());
  session->begin();
  session->on_stopping();
  EXPECT_EQ(peer->wait_for_close(), 1001);
  EXPECT_EQ(peer->sent().size(), 1U);
}

}  // namespace
}  // namespace morgan::services
