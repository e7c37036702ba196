#include "engines/llm/chat_messages.h"

namespace morgan::engines {

namespace {

constexpr long long kMostToolCalls = 64;  // in one answer

}  // namespace

Json messages_json(const std::vector<ChatMessage>& messages) {
  Json array = Json::array();
  for (const ChatMessage& message : messages) {
    Json& written = array.emplace_back(Json{{"role", message.role}, {"content", message.content}});
    if (!message.tool_call_id.empty()) written["tool_call_id"] = message.tool_call_id;
    for (const ToolCall& call : message.tool_calls) {
      written["tool_calls"].push_back(
          {{"id", call.id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
    }
  }
  return array;
}

Result<void> add_tools(const ChatRequest& request, Json& body) {
  if (!request.json_schema.empty()) {
    MORGAN_TRY(Json schema, parse_json_object(request.json_schema));
    body["response_format"] = {{"type", "json_schema"},
                               {"json_schema", {{"name", "answer"}, {"schema", std::move(schema)}}}};
  }
  if (request.tools.empty()) return {};
  MORGAN_TRY(Json tools, parse_json(request.tools));
  if (!tools.is_array()) return fail({ErrorCode::kInvalidArgument, "tools must be a list", "", "tools"});
  if (tools.empty()) return {};
  body["tools"] = std::move(tools);
  if (request.tool_choice.empty()) return {};
  MORGAN_TRY(body["tool_choice"], parse_json(request.tool_choice));
  return {};
}

void take_tool_calls(const Json& part, std::vector<ToolCall>& calls) {
  if (!part.is_object()) return;
  const auto list = part.find("tool_calls");
  if (list == part.end() || !list->is_array()) return;
  for (const Json& piece : *list) {
    if (!piece.is_object()) continue;
    // A piece without an index is whole.
    const auto index = json_integer(piece, "index");
    const long long number = index && *index ? **index : static_cast<long long>(calls.size());
    if (number < 0 || number >= kMostToolCalls) continue;
    const auto place = static_cast<std::size_t>(number);
    if (calls.size() <= place) calls.resize(place + 1);
    ToolCall& call = calls[place];
    const auto add = [](std::string& to, const Json& from, std::string_view name) {
      if (const auto text = json_string(from, name); text && *text) to += **text;
    };
    if (call.id.empty()) add(call.id, piece, "id");
    const auto function = piece.find("function");
    if (function == piece.end() || !function->is_object()) continue;
    add(call.name, *function, "name");
    add(call.arguments, *function, "arguments");
  }
}

}  // namespace morgan::engines
