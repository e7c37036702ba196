#include "dialogue/live/listener.h"

#include "dialogue/live/live_test_world.h"

namespace morgan::dialogue::live {
namespace {

using engines::DecodeKind;

class ListenerTest : public LiveWorld {
 protected:
  ListenerTest() {
    ListenerEvents events;
    events.on_partial = [this](const engines::Hypothesis& hypothesis) { partials_.push_back(hypothesis.text); };
    events.on_draft = [this](Generation generation, const Result<engines::Hypothesis>& hypothesis) {
      drafts_.emplace_back(generation, hypothesis ? hypothesis->text : "error: " + hypothesis.error().message);
      if (on_draft_) on_draft_();
    };
    events.on_turn = [this](Generation generation, float) { turns_.push_back(generation); };
    listener_ = std::make_shared<Listener>(strand_, pool_, stt_, &turn_, std::move(events));
    listener_->set_language("en");
  }
  void hear(const std::string& words) {
    for (const std::string& word : split(words, ' ')) {
      push(SpokenCode::word(word));
      quiet(kGapMs);
    }
  }
  void push(const std::vector<float>& samples) {
    for (std::size_t at = 0; at < samples.size(); at += 320)
      listener_->push(std::span<const float>(samples).subspan(at, std::min<std::size_t>(320, samples.size() - at)));
    heard_ += samples.size();
  }
  void quiet(std::size_t ms) { push(std::vector<float>(ms * 16, 0.0F)); }
  using Draft = std::pair<Generation, std::string>;

