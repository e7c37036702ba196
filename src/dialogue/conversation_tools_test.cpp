// Tools in turns that are not live; store, timers and tools are real.
#include "dialogue/conversation_service.h"
#include "dialogue/scripted_engines.h"
#include "stores/sqlite/sqlite_conversation_store.h"
#include "tools/tool_test_world.h"

namespace morgan::dialogue {
namespace {

class ToolTurns : public tools::ToolWorld {
 protected:
  void SetUp() override {
    tools::ToolWorld::SetUp();
    auto opened = stores::open_sqlite_store(folder_ / "morgan.db");
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
    runner_ = std::make_unique<tools::ToolRunner>(registry_, tools::ToolPolicy(), metrics_, [this] { return wall_; });
    agent_ = std::make_unique<tools::ToolAgent>(*runner_, &llm_, zone_);
    service_ = std::make_unique<ConversationService>(options_, &stt_, &llm_, &tts_, store_.get(), &metrics_, nullptr,
                                                     agent_.get());
  }
  void TearDown() override {
    service_.reset();
    agent_.reset();
    runner_.reset();
    store_.reset();
    tools::ToolWorld::TearDown();
  }
  Result<TurnResult> say(const std::string& text, bool aloud = false, const TurnObserver& observer = {}) {
    TurnRequest request;
    request.user_id = "ann";
    request.text = text;
    request.speak = aloud;
    return service_->run(request, observer, {});
  }

  DialogueOptions options_;
  ScriptedStt stt_;
  ScriptedLlm llm_;
  ScriptedTts tts_;
  std::unique_ptr<stores::ConversationStore> store_;
  std::unique_ptr<tools::ToolRunner> runner_;
  std::unique_ptr<tools::ToolAgent> agent_;
  std::unique_ptr<ConversationService> service_;
};

TEST_F(ToolTurns, AToolAnswersWithoutTheModel) {
  const auto turn = say("What time is it?", true);
  ASSERT_TRUE(turn) << turn.error().message;
  EXPECT_EQ(turn->answer, "It is ten past three.");
  EXPECT_EQ(turn->tools, (std::vector<std::string>{"time"}));
  EXPECT_FALSE(turn->audio.samples.empty());
  EXPECT_GE(turn->timings.first_token_ms, 0);
  EXPECT_TRUE(llm_.requests.empty());
  const auto kept = store_->recent("ann", 10);
  ASSERT_EQ(kept->size(), 2U);
  EXPECT_EQ((*kept)[1].content, "It is ten past three.");
  EXPECT_EQ(Json::parse((*kept)[1].metadata)["tools"], Json::array({"time"}));
}

TEST_F(ToolTurns, TalkIsAnsweredAsBefore) {
  const auto turn = say("Is it late, do you think?");
  ASSERT_TRUE(turn);
  EXPECT_EQ(turn->answer, "It is noon. Time for lunch!");
  EXPECT_TRUE(turn->tools.empty());
}

TEST_F(ToolTurns, WhatAToolFoundIsPutIntoWordsByTheModel) {
  tools::Tool facts;
  facts.name = "recipes";
  facts.description = "Finds recipes.";
  facts.parameters = {{"type", "object"}};
  facts.effect = tools::Effect::kReads;
  facts.call = [](const Json&, const tools::ToolContext&) -> Result<tools::ToolResult> {
    return tools::ToolResult{"", Json{{"dish", "soup"}}};
  };
  ASSERT_TRUE(registry_.replace("other", {std::move(facts)}).empty());
  llm_.pieces = {R"({"call":"other.recipes","given":{}})"};
  const auto turn = say("Which recipes are there?");
  ASSERT_TRUE(turn);
  ASSERT_EQ(llm_.requests.size(), 2U);
  EXPECT_NE(llm_.requests[1].messages.back().content.find("soup"), std::string::npos);
  EXPECT_TRUE(llm_.requests[1].messages.back().content.starts_with("Which recipes are there?"));
  EXPECT_EQ(turn->tools, (std::vector<std::string>{"other.recipes"}));
  EXPECT_EQ((*store_->recent("ann", 10))[0].content, "Which recipes are there?") << "only what was said is kept";
}

TEST_F(ToolTurns, AClientThatLeavesIsNotAnErrorOfTheTool) {
  TurnObserver observer;
  observer.on_text = [](std::string_view) { return false; };
  EXPECT_EQ(say("What time is it?", false, observer).error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace morgan::dialogue
