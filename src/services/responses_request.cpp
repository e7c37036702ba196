#include "services/responses_request.h"

#include "services/flat_tools.h"
#include "services/realtime_fields.h"

#include <algorithm>
#include <string>

namespace morgan::services {

namespace {

using engines::ChatMessage;

constexpr std::size_t kMostItems = 10'000;
constexpr int kUnknownContext = 4'096;
constexpr long long kMostTokens = 1'000'000'000;

/// One part of a message, or of what a function returned.
Result<std::string> part_text(const RealtimeFields& part) {
  MORGAN_TRY(const std::string type, part.required_text("type"));
  if (type == "input_text" || type == "output_text" || type == "text" || type == "summary_text")
    return part.required_text("text");
  if (type == "refusal") return part.required_text("refusal");
  if (type == "input_image") return part.invalid("type", "the language model here sees no images");
  if (type == "input_audio") {
    return part.invalid("type",
                        "the language model here hears no audio; /v1/audio/transcriptions writes down what is said");
  }
  return part.invalid("type", "parts of type '" + type + "' are not read here; send input_text");
}

/// A text, or a list of parts that are joined.
Result<std::string> joined_text(const RealtimeFields& fields, std::string_view name) {
  if (!fields.has(name) || fields.is_null(name)) return fields.missing(name);
  const Json& value = fields[name];
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return fields.wrong_type(name, "a string or a list of parts");
  std::string text;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::string place = std::string(name) + "[" + std::to_string(i) + "]";
    if (!value[i].is_object()) return fields.wrong_type(place, "an object");
    MORGAN_TRY(const std::string part, part_text(RealtimeFields(value[i], fields.path(place))));
    text += part;
  }
  return text;
}

Result<void> add_message(const RealtimeFields& item, std::vector<ChatMessage>& messages) {
  MORGAN_TRY(const auto role, item.word("role", {"user", "assistant", "system", "developer"}));
  if (!role) return item.missing("role");
  MORGAN_TRY(std::string content, joined_text(item, "content"));
  // Templates know no developer.
  messages.push_back({*role == "developer" ? "system" : *role, std::move(content)});
  return {};
}

Result<void> add_call(const RealtimeFields& item, std::vector<ChatMessage>& messages) {
  engines::ToolCall call;
  MORGAN_TRY(call.id, item.required_text("call_id"));
  MORGAN_TRY(call.name, item.required_text("name"));
  MORGAN_TRY(call.arguments, item.required_text("arguments"));
  // What the model says and calls at once is one message of a chat.
  if (messages.empty() || messages.back().role != "assistant") messages.push_back({"assistant", ""});
  messages.back().tool_calls.push_back(std::move(call));
  return {};
}

Result<void> add_call_output(const RealtimeFields& item, std::vector<ChatMessage>& messages) {
  ChatMessage message{"tool", ""};
  MORGAN_TRY(message.tool_call_id, item.required_text("call_id"));
  MORGAN_TRY(message.content, joined_text(item, "output"));
  const bool asked = std::any_of(messages.begin(), messages.end(), [&message](const ChatMessage& earlier) {
    return std::any_of(earlier.tool_calls.begin(), earlier.tool_calls.end(),
                       [&message](const engines::ToolCall& call) { return call.id == message.tool_call_id; });
  });
  if (!asked) return item.invalid("call_id", "no function_call with this call_id stands before it");
  messages.push_back(std::move(message));
  return {};
}

Result<void> add_item(const RealtimeFields& item, std::vector<ChatMessage>& messages) {
  MORGAN_TRY(const auto named, item.text("type"));
  const std::string type = named.value_or("message");
  if (type == "message") return add_message(item, messages);
  if (type == "function_call") return add_call(item, messages);
  if (type == "function_call_output") return add_call_output(item, messages);
  if (type == "reasoning") return {};  // the model's own affair, and no part of a chat
  if (type == "item_reference") {
    return item.invalid("type", "responses are not stored, so there is nothing to refer to; send the item itself");
  }
  return item.invalid("type", "items of type '" + type + "' are not read here");
}

Result<void> read_input(const RealtimeFields& fields, const Json& body, std::vector<ChatMessage>& messages) {
  const auto input = body.find("input");
  if (input == body.end() || input->is_null()) return fields.missing("input");
  if (input->is_string()) {
    if (input->get_ref<const std::string&>().empty()) return fields.invalid("input", "field 'input' is empty");
    messages.push_back({"user", input->get<std::string>()});
    return {};
  }
  if (!input->is_array()) return fields.wrong_type("input", "a string or a list of items");
  if (input->empty()) return fields.invalid("input", "field 'input' is an empty list");
  if (input->size() > kMostItems) return fields.invalid("input", "field 'input' has more than 10000 items");
  for (std::size_t i = 0; i < input->size(); ++i) {
    const std::string place = "input[" + std::to_string(i) + "]";
    if (!(*input)[i].is_object()) return fields.wrong_type(place, "an object");
    MORGAN_CHECK_OK(add_item(RealtimeFields((*input)[i], place), messages));
  }
  return {};
}

Result<void> read_format(const RealtimeFields& fields, ResponsesRequest& request) {
  MORGAN_TRY(const Json* text, fields.object("text"));
  if (text == nullptr) return {};
  const RealtimeFields inside(*text, "text");
  MORGAN_TRY(const Json* format, inside.object("format"));
  if (format == nullptr) return {};
  const RealtimeFields wanted(*format, "text.format");
  MORGAN_TRY(const auto type, wanted.word("type", {"text", "json_object", "json_schema"}));
  if (!type) return wanted.missing("type");
  if (*type == "json_object") request.chat.json_schema = R"({"type":"object"})";
  if (*type == "json_schema") {
    MORGAN_TRY(const Json* schema, wanted.object("schema"));
    if (schema == nullptr) return wanted.missing("schema");
    request.chat.json_schema = dump_json(*schema);
  }
  request.text = *text;
  return {};
}

/// What OpenAI keeps or runs on its side.
Result<void> refuse_what_is_stored(const RealtimeFields& fields) {
  for (const char* const name : {"previous_response_id", "conversation", "prompt"}) {
    if (fields.has(name) && !fields.is_null(name)) {
      return fields.invalid(name,
                            std::string("field '") + name +
                                "' refers to what is stored at OpenAI; nothing is stored here: send the whole input");
    }
  }
  MORGAN_TRY(const auto background, fields.boolean("background"));
  if (background.value_or(false))
    return fields.invalid("background", "a response cannot be made in the background here");
  return {};
}

Result<void> read_sampling(const RealtimeFields& fields, int context_tokens, ResponsesRequest& request) {
  const int most = context_tokens > 0 ? context_tokens : kUnknownContext;
  MORGAN_TRY(request.max_output_tokens, fields.integer("max_output_tokens", 1, kMostTokens));
  request.chat.max_tokens = static_cast<int>(std::min<long long>(request.max_output_tokens.value_or(most), most));
  MORGAN_TRY(const auto temperature, fields.number("temperature", 0, 2));
  request.chat.temperature = temperature.value_or(1.0);  // OpenAI's default
  MORGAN_TRY(request.chat.top_p, fields.number("top_p", 0, 1));
  MORGAN_TRY(const auto truncation, fields.word("truncation", {"auto", "disabled"}));
  request.truncation = truncation.value_or(request.truncation);
  return {};
}

}  // namespace

