// The world around a live conversation in tests: a pool whose tasks run when the test lets them, a client that checks
// what it is told, and a script in which somebody speaks. Time is simulated. Test code.
#pragma once

#include "dialogue/live/live_session.h"
#include "dialogue/live/live_test_support.h"
#include "runtime/simulated_strand.h"
#include "stores/sqlite/sqlite_conversation_store.h"
#include "test_support/temporary_folder.h"

#include <filesystem>
#include <sstream>

namespace morgan::dialogue::live {

/// Keeps tasks until run_all(); one thread, so a task must not wait for another.
class ManualPool final : public runtime::BlockingPool {
 public:
  ~ManualPool() override { release(); }

  Result<void> run(std::function<void()> task) override {
    if (full) return fail(ErrorCode::kOverloaded, "no room");
    if (let_through > 0) {
      --let_through;
      tasks_.push_back(std::move(task));
    } else if (hang_next > 0) {
      --hang_next;
      hung_.push_back(std::move(task));
    } else {
      tasks_.push_back(std::move(task));
    }
    return {};
  }
  void stop() override {}

  bool idle() const { return tasks_.empty(); }
  /// @return whether there was one
  bool run_one() {
    if (tasks_.empty()) return false;
    const auto task = std::move(tasks_.front());
    tasks_.pop_front();
    task();
    return true;
  }
  /// What hung goes on at last.
  void release() {
    tasks_.insert(tasks_.end(), std::make_move_iterator(hung_.begin()), std::make_move_iterator(hung_.end()));
    hung_.clear();
    while (run_one()) {
    }
  }
  std::size_t hung() const { return hung_.size(); }

  bool full = false;
  int let_through = 0;  ///< so many tasks before those that hang
  int hang_next = 0;    ///< so many tasks from now on hang until release()

 private:
  std::deque<std::function<void()>> tasks_;
  std::deque<std::function<void()>> hung_;
};

/// A client: keeps what it is told as a list of lines, and checks the promises that hold in every conversation.
class CheckingOutput final : public LiveOutput {
 public:
  void on_phase(Phase phase) override { note("state " + std::string(to_string(phase))); }
  void on_transcription(std::int64_t turn, const engines::Hypothesis& hypothesis, bool is_final) override {
    EXPECT_LE(hypothesis.stable_bytes, hypothesis.text.size());
    if (turn != stable_turn_) stable_.clear();
    EXPECT_TRUE(hypothesis.text.starts_with(stable_))
        << "taken back: \"" << stable_ << "\" -> \"" << hypothesis.text << '"';
    stable_turn_ = turn;
    stable_ = hypothesis.text.substr(0, hypothesis.stable_bytes);
    if (!is_final) return;
    finals.push_back(hypothesis.text);
    note("heard '" + hypothesis.text + "'");
  }
  void on_response_start(std::int64_t response, std::int64_t, int rate_hz, bool aside) override {
    EXPECT_GT(response, last_response_) << "numbers count upwards";
    EXPECT_TRUE(open_.empty()) << "two answers at once";
    last_response_ = response;
    open_.push_back({response, rate_hz, 0, ""});
    rate_hz_ = rate_hz;
    ++starts;
    note((aside ? "aside " : "start ") + std::to_string(response));
  }
  void on_response_text(std::int64_t response, const std::string& text, const std::string& delta, bool) override {
    const auto of =
        std::find_if(open_.begin(), open_.end(), [response](const auto& o) { return o.response == response; });
    ASSERT_NE(of, open_.end());
    EXPECT_EQ(text, of->text + delta);
    of->text = text;
  }
  void on_audio(const AudioOut& audio) override {
    check_alive();
    ASSERT_FALSE(open_.empty());
    Open& newest = open_.back();
    EXPECT_EQ(audio.response, newest.response) << "audio belongs to the newest answer that has no end yet";
    EXPECT_EQ(audio.chunk.first_sample, newest.received) << "a sample twice, or lost";
    EXPECT_EQ(audio.rate_hz, newest.rate_hz) << "another rate than was announced";
    EXPECT_FALSE(held_) << "audio while held";
    newest.received += audio.chunk.samples.size();
    received += audio.chunk.samples.size();
    if (lines.empty() || !lines.back().starts_with("audio")) note("audio " + std::to_string(audio.response));
  }
  void on_filler(std::int64_t response, const std::string& text) override {
    EXPECT_EQ(response, open());
    note("filler '" + text + "'");
  }
  void on_duck(std::int64_t response, float gain) override {
    EXPECT_EQ(response, open());
    note(gain < 1 ? "duck" : "unduck");
  }
  void on_hold(std::int64_t response, std::size_t sample) override {
    EXPECT_EQ(response, open());
    EXPECT_EQ(sample, open_.back().received);
    held_ = true;
    held_at = sample;
    note("hold");
  }
  void on_resume(std::int64_t response, std::size_t sample) override {
    EXPECT_EQ(response, open());
    EXPECT_TRUE(held_);
    EXPECT_EQ(sample, held_at) << "goes on from another sample";
    held_ = false;
    note("resume");
  }
  void on_response_end(std::int64_t response, ReplyEnd end, const std::string& heard) override {
    const auto of =
        std::find_if(open_.begin(), open_.end(), [response](const auto& o) { return o.response == response; });
    ASSERT_NE(of, open_.end()) << "the end of what is not open";
    open_.erase(of);
    held_ = false;
    ++ends;
    note("end " + std::to_string(response) + ' ' + std::string(to_string(end)) + " '" + heard + "'");
  }
  void on_turn(const OrderedJson& turn) override {
    check_alive();
    turns.push_back(turn);
  }
  void on_error(const Error& error) override {
    errors.push_back(error);
    note("error");
  }
  void on_speech(std::size_t sample) override {
    EXPECT_FALSE(speaking) << "speech within speech";
    EXPECT_GE(sample, speech_at);
    speaking = true;
    speech_at = sample;
  }
  void on_spoken(const SpokenTurn& turn) override {
    EXPECT_TRUE(speaking) << "the end of speech that did not begin";
    EXPECT_GE(turn.end_sample, speech_at);
    speaking = false;
    if (turn.heard != nullptr) {
      EXPECT_FALSE(turn.audio.empty());
      spoken.push_back(turn.heard->text);
    }
  }
  void on_response_facts(std::int64_t response, const ReplyFacts& facts) override {
    EXPECT_EQ(response, open());
    if (facts.summary != nullptr) summaries.push_back(*facts.summary);
  }
  void on_idle() override { ++idles; }
  void on_closed() override {
    EXPECT_TRUE(open_.empty()) << "closed amid an answer";
    EXPECT_EQ(starts, ends);
    note("closed");
    closed = true;
  }