  std::shared_ptr<Listener> listener_;
  std::vector<std::string> partials_;
  std::vector<Draft> drafts_;
  std::vector<Generation> turns_;
  std::function<void()> on_draft_;
  std::size_t heard_ = 0;
};

TEST_F(ListenerTest, TheWordBeforeTheBeginningIsHeard) {
  quiet(5'000);
  const std::size_t from = heard_;
  hear("what");
  listener_->begin(from);
  hear("is the time?");
  listener_->draft(1, DecodeKind::kPause);
  settle();
  EXPECT_EQ(drafts_, (std::vector<Draft>{{1, "what is the time?"}}));
}

TEST_F(ListenerTest, ABeginningThatIsLongPastTakesWhatIsThere) {
  hear("what");
  quiet(10'000);
  listener_->begin(0);
  EXPECT_LE(listener_->utterance().size(), 2U * 16'000);
  listener_->draft(1, DecodeKind::kPause);
  settle();
  EXPECT_EQ(drafts_, (std::vector<Draft>{{1, ""}}));
}

TEST_F(ListenerTest, PartialsComeWhileItIsSaid) {
  listener_->begin(0);
  hear("what is");
  listener_->partial();
  settle();
  hear("the time?");
  listener_->partial();
  settle();
  EXPECT_EQ(partials_, (std::vector<std::string>{"what is", "what is the time?"}));
}

TEST_F(ListenerTest, OneTranscriptionAtATime) {
  listener_->begin(0);
  hear("what is");
  listener_->partial();
  listener_->partial();
  EXPECT_TRUE(listener_->busy());
  settle();
  EXPECT_FALSE(listener_->busy());
  EXPECT_EQ(partials_.size(), 1U);
}

TEST_F(ListenerTest, ADraftInterruptsAPartial) {
  listener_->begin(0);
  hear("what is the time?");
  listener_->partial();
  listener_->draft(1, DecodeKind::kPause);
  settle();
  EXPECT_TRUE(partials_.empty());
  EXPECT_EQ(drafts_, (std::vector<Draft>{{1, "what is the time?"}}));
}

TEST_F(ListenerTest, OfTwoDraftsTheNewerIsAnswered) {
  listener_->begin(0);
  hear("what");
  listener_->draft(1, DecodeKind::kPause);
  hear("is");
  listener_->draft(2, DecodeKind::kPause);
  settle();
  EXPECT_EQ(drafts_, (std::vector<Draft>{{2, "what is"}}));
}

TEST_F(ListenerTest, AForgottenDraftIsNotTold) {
  listener_->begin(0);
  hear("what is");
  listener_->draft(1, DecodeKind::kPause);
  listener_->forget_draft();
  settle();
  EXPECT_TRUE(drafts_.empty());
  listener_->draft(2, DecodeKind::kPause);
  settle();
  EXPECT_EQ(drafts_, (std::vector<Draft>{{2, "what is"}}));
}

TEST_F(ListenerTest, WhatWasDroppedIsNotToldAndWhatFollowsIs) {
  listener_->begin(0);
  hear("what is");
  listener_->draft(1, DecodeKind::kPause);
  listener_->drop();
  quiet(2'000);
  const std::size_t from = heard_;
  listener_->begin(from);
  hear("turn on the light.");
  listener_->draft(2, DecodeKind::kPause);
  settle();
  EXPECT_EQ(drafts_, (std::vector<Draft>{{2, "turn on the light."}}));
}

TEST_F(ListenerTest, TheEndOfWhatWasDroppedMayBeTheBeginningOfTheNext) {
  listener_->begin(0);
  quiet(1'000);
  const std::size_t from = heard_;
  hear("what");
  listener_->drop();
  listener_->begin(from);
  hear("is");
  listener_->draft(1, DecodeKind::kPause);
  settle();
  EXPECT_EQ(drafts_, (std::vector<Draft>{{1, "what is"}}));
}

TEST_F(ListenerTest, AFailureOfTheEngineIsTheDraftsAnswer) {
  stt_.error = Error{ErrorCode::kUnavailable, "Whisper has gone"};
  listener_->begin(0);
  hear("what");
  listener_->partial();
  settle();
  listener_->draft(1, DecodeKind::kPause);
  settle();
  EXPECT_TRUE(partials_.empty());
  EXPECT_EQ(drafts_, (std::vector<Draft>{{1, "error: Whisper has gone"}}));
  stt_.error.reset();
  listener_->draft(2, DecodeKind::kPause);
  settle();
  EXPECT_EQ(drafts_.back(), (Draft{2, "what"}));
}

TEST_F(ListenerTest, APoolWithoutRoomIsTheDraftsAnswer) {
  listener_->begin(0);
  hear("what");
  pool_.full = true;
  listener_->partial();
  listener_->draft(1, DecodeKind::kPause);
  ASSERT_EQ(drafts_.size(), 1U);
  EXPECT_EQ(drafts_[0].second, "error: no room");
  EXPECT_FALSE(listener_->busy());
}

TEST_F(ListenerTest, WhoIsToldMayBeginTheNextAtOnce) {
  listener_->begin(0);
  hear("what");
  on_draft_ = [this] {
    on_draft_ = nullptr;
    quiet(400);
    listener_->begin(heard_);
    hear("is");
    listener_->draft(2, DecodeKind::kPause);
  };
  listener_->draft(1, DecodeKind::kPause);
  settle();
  EXPECT_EQ(drafts_, (std::vector<Draft>{{1, "what"}, {2, "is"}}));
}

TEST_F(ListenerTest, AfterItsEndNothingIsTold) {
  listener_->begin(0);
  hear("what");
  listener_->draft(1, DecodeKind::kPause);
  listener_->ask_turn(1);
  listener_.reset();
  settle();
  EXPECT_TRUE(drafts_.empty());
  EXPECT_TRUE(turns_.empty());
}

TEST_F(ListenerTest, TheTurnModelIsAskedOnceAtATimeAndItsFailureIsNoAnswer) {
  listener_->begin(0);
  hear("what");
  listener_->ask_turn(1);
  listener_->ask_turn(1);
  settle();
  EXPECT_EQ(turns_, (std::vector<Generation>{1}));
  turn_.broken = true;
  listener_->ask_turn(2);
  settle();
  turn_.broken = false;
  listener_->ask_turn(3);
  settle();
  EXPECT_EQ(turns_, (std::vector<Generation>{1, 3}));
}

TEST_F(ListenerTest, WhatIsKeptIsBounded) {
  quiet(60'000);
  listener_->begin(0);
  for (int i = 0; i < 300; ++i)
    quiet(1'000);
  EXPECT_LE(listener_->utterance().size(), 121U * 16'000);
}

}  // namespace
}  // namespace morgan::dialogue::live
