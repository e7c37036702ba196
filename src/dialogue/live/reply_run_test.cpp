#include "dialogue/live/reply_run.h"

#include "dialogue/live/live_test_support.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

namespace morgan::dialogue::live {
namespace {

constexpr auto kPatience = std::chrono::seconds(20);

class ReplyRunTest : public ::testing::Test {
 protected:
  ~ReplyRunTest() override { pool_->stop(); }

  ReplyJob job() const {
    ReplyJob made;
    made.prompt = {{"user", "What is the time?"}};
    made.voice = tts_.voices()[0];
    return made;
  }

  ReplySink sink() {
    ReplySink made;
    made.on_text = [this](const std::string& delta) { note([&] { text_ += delta; }); };
    made.on_piece = [this](const std::string& piece) { note([&] { pieces_.push_back(piece); }); };
    made.on_audio = [this](const std::vector<float>& samples, const std::vector<engines::SpokenWord>& words) {
      note([&] {
        samples_ += samples.size();
        words_ += words.size();
      });
      if (on_audio_) on_audio_();
    };
    made.on_done = [this](Result<ReplySummary> outcome) {
      note([&] { ++ends_; });
      done_.set_value(std::move(outcome));  // throws, and so ends the test program, when it comes twice
    };
    return made;
  }

  Result<ReplySummary> outcome() {
    auto future = done_.get_future();
    EXPECT_EQ(future.wait_for(kPatience), std::future_status::ready);
    auto result = future.get();
    pool_->stop();  // so that what might come afterwards has come
    EXPECT_EQ(ends_.load(), 1);
    EXPECT_FALSE(after_end_) << "the sink was called after on_done";
    return result;
  }

  template <typename Change>
  void note(Change change) {
    const std::lock_guard lock(mutex_);
    if (ends_ > 0) after_end_ = true;
    change();
  }

  std::unique_ptr<runtime::BlockingPool> pool_ = runtime::BlockingPool::create(4, 8);
  LiveLlm llm_;
  LiveTts tts_;
  std::mutex mutex_;  // guards what the sink notes
  std::string text_;
  std::vector<std::string> pieces_;
  std::size_t samples_ = 0;
  std::size_t words_ = 0;
  bool after_end_ = false;
  std::atomic<int> ends_{0};
  std::function<void()> on_audio_;
  std::promise<Result<ReplySummary>> done_;
};

TEST_F(ReplyRunTest, WritesSpeaksAndEndsOnce) {
  ASSERT_TRUE(ReplyRun::start(llm_, tts_, *pool_, job(), sink()));
  const auto result = outcome();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->text, "It is noon. Time for lunch!");
  EXPECT_EQ(result->usage.cached_tokens, 7);
  EXPECT_EQ(text_, result->text);
  EXPECT_EQ(join(pieces_, " "), result->text);
  EXPECT_EQ(words_, 6U);
  EXPECT_EQ(samples_, LiveTts::samples_for(pieces_));
}

TEST_F(ReplyRunTest, SaysAFixedTextWithoutTheModel) {
  ReplyJob fixed = job();
  fixed.fixed_text = "Sorry, that went wrong.";
  ASSERT_TRUE(ReplyRun::start(llm_, tts_, *pool_, std::move(fixed), sink()));
  ASSERT_TRUE(outcome());
  EXPECT_EQ(text_, "Sorry, that went wrong.");
  EXPECT_TRUE(llm_.requests.empty());
}

TEST_F(ReplyRunTest, MemoryAnswersInsteadOfTheModel) {
  ReplyJob own = job();
  own.recollect = [](const StopToken&) -> Result<Recollection> { return Recollection{"I will remember that.", ""}; };
  ASSERT_TRUE(ReplyRun::start(llm_, tts_, *pool_, std::move(own), sink()));
  EXPECT_EQ(outcome()->text, "I will remember that.");
  EXPECT_TRUE(llm_.requests.empty());
}

TEST_F(ReplyRunTest, WhatMemoryAddsStandsBehindTheQuestion) {
  ReplyJob own = job();
  own.recollect = [](const StopToken&) -> Result<Recollection> { return Recollection{"", "(It is noon.)"}; };
  ASSERT_TRUE(ReplyRun::start(llm_, tts_, *pool_, std::move(own), sink()));
  EXPECT_EQ(outcome()->recalled, "(It is noon.)");
  EXPECT_EQ(llm_.requests.at(0).messages.back().content, "What is the time?\n(It is noon.)");
}

TEST_F(ReplyRunTest, AnswersWithoutAMemoryThatFails) {
  ReplyJob own = job();
  own.recollect = [](const StopToken&) -> Result<Recollection> { return fail(ErrorCode::kUnavailable, "disk full"); };
  ASSERT_TRUE(ReplyRun::start(llm_, tts_, *pool_, std::move(own), sink()));
  EXPECT_EQ(outcome()->text, "It is noon. Time for lunch!");
}

TEST_F(ReplyRunTest, AModelThatFailsIsTold) {
  llm_.error_at_end = Error{ErrorCode::kUnavailable, "the model has gone"};
  ASSERT_TRUE(ReplyRun::start(llm_, tts_, *pool_, job(), sink()));
  const auto result = outcome();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "the model has gone");
}

