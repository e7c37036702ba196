// Order, names and fields of what a Realtime session says, and what of its settings is understood.
#include "services/realtime_beta.h"
#include "services/realtime_fields.h"
#include "services/realtime_items.h"
#include "services/realtime_response.h"
#include "services/realtime_secrets.h"
#include "services/realtime_settings.h"

#include "net/credentials.h"
#include "runtime/simulated_strand.h"

#include <gtest/gtest.h>

#include <memory>

namespace morgan::services {
namespace {

namespace live = dialogue::live;

Result<engines::Voice> find_voice(const std::string& name) {
  if (name == "alloy" || name == "joe") return engines::Voice{name, "en-US", "", 24'000, "", "piper"};
  return fail({ErrorCode::kNotFound, "no voice '" + name + "'", "VOICE_NOT_FOUND", "voice"});
}

RealtimeSettings settings() {
  RealtimeSettings made;
  made.model = "m";
  made.reply.voice = *find_voice("joe");
  made.reply.voice_name = "joe";
  return made;
}

Result<RealtimeSettings> merged(std::string_view json, RealtimeDialect dialect = RealtimeDialect::kGa) {
  return merge_session(settings(), *parse_json(json), dialect, find_voice);
}

class RealtimeResponseTest : public ::testing::Test {
 protected:
  RealtimeResponseTest() : items_(std::make_shared<runtime::SimulatedStrand>(), PromptLimits{}) {}

  RealtimeResponse& begin(bool speak = true, bool in_conversation = true) {
    RealtimeResponseSpec spec{settings().reply, nullptr, in_conversation ? "conv_1" : ""};
    spec.reply.speak = speak;
    response_ = std::make_unique<RealtimeResponse>([this](OrderedJson event) { events_.push_back(std::move(event)); },
                                                   in_conversation ? &items_ : nullptr, std::move(spec));
    return *response_;
  }
  std::string order() const {
    std::string text;
    for (const OrderedJson& event : events_)
      text += (text.empty() ? "" : " ") + event["type"].get<std::string>();
    return text;
  }
  const OrderedJson& last() const { return events_.back()["response"]; }

  RealtimeItems items_;
  std::vector<OrderedJson> events_;
  std::unique_ptr<RealtimeResponse> response_;
};

TEST_F(RealtimeResponseTest, ASpokenAnswerIsToldInOrder) {
  RealtimeResponse& response = begin();
  response.add_text("Hello ");
  response.add_audio("ab");
  response.add_text("you.");
  response.finish({"completed", "", {}, engines::ChatUsage{10, 4, 3}}, "Hello you.");
  EXPECT_EQ(order(),
            "response.created rate_limits.updated response.output_item.added conversation.item.added "
            "response.content_part.added response.output_audio_transcript.delta response.output_audio.delta "
            "response.output_audio_transcript.delta response.output_audio.done "
            "response.output_audio_transcript.done response.content_part.done response.output_item.done "
            "conversation.item.done response.done");
  EXPECT_EQ(events_[0]["response"]["output"], OrderedJson::array());
  EXPECT_EQ(events_[2]["item"]["content"], OrderedJson::array());
  EXPECT_EQ(events_[4]["part"], (OrderedJson{{"type", "audio"}, {"transcript", ""}}));
  EXPECT_TRUE(events_[3]["previous_item_id"].is_null());
  EXPECT_TRUE(events_[events_.size() - 2].at("previous_item_id").is_null());
  EXPECT_EQ(last()["usage"]["total_tokens"], 13);
  EXPECT_EQ(last()["output"][0]["content"][0], (OrderedJson{{"type", "output_audio"}, {"transcript", "Hello you."}}));
  EXPECT_EQ(last()["output"][0]["status"], "completed");
  EXPECT_EQ(items_.find(response.item_id())->text(), "Hello you.");
}

TEST_F(RealtimeResponseTest, OfAnInterruptedOneTheConversationKeepsWhatWasHeard) {
  RealtimeResponse& response = begin();
  response.add_text("One two three.");
  response.finish({"cancelled", "turn_detected"}, "One two");
  EXPECT_EQ(last()["status_details"], (OrderedJson{{"type", "cancelled"}, {"reason", "turn_detected"}}));
  EXPECT_EQ(last()["output"][0]["content"][0]["transcript"], "One two three.") << "as the deltas have it";
  EXPECT_EQ(last()["output"][0]["status"], "incomplete");
  EXPECT_EQ(items_.find(response.item_id())->text(), "One two");
}

TEST_F(RealtimeResponseTest, OneThatNeverBeganHasNoItem) {
  begin().finish({"failed", "", Error{ErrorCode::kUnavailable, "the model is away"}}, "");
  EXPECT_EQ(order(), "response.created rate_limits.updated response.done");
  EXPECT_EQ(last()["status_details"]["error"]["message"], "the model is away");
  EXPECT_TRUE(items_.last_id().empty());
}

TEST_F(RealtimeResponseTest, ACallFollowsTheMessageAndIsComplete) {
  RealtimeResponse& response = begin();
  response.add_text("Let me look.");
  response.add_call({"call_1", "weather", R"({"city":"Rome"})"});
  response.finish({"completed", ""}, "Let me look.");
  const std::string told = order();
  EXPECT_NE(told.find("conversation.item.done response.output_item.added conversation.item.added "
                      "response.function_call_arguments.delta response.function_call_arguments.done "
                      "response.output_item.done conversation.item.done response.done"),
            std::string::npos)
      << told;
  const OrderedJson& done = events_[events_.size() - 2];
  EXPECT_EQ(done["item"]["type"], "function_call");
  EXPECT_EQ(done["previous_item_id"], last()["output"][0]["id"]);
  const OrderedJson& call = last()["output"][1];
  EXPECT_EQ(call["call_id"], "call_1");
  EXPECT_EQ(call["arguments"], R"({"city":"Rome"})");
  EXPECT_EQ(events_.back()["response"]["output"].size(), 2U);
  const auto prompt = items_.prompt("");
  EXPECT_EQ(prompt.back().tool_calls.front().name, "weather");
}

TEST_F(RealtimeResponseTest, OutsideTheConversationNothingIsAddedToIt) {
  RealtimeResponse& response = begin(false, false);
  response.add_text("Hi.");
  response.finish({"completed", ""}, "");
  EXPECT_EQ(order(),
            "response.created rate_limits.updated response.output_item.added response.content_part.added "
            "response.output_text.delta response.output_text.done response.content_part.done "
            "response.output_item.done response.done");
  EXPECT_TRUE(last()["conversation_id"].is_null());
  EXPECT_TRUE(items_.last_id().empty());
}

TEST_F(RealtimeResponseTest, TheBetaHasItsOwnNames) {
  RealtimeResponse& response = begin();
  response.add_text("Hi.");
  response.add_audio("ab");
  response.finish({"completed", ""}, "Hi.");
  std::string told;
  for (const OrderedJson& event : events_) {
    const auto beta = beta_event(event);
    if (beta) told += (*beta)["type"].get<std::string>() + " ";
  }
  EXPECT_EQ(told,
            "response.created rate_limits.updated response.output_item.added conversation.item.created "
            "response.content_part.added response.audio_transcript.delta response.audio.delta response.audio.done "
            "response.audio_transcript.done response.content_part.done response.output_item.done response.done ");
  const OrderedJson done = (*beta_event(events_.back()))["response"];
  EXPECT_EQ(done["modalities"], OrderedJson::array({"text", "audio"}));
  EXPECT_EQ(done["output"][0]["content"][0]["type"], "audio");
  EXPECT_EQ(done["voice"], "joe");
  EXPECT_EQ(done["output_audio_format"], "pcm16");
  EXPECT_FALSE(done.contains("audio"));
}

TEST(RealtimeSettingsTest, MergesFieldByFieldAndNullClears) {
  const auto first = merged(R"({"type":"realtime","instructions":"Be kind.","audio":{"input":{"transcription":
      {"model":"whisper-1","language":"de"},"turn_detection":{"type":"server_vad","silence_duration_ms":1000}}}})");
  ASSERT_TRUE(first) << first.error().message;
  const auto second = merge_session(*first, *parse_json(R"({"audio":{"input":{"turn_detection":null}}})"),
                                    RealtimeDialect::kGa, find_voice);
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->client_takes_turns());
  EXPECT_EQ(second->reply.instructions, "Be kind.");
  EXPECT_EQ(live_config(*second).language, "de");
  const OrderedJson told = session_json(*second, "sess_1", RealtimeDialect::kGa);
  EXPECT_TRUE(told["audio"]["input"]["turn_detection"].is_null());
  EXPECT_EQ(told["audio"]["input"]["transcription"]["language"], "de");
  EXPECT_EQ(told["type"], "realtime");
}

