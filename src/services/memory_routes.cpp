#include "services/memory_routes.h"

#include "base/time_text.h"
#include "services/fields.h"
#include "services/json_format.h"

#include <utility>

namespace morgan::services {

namespace {

using dialogue::UserMemories;
using net::Method;

constexpr double kMostPage = 1000;
constexpr double kMostFound = 50;
constexpr double kMostOffset = 1e6;
constexpr long long kDefaultPage = 50;
constexpr long long kDefaultFound = 5;
constexpr long long kExportPage = 1000;

OrderedJson memory_json(const stores::StoredMemory& memory) {
  return OrderedJson{{"id", memory.memory_id},          {"text", memory.content},  {"category", memory.category},
                     {"importance", memory.importance}, {"source", memory.source}, {"created_at", memory.created_at},
                     {"updated_at", memory.updated_at}};
}

Result<std::string> named_user(const net::Request& request) {
  return user_of(request.caller.get(), request.params.at("user_id"));
}

Result<net::Response> search(const std::string& user_id, const Fields& fields, UserMemories& memories,
                             const StopToken& stop) {
  MORGAN_TRY(const std::string query, fields.required_text("query", UserMemories::kMostChars));
  MORGAN_TRY(const auto limit, fields.integer("limit", {1, kMostFound}));
  MORGAN_TRY(const auto found,
             memories.recall(user_id, query, static_cast<std::size_t>(limit.value_or(kDefaultFound)), stop));
  OrderedJson list = OrderedJson::array();
  for (const stores::FoundMemory& each : found) {
    OrderedJson memory = memory_json(each.memory);
    memory["score"] = rounded(each.score);
    list.push_back(std::move(memory));
  }
  return json_response(OrderedJson{{"user_id", user_id}, {"memories", std::move(list)}});
}

Result<net::Response> list(const net::Request& request, UserMemories& memories) {
  MORGAN_TRY(const std::string user_id, named_user(request));
  MORGAN_TRY(const Fields fields, Fields::read(request));
  if (fields.has("query")) return search(user_id, fields, memories, request.stop);
  MORGAN_TRY(const auto limit, fields.integer("limit", {1, kMostPage}));
  MORGAN_TRY(const auto offset, fields.integer("offset", {0, kMostOffset}));
  MORGAN_TRY(const stores::MemoryPage page,
             memories.store().page(user_id, limit.value_or(kDefaultPage), offset.value_or(0)));
  OrderedJson list = OrderedJson::array();
  for (const stores::StoredMemory& memory : page.memories)
    list.push_back(memory_json(memory));
  return json_response(OrderedJson{{"user_id", user_id}, {"memories", std::move(list)}, {"total", page.total}});
}

Result<net::Response> add(const net::Request& request, UserMemories& memories) {
  MORGAN_TRY(const Fields fields, Fields::read(request));
  MORGAN_TRY(const std::string user_id, read_user_id(request.caller.get(), fields));
  MORGAN_TRY(const std::string text, fields.required_text("text", UserMemories::kMostChars));
  MORGAN_TRY(const dialogue::Remembered remembered, memories.remember(user_id, text, "", request.stop));
  OrderedJson body{{"success", true}, {"user_id", user_id}, {"new", remembered.is_new}};
  body["memory"] = memory_json(remembered.memory);
  return json_response(body);
}

Result<net::Response> change(const net::Request& request, UserMemories& memories) {
  MORGAN_TRY(const std::string user_id, named_user(request));
  MORGAN_TRY(const Fields fields, Fields::read(request));
  MORGAN_TRY(const std::string text, fields.required_text("text", UserMemories::kMostChars));
  MORGAN_TRY(const auto importance, fields.integer("importance", {1, 10}));
  MORGAN_TRY(const stores::StoredMemory changed,
             memories.change(user_id, request.params.at("memory_id"), text, static_cast<int>(importance.value_or(0)),
                             request.stop));
  return json_response(OrderedJson{{"success", true}, {"user_id", user_id}, {"memory", memory_json(changed)}});
}

Result<net::Response> forget(const net::Request& request, UserMemories& memories) {
  MORGAN_TRY(const std::string user_id, named_user(request));
  MORGAN_TRY(const bool was_there, memories.store().remove(user_id, request.params.at("memory_id")));
  if (!was_there) return fail(ErrorCode::kNotFound, "this user has no such memory");
  return json_response(OrderedJson{{"success", true}, {"message", "It was forgotten"}, {"user_id", user_id}});
}

Result<net::Response> erase(const net::Request& request, UserMemories& memories) {
  MORGAN_TRY(const std::string user_id, named_user(request));
  MORGAN_TRY(const long long erased, memories.store().erase(user_id));
  const std::string message = erased == 0 ? "Nothing was remembered of this user" : "All of it was forgotten";
  return json_response(
      OrderedJson{{"success", true}, {"message", message}, {"user_id", user_id}, {"deleted_memories", erased}});
}

/// Page by page, so that 100,000 memories need no more room than 1,000.
Result<net::Response> export_all(const net::Request& request, UserMemories& memories) {
  MORGAN_TRY(const std::string user_id, named_user(request));
  MORGAN_TRY(stores::MemoryPage first, memories.store().page(user_id, kExportPage, 0));
  net::Response response;
  response.headers.emplace("Content-Type", "application/json");
  response.headers.emplace("Content-Disposition", "attachment; filename=\"memories.json\"");
  response.stream = [user_id, first = std::move(first), &memories](net::BodyWriter& out) -> Result<void> {
    const OrderedJson head{{"user_id", user_id}, {"exported_at", now_iso8601()}, {"total", first.total}};
    std::string text = dump_json(head);
    text.back() = ',';
    MORGAN_CHECK_OK(out.write(text + "\"memories\":["));
    stores::MemoryPage page = first;
    long long offset = 0;
    while (!page.memories.empty()) {
      for (const stores::StoredMemory& memory : page.memories) {
        MORGAN_CHECK_OK(out.write((offset++ > 0 ? ",\n" : "\n") + dump_json(memory_json(memory))));
      }
      MORGAN_TRY(page, memories.store().page(user_id, kExportPage, offset));
    }
    return out.write("]}\n");
  };
  return response;
}

}  // namespace

void add_memory_routes(ApiRoutes& routes, UserMemories& memories) {
  routes.add(Method::kGet, "/api/memories/{user_id}",
             {.tag = "memories",
              .summary = "What is remembered of a user, the newest first; with `query`, what fits it best",
              .json_answer = "MemoryList",
              .query = {{"limit", "integer", "1 to 1000, 50 when absent; with query 1 to 50, 5 when absent"},
                        {"offset", "integer", "from the newest, 0 when absent"},
                        {"query", "string", "what it should be about"}}},
             [&memories](const net::Request& request) { return list(request, memories); });
  routes.add(Method::kPost, "/api/memories",
             {.tag = "memories",
              .summary = "Remember something of a user",
              .description = "What is known already is not kept twice: `new` is false then.",
              .json_body = "MemoryRequest",
              .json_answer = "MemoryKept"},
             [&memories](const net::Request& request) { return add(request, memories); });
  for (const Method method : {Method::kPut, Method::kPatch}) {
    routes.add(method, "/api/memories/{user_id}/{memory_id}",
               {.tag = "memories",
                .summary = "Change the text of a memory",
                .json_body = "MemoryChange",
                .json_answer = "MemoryKept"},
               [&memories](const net::Request& request) { return change(request, memories); });
  }
  routes.add(Method::kDelete, "/api/memories/{user_id}/{memory_id}",
             {.tag = "memories", .summary = "Forget one memory", .json_answer = "Done"},
             [&memories](const net::Request& request) { return forget(request, memories); });
  routes.add(Method::kDelete, "/api/memories/{user_id}",
             {.tag = "memories", .summary = "Forget all of a user, for good", .json_answer = "Done"},
             [&memories](const net::Request& request) { return erase(request, memories); });
  routes.add(Method::kGet, "/api/memories/{user_id}/export",
             {.tag = "memories", .summary = "All that is remembered of a user, as a file", .json_answer = "MemoryList"},
             [&memories](const net::Request& request) { return export_all(request, memories); });
}

}  // namespace morgan::services
