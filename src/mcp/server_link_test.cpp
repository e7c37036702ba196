// The servers here are shell scripts that misbehave in one way each. Good ones are in
// tests/functional/test_mcp_client.py.
#include "mcp/server_link.h"
#include "test_support/temporary_folder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace morgan::mcp {

namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr auto kPatience = std::chrono::seconds(20);
// Ids count from 1: initialize, tools/list, then calls.
constexpr const char* kHello =
    R"(say() { printf '%s\n' "$1"; }
hello() {
  read line; say '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{}}}'
  read line
  read line; say '{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"one","inputSchema":{"type":"object"}}]}}'
}
)";

class Link : public ::testing::Test {
 protected:
  void TearDown() override { link_.reset(); }

  void start(const std::string& script, milliseconds timeout = kPatience) {
    ServerConfig config;
    config.name = "test";
    config.command = "/bin/sh";
    config.args = {"-c", kHello + script};
    config.env = {{"FOLDER", folder_.path().string()}};
    config.timeout = timeout;
    LinkTimes times;
    times.connect = times.list = kPatience;
    times.first_retry = milliseconds(1);
    link_ = std::make_unique<ServerLink>(
        config,
        [this](const std::vector<RemoteTool>& tools) {
          const std::scoped_lock lock(mutex_);
          names_.clear();
          for (const RemoteTool& tool : tools)
            names_ += tool.name + " ";
          ++listed_;
          changed_.notify_all();
        },
        times);
  }
  /// The names of the tools when they were listed so often.
  std::string tools(int listed = 1) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return listed_ >= listed; })) << link_->status().trouble;
    return names_;
  }
  Result<RemoteResult> call(const StopToken& stop = {}) { return link_->call("one", Json::object(), stop); }

  test_support::TemporaryFolder folder_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::string names_;
  int listed_ = 0;
  std::unique_ptr<ServerLink> link_;
};

TEST_F(Link, ListsAndCalls) {
  start(R"(hello; read line
    case "$line" in *'"method":"tools/call"'*'"name":"one"'*) ;; *) exit 1 ;; esac
    say '{"jsonrpc":"2.0","id":3,"result":{"content":[{"type":"text","text":"done"}]}}'; read line)");
  EXPECT_EQ(tools(), "one ");
  const auto result = call();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->text, "done");
  EXPECT_TRUE(link_->status().connected);
}

TEST_F(Link, FollowsPagesToTheirEndAndNotRoundInCircles) {
  start(R"(read line; say '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18"}}'; read line
    read line; say '{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"one"},{"no":"name"},5],"nextCursor":"a"}}'
    read line; case "$line" in *'"cursor":"a"'*) ;; *) exit 1 ;; esac
    say '{"jsonrpc":"2.0","id":3,"result":{"tools":[{"name":"two"}],"nextCursor":"a"}}'; read line)");
  EXPECT_EQ(tools(), "one two ");
}

TEST_F(Link, ListsAnewWhenTheServerSaysSo) {
  start(R"(hello; say '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}'
    say '{"jsonrpc":"2.0","method":"notifications/unheard_of"}'
    read line; say '{"jsonrpc":"2.0","id":3,"result":{"tools":[{"name":"new"}]}}'; read line)");
  EXPECT_EQ(tools(2), "new ");
  EXPECT_EQ(link_->status().tools, 1U);
}

TEST_F(Link, PassesOverWhatIsNoMessage) {
  start(R"(echo Starting...; echo '{"half":'; echo '[]'; echo; hello; echo 'a log line' >&2
    read line; say '{"jsonrpc":"2.0","id":99,"result":{}}'; say '{"jsonrpc":"2.0","id":3,"result":{}}'; read line)");
  EXPECT_EQ(tools(), "one ");
  EXPECT_TRUE(call());
}

