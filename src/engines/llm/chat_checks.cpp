#include "engines/llm/chat_checks.h"

#include <algorithm>
#include <string>

namespace morgan::engines {

namespace {

constexpr std::string_view kMissing = "missing_required_parameter";

Failure refuse(std::string_view param, std::string message, std::string_view reason = {}) {
  return fail(Error{ErrorCode::kInvalidArgument, std::move(message), std::string(reason), std::string(param)});
}

bool is_given(const Json& client, const char* name) {
  const auto field = client.find(name);
  return field != client.end() && !field->is_null();
}

/// Why a part of this type is not read.
std::string why_not(const std::string& type) {
  if (type == "image_url") return "this model has no eyes: send text";
  if (type == "input_audio")
    return "this model has no ears: send text; /v1/audio/transcriptions writes down what is said";
  if (type == "file") return "this model opens no files: send the text that is in it";
  return "parts of type '" + type + "' are not read here: send text";
}

Result<void> take_part(Json& part, const std::string& place, bool of_assistant) {
  if (!part.is_object()) return refuse(place, "each part of a message must be an object");
  const auto type = part.find("type");
  if (type == part.end()) return refuse(place + ".type", "a part of a message needs a type", kMissing);
  if (!type->is_string()) return refuse(place + ".type", "the type of a part must be a string");
  const std::string name = type->get<std::string>();
  const bool refusal = name == "refusal" && of_assistant;
  if (name != "text" && !refusal) return refuse(place + ".type", why_not(name));
  const auto text = part.find(name);
  if (text == part.end()) return refuse(place + "." + name, "a part of type '" + name + "' needs it", kMissing);
  if (!text->is_string()) return refuse(place + "." + name, "the " + name + " of a part must be a string");
  if (refusal) part = Json{{"type", "text"}, {"text", text->get<std::string>()}};
  return {};
}

Result<void> take_message(Json& message, const std::string& place) {
  if (!message.is_object()) return refuse("messages", "each of messages must be an object");
  const Json role = message.value("role", Json());
  if (role == "tool") {
    const Json id = message.value("tool_call_id", Json());
    if (!id.is_string() || id.get_ref<const std::string&>().empty())
      return refuse(place + ".tool_call_id", "a message of the role tool needs the id of the call that it answers",
                    kMissing);
  }
  // What an assistant declined to say stands beside its content, too.
  if (role == "assistant" && message.value("content", Json()).is_null() && message.value("refusal", Json()).is_string())
    message["content"] = message["refusal"];
  const auto content = message.find("content");
  if (content == message.end() || !content->is_array()) return {};
  for (std::size_t i = 0; i < content->size(); ++i)
    MORGAN_CHECK_OK(take_part((*content)[i], place + ".content[" + std::to_string(i) + "]", role == "assistant"));
  return {};
}

Result<void> check_response_format(const Json& client) {
  const auto format = client.find("response_format");
  if (format == client.end() || !format->is_object()) return {};
  if (format->value("type", Json()) != "json_schema") return {};
  const auto described = format->find("json_schema");
  if (described == format->end() || !described->is_object())
    return refuse("response_format.json_schema", "response_format of type json_schema needs a json_schema", kMissing);
  const auto schema = described->find("schema");
  if (schema == described->end() || schema->is_null())
    return refuse("response_format.json_schema.schema", "response_format of type json_schema needs a schema", kMissing);
  if (!schema->is_object()) return refuse("response_format.json_schema.schema", "a schema must be an object");
  return {};
}

Result<void> check_modalities(const Json& client) {
  if (!is_given(client, "modalities")) return {};
  const Json& modalities = client["modalities"];
  if (!modalities.is_array()) return refuse("modalities", "modalities must be a list");
  if (std::find(modalities.begin(), modalities.end(), "audio") == modalities.end()) return {};
  return refuse("modalities",
                "this model writes and does not speak: send its text to /v1/audio/speech, "
                "or talk to /v1/realtime");
}

Result<void> check_tools(const Json& client) {
  for (const char* const older : {"functions", "function_call"}) {
    if (is_given(client, older) && !client[older].empty())
      return refuse(older, std::string(older) + " is the older form and not read here: send tools and tool_choice");
  }
  if (!is_given(client, "tool_choice") || client["tool_choice"] != "required") return {};
  if (is_given(client, "tools") && !client["tools"].empty()) return {};
  return refuse("tool_choice", "tool_choice is required, but there are no tools");
}

/// Takes kCallPrefix off the text at `name`, if it is one.
void shorten_id(Json& object, const char* name) {
  const auto id = object.find(name);
  if (id == object.end() || !id->is_string()) return;
  const auto& text = id->get_ref<const std::string&>();
  if (text.size() > kCallPrefix.size() && text.starts_with(kCallPrefix)) *id = text.substr(kCallPrefix.size());
}

}  // namespace

Result<void> check_chat(Json& client) {
  Json& messages = client["messages"];
  for (std::size_t i = 0; i < messages.size(); ++i)
    MORGAN_CHECK_OK(take_message(messages[i], "messages[" + std::to_string(i) + "]"));
  use_own_call_ids(messages);
  if (is_given(client, "stream_options") && client.value("stream", Json()) != true)
    return refuse("stream_options", "stream_options are for a stream: send stream: true, too");
  MORGAN_CHECK_OK(check_modalities(client));
  MORGAN_CHECK_OK(check_tools(client));
  return check_response_format(client);
}

void use_own_call_ids(Json& messages) {
  for (Json& message : messages) {
    if (!message.is_object()) continue;
    shorten_id(message, "tool_call_id");
    const auto calls = message.find("tool_calls");
    if (calls == message.end() || !calls->is_array()) continue;
    for (Json& call : *calls) {
      if (call.is_object()) shorten_id(call, "id");
    }
  }
}

}  // namespace morgan::engines