  /// The newest answer that has no end yet; 0: none.
  std::int64_t open() const { return open_.empty() ? 0 : open_.back().response; }
  /// Of the answer that was announced last.
  int rate_hz() const { return rate_hz_; }
  bool seen(std::string_view line) const {
    return std::any_of(lines.begin(), lines.end(), [line](const auto& l) { return l == line; });
  }
  std::size_t count(std::string_view beginning) const {
    return static_cast<std::size_t>(
        std::count_if(lines.begin(), lines.end(), [beginning](const auto& l) { return l.starts_with(beginning); }));
  }
  /// The lines that begin with one of these words, joined.
  std::string story(const std::set<std::string>& words = {"heard", "start", "aside", "end", "closed"}) const {
    std::string text;
    for (const std::string& line : lines) {
      if (!words.contains(line.substr(0, line.find(' ')))) continue;
      text += (text.empty() ? "" : "; ") + line;
    }
    return text;
  }

  std::vector<std::string> lines;
  std::vector<std::string> finals;
  std::vector<Error> errors;
  std::vector<OrderedJson> turns;
  std::vector<std::string> spoken;  ///< turns, by on_spoken
  std::vector<ReplySummary> summaries;
  bool speaking = false;
  std::size_t speech_at = 0;
  int idles = 0;
  std::size_t received = 0;
  std::size_t held_at = 0;
  int starts = 0;
  int ends = 0;
  bool closed = false;

 private:
  void check_alive() { EXPECT_FALSE(closed) << "told after the last call"; }
  void note(std::string line) {
    check_alive();
    lines.push_back(std::move(line));
  }