TEST_F(Link, AnswersPingAndRefusesTheRest) {
  start(R"(hello; say '{"jsonrpc":"2.0","id":"p","method":"ping"}'; read line
    [ "$line" = '{"jsonrpc":"2.0","id":"p","result":{}}' ] || exit 1
    say '{"jsonrpc":"2.0","id":"s","method":"sampling/createMessage","params":{}}'; read line
    case "$line" in *'"id":"s"'*'-32601'*) ;; *) exit 1 ;; esac
    say '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}'
    read line; say '{"jsonrpc":"2.0","id":3,"result":{"tools":[]}}'; read line)");
  EXPECT_EQ(tools(2), "");
  EXPECT_EQ(link_->status().connections, 1U);
}

TEST_F(Link, AServerThatCrashesIsStartedAgain) {
  start(R"(hello; [ -e "$FOLDER/again" ] || { touch "$FOLDER/again"; read line; exit 3; }
    read line; say '{"jsonrpc":"2.0","id":3,"result":{"content":[{"type":"text","text":"back"}]}}'; read line)");
  tools();
  const auto lost = call();
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, ErrorCode::kUnavailable);
  tools(2);
  const auto result = call();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->text, "back");
  EXPECT_EQ(link_->status().connections, 2U);
}

TEST_F(Link, AServerThatHangsIsToldThatNobodyWaits) {
  start(R"(hello; read line; read line; echo "$line" > "$FOLDER/told"; say '{"jsonrpc":"2.0","id":3,"result":{}}'
    read line; say '{"jsonrpc":"2.0","id":4,"result":{"content":[{"type":"text","text":"next"}]}}'; read line)",
        milliseconds(50));
  tools();
  const auto late = call();
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kDeadlineExceeded);
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!fs::exists(folder_ / "told") && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
  std::string told;
  std::getline(std::ifstream(folder_ / "told"), told);
  EXPECT_NE(told.find("notifications/cancelled"), std::string::npos);
  // What comes too late is not taken for the answer to the next call.
  const auto next = call();
  EXPECT_EQ(next ? next->text : "next", "next");
}

TEST_F(Link, ACallIsStopped) {
  start("hello; read line; read line; read line");
  tools();
  StopSource stop;
  stop.request_stop(StopReason::kBargeIn);
  const auto result = call(stop.token());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
}

TEST_F(Link, AnAnswerThatIsTooLargeFailsTheCallAndNotTheServer) {
  start(R"(hello; read line; head -c 5000000 /dev/zero | tr '\0' x; echo
    read line; say '{"jsonrpc":"2.0","id":4,"result":{"content":[]}}'; read line)");
  tools();
  const auto result = call();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kTooLarge);
  EXPECT_TRUE(call());
  EXPECT_EQ(link_->status().connections, 1U);
}

TEST_F(Link, ARefusalIsTheServersOwn) {
  start(
      R"(hello; read line; say '{"jsonrpc":"2.0","id":3,"error":{"code":-32602,"message":"no such tool"}}'; read line)");
  tools();
  const auto result = call();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(result.error().message, "the MCP server 'test' refused: no such tool");
}

TEST_F(Link, TellsWhyAServerIsAway) {
  ServerConfig config;
  config.name = "none";
  config.command = "/nonexistent/program";
  LinkTimes times;
  times.first_retry = milliseconds(1);
  times.last_retry = milliseconds(1);
  ServerLink link(config, [](const std::vector<RemoteTool>&) { FAIL(); }, times);
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (link.status().trouble.empty() && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
  EXPECT_EQ(link.status().trouble, "cannot run /nonexistent/program: No such file or directory");
  const auto result = link.call("one", Json::object(), {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
}

TEST_F(Link, EndsAProgramThatDoesNotWantTo) {
  start("trap '' TERM; hello; while :; do read line || read line < /dev/zero; done");
  tools();
  link_.reset();  // returns: the test ends
}

TEST_F(Link, PassesOnlyAFewVariablesOn) {
  ::setenv("MORGAN_LINK_TEST_SECRET", "s3cret", 1);
  start(R"(hello; read line
    say "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"[$MORGAN_LINK_TEST_SECRET]\"}]}}"
    read line)");
  tools();
  EXPECT_EQ(call()->text, "[]");
}

}  // namespace

}  // namespace morgan::mcp
