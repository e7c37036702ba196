#include "services/flat_tools.h"

#include <string>

namespace morgan::services {

namespace {

constexpr std::size_t kMostTools = 128;

Result<void> check_tool(const RealtimeFields& tool) {
  const auto type = tool.required_text("type");
  if (!type) return fail(type.error());
  if (*type != "function") {
    return tool.invalid("type", "tools of type '" + *type + "' run at OpenAI and are not served here; send functions");
  }
  const auto name = tool.required_text("name");
  if (!name) return fail(name.error());
  if (name->empty()) return tool.invalid("name", "a tool needs a name");
  MORGAN_TRY(const Json* parameters, tool.object("parameters"));
  static_cast<void>(parameters);
  return {};
}

}  // namespace

Result<void> read_flat_tools(const RealtimeFields& fields, Json& tools, Json& tool_choice) {
  MORGAN_TRY(const Json* list, fields.list("tools"));
  if (list != nullptr) {
    if (list->size() > kMostTools) return fields.invalid("tools", "at most 128 tools are taken");
    for (std::size_t i = 0; i < list->size(); ++i) {
      const std::string place = "tools[" + std::to_string(i) + "]";
      if (!(*list)[i].is_object()) return fields.wrong_type(place, "an object");
      MORGAN_CHECK_OK(check_tool(RealtimeFields((*list)[i], fields.path(place))));
    }
    tools = *list;
  } else if (fields.is_null("tools")) {
    tools = Json::array();
  }
  if (!fields.has("tool_choice") || fields.is_null("tool_choice")) return {};
  const Json& choice = fields["tool_choice"];
  if (choice.is_string()) {
    MORGAN_TRY(const auto word, fields.word("tool_choice", {"none", "auto", "required"}));
    static_cast<void>(word);
  } else {
    MORGAN_TRY(const Json* object, fields.object("tool_choice"));
    MORGAN_TRY(const std::string name, RealtimeFields(*object, fields.path("tool_choice")).required_text("name"));
    static_cast<void>(name);
  }
  tool_choice = choice;
  return {};
}

std::string chat_tools(const Json& tools) {
  Json chat = Json::array();
  for (const Json& tool : tools) {
    Json function = Json::object();
    for (const char* const name : {"name", "description", "parameters"}) {
      if (const auto field = tool.find(name); field != tool.end() && !field->is_null()) function[name] = *field;
    }
    if (!function.contains("parameters")) function["parameters"] = {{"type", "object"}, {"properties", Json::object()}};
    chat.push_back({{"type", "function"}, {"function", std::move(function)}});
  }
  return dump_json(chat);
}

std::string chat_tool_choice(const Json& choice) {
  if (!choice.is_object()) return dump_json(choice);
  return dump_json(Json{{"type", "function"}, {"function", {{"name", choice.at("name")}}}});
}

}  // namespace morgan::services