TEST_F(ReplyRunTest, AnEmptyAnswerIsAFailure) {
  llm_.pieces = {" ", "\n"};
  ASSERT_TRUE(ReplyRun::start(llm_, tts_, *pool_, job(), sink()));
  const auto result = outcome();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
}

TEST_F(ReplyRunTest, AVoiceThatFailsStopsTheWriting) {
  // The model would write for ever.
  llm_.endless = "And so it goes on and on. ";
  tts_.fail_at = 2;
  ASSERT_TRUE(ReplyRun::start(llm_, tts_, *pool_, job(), sink()));
  const auto result = outcome();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "the voice broke");
}

TEST_F(ReplyRunTest, UnheardAudioAndUnspokenTextAreBounded) {
  llm_.endless = "One two three four five six seven eight nine ten. ";
  tts_.samples_per_letter = 2'000;  // each sentence lasts about 4.5 s
  std::promise<void> full;
  std::atomic<bool> told{false};
  const std::size_t most = static_cast<std::size_t>(ReplyRun::kMostAheadSeconds) * 22'050;
  on_audio_ = [&] {
    if (samples_ >= most && !told.exchange(true)) full.set_value();
  };
  auto run = ReplyRun::start(llm_, tts_, *pool_, job(), sink());
  ASSERT_TRUE(run);
  ASSERT_EQ(full.get_future().wait_for(kPatience), std::future_status::ready);
  // The writer is held back too: it fills the queue of pieces and waits there.
  llm_.wait_until_written(ReplyRun::kMostPieces);
  std::size_t made = 0;
  {
    const std::lock_guard lock(mutex_);
    made = samples_;
    EXPECT_LE(made, most + 2'000 * 60) << "at most one piece beyond the limit";
  }
  // Room for one piece brings one piece.
  std::promise<void> more;
  std::atomic<bool> said{false};
  {
    const std::lock_guard lock(mutex_);
    on_audio_ = [&] {
      if (!said.exchange(true)) more.set_value();
    };
  }
  (*run)->consumed(made);
  ASSERT_EQ(more.get_future().wait_for(kPatience), std::future_status::ready);
  (*run)->cancel();
  EXPECT_FALSE(outcome());
}

TEST_F(ReplyRunTest, CancelledAtAnyMomentItEndsOnceAndSoon) {
  // Before it writes, at each word, at each piece of audio, after the end: each moment many times.
  for (int moment = 0; moment < 400; ++moment) {
    LiveLlm llm;
    LiveTts tts;
    llm.pieces.clear();
    for (int i = 0; i < 40; ++i)
      llm.pieces.push_back("Word " + std::to_string(i) + (i % 4 == 3 ? ". " : " "));
    std::atomic<int> steps{0};
    std::atomic<int> ends{0};
    std::promise<std::shared_ptr<ReplyRun>> made;
    const auto shared = made.get_future().share();
    const auto step = [&steps, moment, shared] {
      if (steps.fetch_add(1) == moment % 80) shared.get()->cancel();
    };
    std::promise<void> done;
    ReplySink watched;
    watched.on_text = [&](const std::string&) { step(); };
    watched.on_piece = [&](const std::string&) { step(); };
    watched.on_audio = [&](const auto&, const auto&) { step(); };
    watched.on_done = [&](const Result<ReplySummary>& outcome) {
      EXPECT_TRUE(outcome || outcome.error().code == ErrorCode::kCancelled);
      if (ends.fetch_add(1) == 0) done.set_value();
    };
    auto pool = runtime::BlockingPool::create(4, 8);
    auto run = ReplyRun::start(llm, tts, *pool, job(), std::move(watched));
    ASSERT_TRUE(run);
    made.set_value(*run);
    if (moment % 80 == 79) (*run)->cancel();
    ASSERT_EQ(done.get_future().wait_for(kPatience), std::future_status::ready) << moment;
    (*run)->cancel();
    pool->stop();
    EXPECT_EQ(ends.load(), 1) << moment;
  }
}

TEST_F(ReplyRunTest, WithoutRoomInThePoolTheSinkIsNotCalled) {
  for (int round = 0; round < 50; ++round) {
    auto one = runtime::BlockingPool::create(1, 0);
    std::atomic<int> calls{0};
    ReplySink counting;
    counting.on_text = [&](const std::string&) { ++calls; };
    counting.on_piece = [&](const std::string&) { ++calls; };
    counting.on_audio = [&](const auto&, const auto&) { ++calls; };
    counting.on_done = [&](const auto&) { ++calls; };
    const auto run = ReplyRun::start(llm_, tts_, *one, job(), std::move(counting));
    ASSERT_FALSE(run);
    EXPECT_EQ(run.error().code, ErrorCode::kOverloaded);
    one->stop();
    ASSERT_EQ(calls.load(), 0) << "round " << round;
  }
}

TEST_F(ReplyRunTest, WhatToolsSayIsTheAnswerAndCanBeTakenBackOnce) {
  std::atomic<int> undone{0};
  ReplyJob with_tools = job();
  with_tools.use_tools = [&](const StopToken&) -> Result<tools::ToolAnswer> {
    return tools::ToolAnswer{"It is ten past three.", "", {{"time", {}}}, {[&undone] { ++undone; }}};
  };
  const auto run = ReplyRun::start(llm_, tts_, *pool_, with_tools, sink());
  ASSERT_TRUE(run);
  const auto result = outcome();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->text, "It is ten past three.");
  EXPECT_EQ(result->own_tools, (std::vector<std::string>{"time"}));
  EXPECT_GT(samples_, 0U);
  EXPECT_TRUE(llm_.requests.empty());
  EXPECT_EQ(undone, 0);
  (*run)->take_back();
  (*run)->take_back();
  EXPECT_EQ(undone, 1);
}