TEST(RealtimeSettingsTest, ABadValueNamesItsPath) {
  const std::pair<const char*, const char*> bad[] = {
      {R"({"audio":{"input":{"turn_detection":{"type":"server_vad","threshold":2}}}})",
       "session.audio.input.turn_detection.threshold"},
      {R"({"audio":{"input":{"format":{"type":"audio/pcm","rate":16000}}}})", "session.audio.input.format.rate"},
      {R"({"audio":{"output":{"voice":"nobody"}}})", "session.audio.output.voice"},
      {R"({"audio":{"output":{"speed":"fast"}}})", "session.audio.output.speed"},
      {R"({"output_modalities":["smell"]})", "session.output_modalities"},
      {R"({"tools":[{"type":"mcp","server_label":"x"}]})", "session.tools[0].type"},
      {R"({"tools":[{"type":"function"}]})", "session.tools[0].name"},
      {R"({"max_output_tokens":0})", "session.max_output_tokens"},
      {R"({"instructions":7})", "session.instructions"},
      {R"({"type":"other"})", "session.type"}};
  for (const auto& [json, path] : bad) {
    const auto result = merged(json);
    ASSERT_FALSE(result) << json;
    EXPECT_EQ(result.error().param, path) << json;
  }
}

TEST(RealtimeSettingsTest, UnknownFieldsArePassedOver) {
  EXPECT_TRUE(merged(R"({"tracing":"auto","reasoning":{"effort":"low"},"parallel_tool_calls":true,"x":[1]})"));
}

