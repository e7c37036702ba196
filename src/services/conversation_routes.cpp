#include "services/conversation_routes.h"

#include "services/fields.h"
#include "services/json_format.h"

namespace morgan::services {

namespace {

using net::Method;

constexpr long long kDefaultPage = 50;
constexpr double kMaxPage = 1000;
constexpr double kMaxOffset = 1e12;

struct Page {
  long long limit = kDefaultPage;
  long long offset = 0;
};

Result<Page> read_page(const Fields& fields) {
  MORGAN_TRY(const auto limit, fields.integer("limit", {1, kMaxPage}));
  MORGAN_TRY(const auto offset, fields.integer("offset", {0, kMaxOffset}));
  return Page{limit.value_or(kDefaultPage), offset.value_or(0)};
}

OrderedJson message_json(const stores::StoredMessage& message) {
  OrderedJson metadata = OrderedJson::parse(message.metadata, nullptr, false);
  if (!metadata.is_object()) metadata = OrderedJson::object();
  return OrderedJson{{"role", message.role},
                     {"content", message.content},
                     {"timestamp", message.created_at},
                     {"sequence", message.sequence},
                     {"metadata", std::move(metadata)}};
}

Result<net::Response> show(const net::Request& request, stores::ConversationStore& store) {
  MORGAN_TRY(const std::string user_id, user_of(request.caller.get(), request.params.at("user_id")));
  MORGAN_TRY(const Fields fields, Fields::read(request));
  MORGAN_TRY(const Page page, read_page(fields));
  MORGAN_TRY(const stores::MessagePage found, store.page(user_id, page.limit, page.offset));
  OrderedJson messages = OrderedJson::array();
  for (const auto& message : found.messages)
    messages.push_back(message_json(message));
  return json_response(OrderedJson{{"user_id", user_id},
                                   {"messages", std::move(messages)},
                                   {"total_messages", found.total},
                                   {"limit", page.limit},
                                   {"offset", page.offset}});
}

Result<net::Response> list(const net::Request& request, stores::ConversationStore& store) {
  MORGAN_TRY(const Fields fields, Fields::read(request));
  MORGAN_TRY(const Page page, read_page(fields));
  const std::string only = request.caller ? request.caller->user : "";
  MORGAN_TRY(const auto found, store.list(page.limit, page.offset, only));
  OrderedJson conversations = OrderedJson::array();
  for (const auto& conversation : found) {
    conversations.push_back(OrderedJson{{"conversation_id", conversation.conversation_id},
                                        {"user_id", conversation.user_id},
                                        {"created_at", conversation.created_at},
                                        {"updated_at", conversation.updated_at},
                                        {"message_count", conversation.message_count}});
  }
  const std::size_t count = conversations.size();
  return json_response(OrderedJson{
      {"conversations", std::move(conversations)}, {"count", count}, {"limit", page.limit}, {"offset", page.offset}});
}

using EraseMore = std::function<Result<long long>(const std::string& user_id)>;

Result<net::Response> erase(const net::Request& request, stores::ConversationStore& store,
                            dialogue::UserMemories* memories, const EraseMore& more) {
  MORGAN_TRY(const std::string user_id, user_of(request.caller.get(), request.params.at("user_id")));
  long long forgotten = 0;
  if (memories != nullptr) {
    MORGAN_TRY(forgotten, memories->store().erase(user_id));
  }
  MORGAN_TRY(const long long deleted, store.erase(user_id));
  long long others = 0;
  if (more) {
    MORGAN_TRY(others, more(user_id));
  }
  const std::string message =
      deleted + forgotten + others == 0 ? "Nothing was stored of this user" : "Everything of this user was deleted";
  return json_response(OrderedJson{{"success", true},
                                   {"message", message},
                                   {"user_id", user_id},
                                   {"deleted_messages", deleted},
                                   {"deleted_memories", forgotten}});
}

Result<net::Response> reset(const net::Request& request, stores::ConversationStore& store, Webhooks* webhooks) {
  MORGAN_TRY(const Fields fields, Fields::read(request));
  MORGAN_TRY(const std::string user_id, read_user_id(request.caller.get(), fields));
  MORGAN_TRY(const bool was_open, store.reset(user_id));
  if (was_open && webhooks != nullptr) webhooks->conversation_end(user_id, "api", -1);
  const std::string message = was_open ? "The conversation was closed; the next message begins a new one"
                                       : "There was no conversation; the next message begins one";
  return json_response(OrderedJson{{"success", true}, {"message", message}, {"user_id", user_id}});
}

net::Response who_am_i(const net::Request& request) {
  const net::Caller nobody;
  const net::Caller& caller = request.caller ? *request.caller : nobody;
  const auto or_null = [](const std::string& text) { return text.empty() ? OrderedJson(nullptr) : OrderedJson(text); };
  return json_response(
      OrderedJson{{"user_id", or_null(caller.user)}, {"key", or_null(caller.key)}, {"any_user", caller.user.empty()}});
}

}  // namespace

void add_conversation_routes(ApiRoutes& routes, stores::ConversationStore& store, dialogue::UserMemories* memories,
                             std::function<Result<long long>(const std::string& user_id)> erase_more) {
  const std::vector<ParamDoc> page_params = {{"limit", "integer", "1 to 1000, 50 when absent"},
                                             {"offset", "integer", "from the oldest, 0 when absent"}};
  routes.add(Method::kGet, "/api/whoami",
             {.tag = "conversations",
              .summary = "The user that the caller's key speaks for, null when it may be any",
              .json_answer = "WhoAmI",
              .scope = kAnyScope},
             [](const net::Request& request) -> Result<net::Response> { return who_am_i(request); });
  routes.add(Method::kGet, "/api/conversations",
             {.tag = "conversations",
              .summary = "All conversations that the caller may see",
              .json_answer = "ConversationList",
              .query = page_params},
             [&store](const net::Request& request) { return list(request, store); });
  routes.add(Method::kGet, "/api/conversations/{user_id}",
             {.tag = "conversations",
              .summary = "Messages of a user's conversation",
              .json_answer = "Conversation",
              .query = page_params},
             [&store](const net::Request& request) { return show(request, store); });
  routes.add(Method::kDelete, "/api/conversations/{user_id}",
             {.tag = "conversations", .summary = "Delete everything of a user, for good", .json_answer = "Done"},
             [&store, memories, erase_more = std::move(erase_more)](const net::Request& request) {
               return erase(request, store, memories, erase_more);
             });
  routes.add(Method::kPost, "/api/conversation/reset",
             {.tag = "conversations",
              .summary = "Close a user's conversation, keeping it; the next message begins a new one",
              .json_body = "ResetRequest",
              .json_answer = "Done"},
             [&store, webhooks = routes.context().webhooks](const net::Request& request) {
               return reset(request, store, webhooks);
             });
}

}  // namespace morgan::services
