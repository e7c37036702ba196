#include "services/wyoming/handle_request.h"

#include "base/log.h"
#include "base/strings.h"
#include "text/utf8.h"

namespace morgan::services {

namespace {

constexpr std::size_t kMaxConversationBytes = 200;

struct Question {
  std::string text;
  std::string conversation;
  Json context = Json::object();
};

Failure bad(const char* field, std::string message) {
  return fail({ErrorCode::kInvalidArgument, std::move(message), "", field});
}

Result<Question> read_question(const Json& data, const std::string& own_conversation, std::size_t max_chars) {
  Question question;
  MORGAN_TRY(auto text, json_string(data, "text"));
  if (!text) return bad("text", "text is missing");
  question.text = std::move(*text);
  if (text::count_characters(question.text) > max_chars) {
    return fail(
        {ErrorCode::kTooLarge, "the text has more than " + std::to_string(max_chars) + " characters", "", "text"});
  }
  if (const auto context = data.find("context"); context != data.end() && !context->is_null()) {
    if (!context->is_object()) return bad("context", "context must be an object");
    question.context = *context;
  }
  MORGAN_TRY(const auto id, json_string(question.context, "conversation_id"));
  question.conversation = id && !id->empty() ? *id : own_conversation;
  if (question.conversation.size() > kMaxConversationBytes) {
    return bad("conversation_id", "context.conversation_id is longer than 200 bytes");
  }
  question.context["conversation_id"] = question.conversation;
  return question;
}

}  // namespace

std::string wyoming_user(const std::string& id) {
  return "wyoming:" + id;
}

Result<void> answer_transcript(const WyomingParts& parts, const WyomingOutlet& out, const Json& data,
                               const std::string& own_conversation) {
  MORGAN_TRY(const Question question, read_question(data, own_conversation, parts.max_text_chars));
  const Json context{{"context", question.context}};
  // An assistant that heard nothing is asked nothing.
  if (trim(question.text).empty()) {
    return out.send({"not-handled", {{"text", ""}, {"context", question.context}}});
  }
  dialogue::TurnRequest turn;
  turn.user_id = wyoming_user(question.conversation);
  turn.text = question.text;
  MORGAN_CHECK_OK(out.send({"handled-start", context}));
  dialogue::TurnObserver observer;
  observer.on_text = [&out](std::string_view piece) {
    return static_cast<bool>(out.send({"handled-chunk", {{"text", std::string(piece)}}}));
  };
  const auto result = parts.dialogue->run(turn, observer, out.stop());
  if (!result) {
    log::warn("wyoming", "a question was not answered", {{"why", result.error().message}});
    MORGAN_CHECK_OK(out.send({"not-handled", {{"text", result.error().message}, {"context", question.context}}}));
    return out.send({"handled-stop"});
  }
  MORGAN_CHECK_OK(out.send({"handled", {{"text", result->answer}, {"context", question.context}}}));
  return out.send({"handled-stop"});
}

}  // namespace morgan::services
