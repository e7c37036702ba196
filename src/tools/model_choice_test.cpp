// The choice around the model: what it is shown, what it may answer, what is made of it. The model is an actor here;
// how well the real one chooses is measured by bench/tool_calls.py.
#include "tools/model_choice.h"

#include "tools/scripted_llm.h"
#include "tools/tool_cues.h"
#include "tools/tool_test_world.h"

namespace morgan::tools {
namespace {

class ModelChoiceTest : public ToolWorld {
 protected:
  std::string chosen(const std::string& said, const std::string& answer) {
    ToolRunner runner(registry_, {}, metrics_, [this] { return wall_; });
    const ModelChoice choice(runner, llm_);
    llm_.answer = answer;
    const auto call = choice.choose("ann", said, hinted_tools(said, runner.tools_for("ann")), {});
    if (!call) return "error: " + call.error().message;
    return *call ? (*call)->tool + " " + dump_json((*call)->arguments) : "none";
  }
  ScriptedChoice llm_;
};

TEST_F(ModelChoiceTest, ThePromptBeginsAlikeForEveryRequest) {
  chosen("Set some timer.", "{}");
  const auto first = llm_.requests.back().messages;
  chosen("Put it on a list.", "{}");
  const auto second = llm_.requests.back().messages;
  ASSERT_EQ(first.size(), second.size());
  EXPECT_TRUE(std::equal(first.begin(), first.end() - 1, second.begin())) << "so that the model's cache hits";
  EXPECT_EQ(second.back().content, "Put it on a list.");
  EXPECT_EQ(llm_.requests.back().temperature, 0);
}

TEST_F(ModelChoiceTest, OnlyHintedToolsMayBeAnswered) {
  chosen("Put it on a list.", "{}");
  const std::string schema = llm_.requests.back().json_schema;
  EXPECT_NE(schema.find("list_add"), std::string::npos);
  EXPECT_NE(schema.find("none"), std::string::npos);
  EXPECT_EQ(schema.find("timer_set"), std::string::npos);
  EXPECT_EQ(schema.find("maxLength"), std::string::npos) << "a grammar of repetitions";
  EXPECT_EQ(chosen("Put it on a list.", R"({"call":"timer_set","given":{"seconds":5}})"), "none");
}

TEST_F(ModelChoiceTest, WhatItAnswersIsRead) {
  const std::string said = "Put rice on the list.";
  EXPECT_EQ(chosen(said, R"({"call":"list_add","given":{"items":["rice"],"list":"shopping"}})"),
            R"(list_add {"items":["rice"]})")
      << "nobody said shopping: the tool has a default";
  EXPECT_EQ(chosen(said, R"({"call":"none"})"), "none");
  for (const char* const bad : {"", "no JSON", "[]", "{}", R"({"call":7})", R"({"call":"list_add","given":[]})",
                                R"({"call":"list_add")", R"({"call":"system","given":{"command":"rm"}})"})
    EXPECT_EQ(chosen(said, bad), "none") << bad;
  llm_.error = Error{ErrorCode::kOverloaded, "busy"};
  EXPECT_EQ(chosen(said, "{}"), "error: busy");
}

TEST_F(ModelChoiceTest, WhatWasNotSaidIsNotCalledWith) {
  const Json schema = Json::parse(R"({"type":"object","required":["device"],
    "properties":{"device":{"type":"string"},"room":{"type":"string"},"state":{"enum":["on","off"]}}})");
  Json arguments{{"device", "kitchen lights"}, {"room", "cellar"}, {"state", "on"}};
  EXPECT_TRUE(keep_what_was_said("Let there be light in the kitchen", schema, arguments));
  EXPECT_EQ(dump_json(arguments), R"({"device":"kitchen lights","state":"on"})");
  Json made_up{{"device", "garage door"}, {"state", "off"}};
  EXPECT_FALSE(keep_what_was_said("Let there be light in the kitchen", schema, made_up));
}

TEST_F(ModelChoiceTest, OnlyAHintAsksTheModel) {
  ToolRunner runner(registry_, {}, metrics_, [this] { return wall_; });
  const auto hinted = [&](const std::string& said) {
    std::string names;
    for (const ToolPointer& tool : hinted_tools(said, runner.tools_for("ann")))
      names += tool->tool.name + " ";
    return names;
  };
  EXPECT_EQ(hinted("Why is the sky blue?"), "");
  EXPECT_EQ(hinted("Hello there"), "");
  EXPECT_EQ(hinted("The eggs need a timer"), "timer_cancel timer_list timer_set ");
  EXPECT_EQ(hinted("sometimes listless"), "") << "whole words only";
}

TEST(ToolCues, OfAForeignToolAreItsLongerWords) {
  Tool tool;
  tool.name = "github.list_issues";
  tool.description = "Returns the open issues of a repository.";
  const auto cues = derived_cues(tool);
  EXPECT_EQ(cues, (std::vector<std::string>{"list", "issue", "open", "issue", "repository"}));
}

}  // namespace
}  // namespace morgan::tools