Result<ResponsesRequest> read_responses_request(const Json& body, int context_tokens) {
  const RealtimeFields fields(body, "");
  MORGAN_CHECK_OK(refuse_what_is_stored(fields));
  ResponsesRequest request;
  MORGAN_TRY(request.instructions, fields.text("instructions"));
  if (request.instructions) request.chat.messages.push_back({"system", *request.instructions});
  MORGAN_CHECK_OK(read_input(fields, body, request.chat.messages));
  MORGAN_CHECK_OK(read_flat_tools(fields, request.tools, request.tool_choice));
  if (request.tools.empty() && request.tool_choice == "required")
    return fields.invalid("tool_choice", "field 'tool_choice' is required, but there are no tools");
  if (!request.tools.empty() && request.tool_choice != "none") {
    request.chat.tools = chat_tools(request.tools);
    request.chat.tool_choice = chat_tool_choice(request.tool_choice);
  }
  MORGAN_CHECK_OK(read_format(fields, request));
  MORGAN_CHECK_OK(read_sampling(fields, context_tokens, request));
  MORGAN_TRY(const auto model, fields.text("model"));
  request.chat.model = model.value_or("");
  MORGAN_TRY(const auto stream, fields.boolean("stream"));
  request.stream = stream.value_or(false);
  MORGAN_TRY(const auto parallel, fields.boolean("parallel_tool_calls"));
  request.parallel_tool_calls = parallel.value_or(true);
  MORGAN_TRY(const Json* metadata, fields.object("metadata"));
  if (metadata != nullptr) request.metadata = *metadata;
  MORGAN_TRY(const auto user, fields.text("user"));
  if (user) request.user = *user;
  return request;
}

}  // namespace morgan::services