TEST(RealtimeSettingsTest, TheBetasFlatFieldsAreUnderstood) {
  const auto flat = merged(R"({"modalities":["text"],"voice":"alloy","input_audio_format":"g711_ulaw",
      "output_audio_format":"g711_alaw","input_audio_transcription":{"model":"whisper-1"},"turn_detection":null,
      "temperature":0.6,"max_response_output_tokens":"inf"})",
                           RealtimeDialect::kBeta);
  ASSERT_TRUE(flat) << flat.error().message;
  EXPECT_FALSE(flat->reply.speak);
  EXPECT_EQ(wire_format(*flat).input, WireCodec::kMuLaw);
  EXPECT_EQ(wire_format(*flat).output_rate_hz, 8'000);
  const OrderedJson told = session_json(*flat, "sess_1", RealtimeDialect::kBeta);
  EXPECT_EQ(told["voice"], "alloy");
  EXPECT_EQ(told["input_audio_format"], "g711_ulaw");
  EXPECT_EQ(told["output_audio_format"], "g711_alaw");
}

TEST(RealtimeSettingsTest, TurnDetectionBecomesTheWaitsOfTheConversation) {
  const auto waits = [](const char* json) {
    const auto read = merged(std::string(R"({"audio":{"input":{"turn_detection":)") + json + "}}}");
    EXPECT_TRUE(read) << json;
    return live_config(*read).endpoint;
  };
  EXPECT_FALSE(waits(R"({"type":"server_vad"})")) << "Morgan's own";
  EXPECT_EQ(waits(R"({"type":"server_vad","silence_duration_ms":2000})")->longest, 2'000);
  EXPECT_LE(waits(R"({"type":"semantic_vad","eagerness":"high"})")->longest, 2'000);
  EXPECT_LE(waits(R"({"type":"semantic_vad","eagerness":"low"})")->longest, 8'000);
  const auto silent = merged(R"({"audio":{"input":{"turn_detection":{"type":"server_vad","create_response":false,
      "interrupt_response":false}}}})");
  EXPECT_FALSE(live_config(*silent).answer_turns);
  EXPECT_FALSE(live_config(*silent).barge_in);
}