TEST_F(ReplyRunTest, ToolsThatEndAfterTheyWereTakenBackAreUndoneToo) {
  std::promise<void> begun;
  std::promise<void> go_on;
  std::atomic<int> undone{0};
  ReplyJob with_tools = job();
  with_tools.use_tools = [&](const StopToken&) -> Result<tools::ToolAnswer> {
    begun.set_value();
    go_on.get_future().wait();
    return tools::ToolAnswer{"Done.", "", {}, {[&undone] { ++undone; }}};
  };
  const auto run = ReplyRun::start(llm_, tts_, *pool_, with_tools, sink());
  ASSERT_TRUE(run);
  begun.get_future().wait();
  (*run)->take_back();
  EXPECT_EQ(undone, 0);
  go_on.set_value();
  EXPECT_EQ(outcome().error().code, ErrorCode::kCancelled);
  EXPECT_EQ(undone, 1);
}

TEST_F(ReplyRunTest, WhatToolsFoundGoesBehindTheUsersWords) {
  ReplyJob with_tools = job();
  with_tools.use_tools = [](const StopToken&) -> Result<tools::ToolAnswer> {
    return tools::ToolAnswer{"", "\n[data]", {}, {}};
  };
  ASSERT_TRUE(ReplyRun::start(llm_, tts_, *pool_, with_tools, sink()));
  ASSERT_TRUE(outcome());
  ASSERT_EQ(llm_.requests.size(), 1U);
  EXPECT_EQ(llm_.requests[0].messages.back().content, "What is the time?\n[data]");
}

}  // namespace
}  // namespace morgan::dialogue::live