  struct Open {
    std::int64_t response = 0;
    int rate_hz = 0;
    std::size_t received = 0;
    std::string text;
  };
  std::vector<Open> open_;  // one, or none
  std::int64_t last_response_ = 0;
  std::int64_t stable_turn_ = 0;
  std::string stable_;
  int rate_hz_ = 0;
  bool held_ = false;
};

/// What several conversations share, and their one simulated clock.
class LiveWorld : public ::testing::Test {
 protected:
  LiveWorld() {
    auto opened = stores::open_sqlite_store(folder_ / "morgan.db");
    EXPECT_TRUE(opened) << opened.error().message;
    store_ = std::move(opened).value();
    parts_.vad = &vad_;
    parts_.turn = &turn_;
    parts_.stt = &stt_;
    parts_.llm = &llm_;
    parts_.tts = &tts_;
    parts_.store = store_.get();
    parts_.pool = &pool_;
    parts_.metrics = &metrics_;
    parts_.log = &log_;
    parts_.dialogue.system_prompt = "Be brief.";
  }
  ~LiveWorld() override {
    pool_.full = false;
    pool_.release();
    settle();
  }

  /// Runs everything that can run now.
  void settle() {
    do {
      strand_->run_until_idle();
    } while (pool_.run_one());
  }
  /// Lets time pass in steps in which everything happens that can.
  void pass(Ms ms) {
    for (Ms left = ms; left > 0; left -= 5) {
      settle();
      strand_->advance(std::chrono::milliseconds(std::min<Ms>(left, 5)));
    }
    settle();
  }
  /// "user:hi|assistant:hello"
  std::string kept(const std::string& user = "ann") {
    std::string text;
    const auto messages = store_->recent(user, 1'000);
    EXPECT_TRUE(messages);
    for (const auto& message : *messages)
      text += (text.empty() ? "" : "|") + message.role + ':' + message.content;
    return text;
  }

  test_support::TemporaryFolder folder_;
  Metrics metrics_;
  TurnLog log_;
  LiveVad vad_;
  LiveTurnModel turn_;
  LiveStt stt_;
  LiveLlm llm_;
  LiveTts tts_;
  std::unique_ptr<stores::ConversationStore> store_;
  ManualPool pool_;
  LiveParts parts_;
  std::shared_ptr<runtime::SimulatedStrand> strand_ = std::make_shared<runtime::SimulatedStrand>();
};

/// One conversation with a person at its microphone.
class LiveScript : public LiveWorld {
 protected:
  ~LiveScript() override {
    if (session_ && !client_.closed) {
      session_->gone();
      pool_.full = false;
      pool_.release();
      settle();
      EXPECT_TRUE(client_.closed) << "a conversation whose client has gone did not end";
    }
    session_.reset();
    EXPECT_EQ(client_.starts, client_.ends) << "an answer without its one end";
  }

  void begin(LiveConfig config = {}) {
    config.user_id = "ann";
    if (config.voice.name.empty()) config.voice = tts_.voices()[0];
    session_ = std::make_shared<LiveSession>(parts_, strand_, std::move(config), "live_1", &client_);
    session_->start();
    settle();
  }

  /// The microphone hears these samples, in frames of 20 ms, in real time.
  void hear(std::span<const float> samples) {
    constexpr std::size_t kChunk = 320;
    for (std::size_t at = 0; at < samples.size(); at += kChunk) {
      const std::size_t count = std::min(kChunk, samples.size() - at);
      pass(static_cast<Ms>(count * 1000 / audio::kSpeechRate));
      session_->push_audio(samples.subspan(at, count));
      settle();
    }
  }
  void silence(Ms ms) { hear(std::vector<float>(static_cast<std::size_t>(ms) * audio::kSpeechRate / 1000, 0.0F)); }
  void say(const std::string& words) {
    for (const std::string& word : split(words, ' ')) {
      hear(SpokenCode::word(word));
      silence(kGapMs);
    }
  }
  /// A question and its answer, to the answer's end.
  void ask(const std::string& words) {
    say(words);
    until([this] { return client_.ends > 0 && client_.open() == 0 && session_->phase() == Phase::kListening; });
  }
  /// In silence, until it is so.
  template <typename Condition>
  void until(Condition condition, Ms limit = 60'000) {
    for (Ms waited = 0; !condition(); waited += 20) {
      ASSERT_LT(waited, limit) << "it did not come; so far: "
                               << client_.story({"state", "heard", "start", "end", "error", "aside", "audio", "closed",
                                                 "duck", "hold"});
      silence(20);
    }
  }
  void until_phase(Phase phase) {
    until([this, phase] { return session_->phase() == phase; });
  }
  /// Until the listener has heard the word; asks the client's clock, not the session.
  void until_played(Ms ms) {
    until([this, ms] { return client_.received * 1000 >= static_cast<std::size_t>((ms + 120) * client_.rate_hz()); });
  }

  CheckingOutput client_;
  std::shared_ptr<LiveSession> session_;
};

}  // namespace morgan::dialogue::live
