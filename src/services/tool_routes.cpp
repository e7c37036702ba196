#include "services/tool_routes.h"

#include "base/time_text.h"
#include "services/fields.h"
#include "services/json_format.h"
#include "tools/builtin_tools.h"
#include "tools/local_time.h"
#include "tools/time_phrases.h"

#include <cmath>
#include <map>

namespace morgan::services {

namespace {

using net::Method;

constexpr std::size_t kMostTextChars = 2'000;

Result<net::Response> list_tools(const net::Request& request, const ToolServices& services) {
  MORGAN_TRY(const Fields fields, Fields::read(request));
  MORGAN_TRY(const std::string user_id, read_user_id(request.caller.get(), fields));
  OrderedJson all = OrderedJson::array();
  for (const tools::ToolPointer& entry : services.agent->runner().tools_for(user_id)) {
    const tools::Tool& tool = entry->tool;
    all.push_back(OrderedJson{{"name", tool.name},
                              {"description", tool.description},
                              {"parameters", OrderedJson(tool.parameters)},
                              {"effect", to_string(tool.effect)},
                              {"permission", to_string(services.agent->runner().permission(user_id, tool))}});
  }
  const std::size_t count = all.size();
  return json_response(OrderedJson{{"tools", std::move(all)}, {"count", count}, {"user_id", user_id}});
}

Result<net::Response> call_tool(const net::Request& request, const ToolServices& services) {
  MORGAN_TRY(const Fields fields, Fields::read(request));
  MORGAN_TRY(const std::string user_id, read_user_id(request.caller.get(), fields));
  MORGAN_TRY(const auto arguments, fields.object("arguments"));
  MORGAN_TRY(const bool confirm, fields.boolean_or("confirm", false));
  const tools::ToolCall call{request.params.at("name"), arguments.value_or(Json::object())};
  MORGAN_TRY(const tools::ToolResult result,
             services.agent->runner().run(call, user_id, confirm ? tools::Confirmed::kYes : tools::Confirmed::kNo,
                                          request.stop));
  return json_response(OrderedJson{
      {"success", true}, {"tool", call.tool}, {"spoken", result.spoken}, {"data", OrderedJson(result.data)}});
}

/// What a request would call; nothing is called.
Result<net::Response> plan_tools(const net::Request& request, const ToolServices& services) {
  MORGAN_TRY(const Fields fields, Fields::read(request));
  MORGAN_TRY(const std::string user_id, read_user_id(request.caller.get(), fields));
  MORGAN_TRY(const std::string text, fields.required_text("text", kMostTextChars));
  MORGAN_TRY(const auto at, fields.text("at"));
  tools::WallTime when = services.agent->runner().now();
  if (at) {
    const auto moment = tools::read_moment(*at, tools::local_time(when, services.zone));
    if (!moment) return field_error("at", "field 'at' must be a local time such as 2026-03-11T15:10:00");
    when = tools::time_of(*moment, when, services.zone);
  }
  MORGAN_TRY(const tools::Rehearsal rehearsal, services.agent->rehearse(user_id, text, when, request.stop));
  OrderedJson all = OrderedJson::array();
  for (const tools::ToolCall& call : rehearsal.calls)
    all.push_back(OrderedJson{{"tool", call.tool}, {"arguments", OrderedJson(call.arguments)}});
  const char* by = "none";
  if (rehearsal.kind == tools::ToolPlan::Kind::kCalls) by = "rules";
  if (rehearsal.kind == tools::ToolPlan::Kind::kMaybe) by = "model";
  return json_response(OrderedJson{{"text", text}, {"decided_by", by}, {"calls", std::move(all)}});
}

OrderedJson timer_json(const tools::Timer& timer, tools::WallTime now) {
  const double left = std::chrono::duration<double>(timer.due - now).count();
  return OrderedJson{{"id", timer.id},
                     {"kind", to_string(timer.kind)},
                     {"label", timer.label},
                     {"due_at", iso8601(timer.due)},
                     {"seconds_left", std::max(0.0, rounded(left))},
                     {"state", timer.rung ? "ringing" : "pending"}};
}

Result<net::Response> list_timers(const net::Request& request, const ToolServices& services) {
  MORGAN_TRY(const Fields fields, Fields::read(request));
  MORGAN_TRY(const std::string user_id, read_user_id(request.caller.get(), fields));
  OrderedJson all = OrderedJson::array();
  for (const tools::Timer& timer : services.timers->list(user_id))
    all.push_back(timer_json(timer, services.timers->now()));
  const std::size_t count = all.size();
  return json_response(OrderedJson{{"timers", std::move(all)}, {"count", count}, {"user_id", user_id}});
}

Result<net::Response> cancel_timer(const net::Request& request, const ToolServices& services) {
  MORGAN_TRY(const Fields fields, Fields::read(request));
  MORGAN_TRY(const std::string user_id, read_user_id(request.caller.get(), fields));
  MORGAN_TRY(const tools::Timer timer, services.timers->cancel(user_id, request.params.at("id")));
  return json_response(
      OrderedJson{{"success", true}, {"message", "The timer was cancelled"}, {"user_id", timer.user_id}});
}

Result<net::Response> list_notes(const net::Request& request, const ToolServices& services) {
  MORGAN_TRY(const Fields fields, Fields::read(request));
  MORGAN_TRY(const std::string user_id, read_user_id(request.caller.get(), fields));
  MORGAN_TRY(const auto items, services.items->list("note", user_id));
  OrderedJson all = OrderedJson::array();
  for (const stores::StoredItem& item : items)
    all.push_back(OrderedJson{{"id", item.id}, {"text", tools::kept_text(item)}, {"created_at", item.created_at}});
  const std::size_t count = all.size();
  return json_response(OrderedJson{{"notes", std::move(all)}, {"count", count}, {"user_id", user_id}});
}

Result<net::Response> show_lists(const net::Request& request, const ToolServices& services) {
  MORGAN_TRY(const Fields fields, Fields::read(request));
  MORGAN_TRY(const std::string user_id, read_user_id(request.caller.get(), fields));
  MORGAN_TRY(const auto items, services.items->list("list", user_id));
  std::map<std::string, OrderedJson> lists;
  for (const stores::StoredItem& item : items)
    lists.try_emplace(tools::kept_text(item, "list"), OrderedJson::array())
        .first->second.push_back(tools::kept_text(item));
  OrderedJson all = OrderedJson::array();
  for (auto& [name, entries] : lists)
    all.push_back(OrderedJson{{"name", name}, {"items", std::move(entries)}});
  const std::size_t count = all.size();
  return json_response(OrderedJson{{"lists", std::move(all)}, {"count", count}, {"user_id", user_id}});
}

}  // namespace

void add_tool_routes(ApiRoutes& routes, const ToolServices& services) {
  const std::vector<ParamDoc> user{{"user_id", "string", "whose; \"default\" when absent"}};
  const auto with = [services](auto handler) {
    return [services, handler](const net::Request& request) { return handler(request, services); };
  };
  routes.add(Method::kGet, "/api/tools",
             {.tag = "tools", .summary = "Tools that a user may use", .json_answer = "ToolList", .query = user},
             with(list_tools));
  routes.add(Method::kPost, "/api/tools",
             {.tag = "tools",
              .summary = "Which tools a request would call; none is called",
              .json_body = "ToolPlanRequest",
              .json_answer = "ToolPlan"},
             with(plan_tools));
  routes.add(Method::kPost, "/api/tools/{name}",
             {.tag = "tools",
              .summary = "Call a tool",
              .description = "A tool that acts on the world answers 409 CONFIRMATION_REQUIRED without `confirm: true`, "
                             "unless a rule allows it.",
              .json_body = "ToolCallRequest",
              .json_answer = "ToolCallAnswer"},
             with(call_tool));
  routes.add(
      Method::kGet, "/api/timers",
      {.tag = "tools", .summary = "A user's timers, alarms and reminders", .json_answer = "TimerList", .query = user},
      with(list_timers));
  routes.add(Method::kDelete, "/api/timers/{id}",
             {.tag = "tools", .summary = "Cancel a timer or reminder", .json_answer = "Done", .query = user},
             with(cancel_timer));
  routes.add(Method::kGet, "/api/notes",
             {.tag = "tools", .summary = "A user's notes", .json_answer = "NoteList", .query = user}, with(list_notes));
  routes.add(Method::kGet, "/api/lists",
             {.tag = "tools", .summary = "A user's lists", .json_answer = "Lists", .query = user}, with(show_lists));
}

}  // namespace morgan::services