TEST(RealtimeSettingsTest, FlatToolsBecomeThoseOfAChat) {
  const auto read = merged(R"({"tools":[{"type":"function","name":"f","description":"d"}],
      "tool_choice":{"type":"function","name":"f"}})");
  const live::ReplyStyle style = reply_style(read->reply);
  EXPECT_EQ((*parse_json(style.tools))[0]["function"]["name"], "f");
  EXPECT_EQ((*parse_json(style.tool_choice))["function"]["name"], "f");
  const auto none = merge_session(*read, *parse_json(R"({"tool_choice":"none"})"), RealtimeDialect::kGa, find_voice);
  EXPECT_TRUE(reply_style(none->reply).tools.empty());
}

RealtimeItem message(const std::string& id, const std::string& role, const std::string& text) {
  RealtimeItem item;
  item.id = id;
  item.role = role;
  item.content = {{role == "assistant" ? "output_text" : "input_text", text}};
  return item;
}

class RealtimeItemsTest : public ::testing::Test {
 protected:
  std::shared_ptr<runtime::SimulatedStrand> strand_ = std::make_shared<runtime::SimulatedStrand>();
  RealtimeItems items_{strand_, PromptLimits{}};
};

TEST_F(RealtimeItemsTest, TakePlacesAndNameTheOneBefore) {
  EXPECT_EQ(*items_.insert(message("a", "user", "1")), "");
  EXPECT_EQ(*items_.insert(message("c", "user", "3")), "a");
  EXPECT_EQ(*items_.insert(message("b", "user", "2"), "a"), "a");
  EXPECT_EQ(*items_.insert(message("z", "user", "0"), "root"), "");
  EXPECT_EQ(items_.insert(message("a", "user", "1")).error().code, ErrorCode::kConflict);
  EXPECT_EQ(items_.insert(message("d", "user", "1"), "nowhere").error().reason, "item_not_found");
  EXPECT_EQ(items_.prompt_for_last().back().content, "0\n1\n2\n3");
}

TEST_F(RealtimeItemsTest, APromptHasTheSystemFirstAndCallsWithTheirAnswers) {
  items_.set_instructions("Be brief.");
  static_cast<void>(items_.insert(message("1", "user", "Weather?")));
  RealtimeItem call;
  call.id = "2";
  call.kind = RealtimeItem::Kind::kFunctionCall;
  call.call_id = "c";
  call.name = "weather";
  call.arguments = "{}";
  static_cast<void>(items_.insert(call));
  RealtimeItem output;
  output.id = "3";
  output.kind = RealtimeItem::Kind::kFunctionOutput;
  output.call_id = "c";
  output.output = "sunny";
  static_cast<void>(items_.insert(output));
  static_cast<void>(items_.insert(message("4", "system", "Rhyme.")));
  const auto prompt = items_.prompt("And tomorrow?");
  ASSERT_EQ(prompt.size(), 5U);
  EXPECT_EQ(prompt[0], (engines::ChatMessage{"system", "Be brief.\nRhyme."}));
  EXPECT_EQ(prompt[2].tool_calls.front().id, "c");
  EXPECT_EQ(prompt[3], (engines::ChatMessage{"tool", "sunny", {}, "c"}));
  EXPECT_EQ(prompt[4], (engines::ChatMessage{"user", "And tomorrow?"}));
}

