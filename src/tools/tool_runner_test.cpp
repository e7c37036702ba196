// What a call's caller gets, whatever the tool does.
#include "tools/tool_runner.h"

#include <condition_variable>
#include <future>
#include <stdexcept>

namespace morgan::tools {
namespace {

using std::chrono::milliseconds;

/// Tools that wait here go on when the test says so.
class Barrier {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void open() {
    const std::scoped_lock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  /// @return false: not so many came within a long time
  bool until_waiting(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return waiting_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

class ToolCalls : public ::testing::Test {
 protected:
  void add(std::string name, ToolFunction call, Effect effect = Effect::kReads,
           milliseconds timeout = milliseconds(20'000)) {
    Tool tool;
    tool.name = std::move(name);
    tool.description = "Is tested.";
    tool.parameters = Json::parse(R"({"type":"object","properties":{"n":{"type":"integer"}}})");
    tool.effect = effect;
    tool.timeout = timeout;
    tool.call = std::move(call);
    ASSERT_TRUE(registry_.add(std::move(tool)));
  }
  Result<ToolResult> run(const std::string& name, Json arguments = Json::object(), Confirmed confirmed = Confirmed::kNo,
                         const StopToken& stop = {}) {
    return runner_.run({name, std::move(arguments)}, "ann", confirmed, stop);
  }

  Metrics metrics_;
  ToolRegistry registry_;
  Barrier barrier_;
  WallTime now_ = WallTime(std::chrono::seconds(1'000));
  ToolRunner runner_{registry_, *ToolPolicy::parse("ann:secret=deny"), metrics_, [this] { return now_; }};
};

TEST_F(ToolCalls, AToolIsToldWhoCallsAndWhen) {
  add("echo", [](const Json& arguments, const ToolContext& context) -> Result<ToolResult> {
    return ToolResult{context.user_id + std::to_string(context.now.time_since_epoch() / std::chrono::seconds(1)),
                      arguments};
  });
  const auto result = run("echo", {{"n", 7}});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->spoken, "ann1000");
  EXPECT_EQ(result->data["n"], 7);
}

TEST_F(ToolCalls, UnknownToolsWrongArgumentsAndForbiddenToolsAreRefusedBeforeAnythingRuns) {
  int calls = 0;
  const auto count = [&calls](const Json&, const ToolContext&) -> Result<ToolResult> {
    ++calls;
    return ToolResult{};
  };
  add("count", count);
  add("secret", count);
  add("act", count, Effect::kActs);
  EXPECT_EQ(run("nothing").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(run("secret").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(run("count", {{"n", "seven"}}).error().param, "n");
  EXPECT_EQ(run("count", Json::array()).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(run("act").error().reason, "CONFIRMATION_REQUIRED");
  EXPECT_EQ(calls, 0);
  EXPECT_TRUE(run("act", Json::object(), Confirmed::kYes));
  EXPECT_EQ(calls, 1);
  ASSERT_EQ(runner_.tools_for("ann").size(), 2U);
  EXPECT_EQ(runner_.tools_for("bob").size(), 3U);
}

TEST_F(ToolCalls, AToolThatNeverReturnsIsNotWaitedForBeyondItsTime) {
  add(
      "hang",
      [this](const Json&, const ToolContext&) -> Result<ToolResult> {
        barrier_.wait();
        return ToolResult{"Late.", {}};
      },
      Effect::kReads, milliseconds(1));
  const auto result = run("hang");
  EXPECT_EQ(result.error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_NE(result.error().message.find("hang"), std::string::npos);
  barrier_.open();
}

TEST_F(ToolCalls, WhatALateCallDidIsTakenBack) {
  std::promise<void> undone;
  add(
      "late",
      [&](const Json&, const ToolContext&) -> Result<ToolResult> {
        barrier_.wait();
        ToolResult result;
        result.undo = [&undone] { undone.set_value(); };
        return result;
      },
      Effect::kKeeps, milliseconds(1));
  EXPECT_FALSE(run("late"));
  barrier_.open();
  EXPECT_EQ(undone.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST_F(ToolCalls, CallsThatHangDoNotTakeAllThreadsUnnoticed) {
  add(
      "hang",
      [this](const Json&, const ToolContext&) -> Result<ToolResult> {
        barrier_.wait();
        return ToolResult{};
      },
      Effect::kReads, milliseconds(1));
  for (std::size_t i = 0; i < ToolRunner::kMostCalls; ++i)
    EXPECT_EQ(run("hang").error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(run("hang").error().code, ErrorCode::kOverloaded);
  barrier_.open();
}

TEST_F(ToolCalls, ACallEndsWithItsTurn) {
  StopSource turn;
  add("wait", [&](const Json&, const ToolContext& context) -> Result<ToolResult> {
    turn.request_stop(StopReason::kBargeIn);
    while (!context.stop.stop_requested())
      std::this_thread::yield();
    return ToolResult{};
  });
  EXPECT_EQ(run("wait", Json::object(), Confirmed::kNo, turn.token()).error().code, ErrorCode::kCancelled);
}

TEST_F(ToolCalls, AnExceptionIsAnError) {
  add("throws", [](const Json&, const ToolContext&) -> Result<ToolResult> { throw std::runtime_error("no luck"); });
  add("throws_int", [](const Json&, const ToolContext&) -> Result<ToolResult> { throw 7; });
  EXPECT_EQ(run("throws").error().code, ErrorCode::kInternal);
  EXPECT_NE(run("throws").error().message.find("no luck"), std::string::npos);
  EXPECT_EQ(run("throws_int").error().code, ErrorCode::kInternal);
}

TEST_F(ToolCalls, TenMegabytesAreCut) {
  add("huge", [](const Json&, const ToolContext&) -> Result<ToolResult> {
    std::string text;
    while (text.size() < 10'000'000)
      text += "\u00e9\"";
    return ToolResult{text, Json{{"text", text}}};
  });
  const auto result = run("huge");
  ASSERT_TRUE(result);
  EXPECT_LE(result->spoken.size(), ToolRunner::kMostSpokenBytes);
  EXPECT_LE(dump_json(result->data).size(), ToolRunner::kMostDataBytes + 1'000);
  EXPECT_EQ(result->data["truncated"], true);
  EXPECT_EQ(dump_json(Json(result->spoken)).find("\ufffd"), std::string::npos) << "cut between characters";
}

TEST_F(ToolCalls, BytesThatAreNoTextAreNotSpoken) {
  add("binary", [](const Json&, const ToolContext&) -> Result<ToolResult> { return ToolResult{"\xff\xfe", {}}; });
  EXPECT_EQ(run("binary")->spoken, "");
}

TEST_F(ToolCalls, SeveralCallsRunAtTheSameTime) {
  add("meet", [this](const Json& arguments, const ToolContext&) -> Result<ToolResult> {
    barrier_.wait();
    return ToolResult{"", arguments};
  });
  const std::vector<ToolCall> calls{{"meet", {{"n", 1}}}, {"nothing", {}}, {"meet", {{"n", 2}}}};
  auto all = std::async(std::launch::async, [&] { return runner_.run_all(calls, "ann", Confirmed::kNo, {}); });
  EXPECT_TRUE(barrier_.until_waiting(2)) << "one waits for the other";
  barrier_.open();
  const auto results = all.get();
  ASSERT_EQ(results.size(), 3U);
  EXPECT_EQ(results[0]->data["n"], 1);
  EXPECT_EQ(results[1].error().code, ErrorCode::kNotFound);
  EXPECT_EQ(results[2]->data["n"], 2);
}

}  // namespace
}  // namespace morgan::tools