TEST_F(RealtimeItemsTest, ATurnThatGoesOnIsNotInThePromptTwice) {
  static_cast<void>(items_.insert(message("1", "user", "What is")));
  items_.set_last_turn("1");
  items_.reopen();
  EXPECT_EQ(items_.prompt("What is the time?").back().content, "What is the time?");
  EXPECT_EQ(items_.take_reopened(), "1");
  items_.reopen();
  items_.keep();
  EXPECT_EQ(items_.take_reopened(), "");
}

TEST_F(RealtimeItemsTest, TheOldestLeaveAPromptThatIsTooLong) {
  RealtimeItems small(strand_, PromptLimits{400, 100});
  small.set_instructions("Be brief.");
  for (int i = 0; i < 40; ++i)
    static_cast<void>(
        small.insert(message(std::to_string(i), i % 2 == 0 ? "user" : "assistant", "twenty bytes of text")));
  const auto prompt = small.prompt("now");
  EXPECT_LT(prompt.size(), 30U);
  EXPECT_GT(prompt.size(), 4U);
  EXPECT_EQ(prompt.front().role, "system");
  EXPECT_EQ(prompt[1].role, "user");
  EXPECT_EQ(prompt.back().content, "now");
}

TEST(RealtimeItem, WhatIsNoItemIsRefusedByPath) {
  const std::pair<const char*, const char*> bad[] = {
      {R"({})", "item.type"},
      {R"({"type":"message"})", "item.role"},
      {R"({"type":"message","role":"user"})", "item.content"},
      {R"({"type":"message","role":"user","content":[{"type":"input_image"}]})", "item.content[0].type"},
      {R"({"type":"message","role":"user","content":[{"type":"output_text","text":"x"}]})", "item.content[0].type"},
      {R"({"type":"message","role":"user","content":[{"type":"input_text"}]})", "item.content[0].text"},
      {R"({"type":"message","role":"user","content":[{"type":"input_audio","audio":"?"}]})", "item.content[0].audio"},
      {R"({"type":"function_call_output","call_id":"c"})", "item.output"},
      {R"({"type":"function_call","call_id":"c","name":"n"})", "item.arguments"}};
  for (const auto& [json, path] : bad) {
    const auto result = read_item(*parse_json(json), "item");
    ASSERT_FALSE(result) << json;
    EXPECT_EQ(result.error().param, path) << json;
  }
}

TEST(RealtimeItem, TheBetasContentIsGas) {
  const auto item = read_item(
      *parse_json(R"({"type":"message","role":"assistant","content":[{"type":"text","text":"Hi"}]})"), "item");
  ASSERT_TRUE(item);
  EXPECT_EQ(item->content.front().type, "output_text");
}

TEST(RealtimeSecretsTest, OpenWhatTheyWereMadeForUntilTheyEnd) {
  RealtimeSecrets secrets;
  const RealtimeSecrets::Clock::time_point begin{};
  const auto maker = std::make_shared<const net::Caller>(net::Caller{"k1", "anna"});
  const std::string secret = secrets.add(settings(), maker, std::chrono::seconds(60), begin);
  EXPECT_TRUE(net::is_client_secret(secret));
  EXPECT_EQ(secrets.find(secret, begin + std::chrono::seconds(59))->model, "m");
  EXPECT_FALSE(secrets.find(secret, begin + std::chrono::seconds(60)));
  EXPECT_FALSE(secrets.find("ek_other", begin));
  EXPECT_EQ(secrets.maker_of(secret, begin), maker);
  EXPECT_EQ(secrets.maker_of(secret, begin + std::chrono::seconds(60)), nullptr);
  EXPECT_EQ(secrets.maker_of("ek_other", begin), nullptr);
}

}  // namespace
}  // namespace morgan::services
