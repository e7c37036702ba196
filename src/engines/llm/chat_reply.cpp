#include "engines/llm/chat_reply.h"

#include "base/ids.h"
#include "base/json_util.h"
#include "engines/llm/chat_checks.h"
#include "engines/llm/event_stream.h"

namespace morgan::engines {

namespace {

// As llama.cpp's own printer writes it. Within a text the quotes would have backslashes before them.
constexpr std::string_view kNoContent = R"("content":null)";
constexpr std::string_view kEmptyContent = R"("content":"")";
constexpr std::string_view kCalls = R"("tool_calls":)";

/// Never throws: what llama.cpp wrote and we do not understand is passed on as it is.
OrderedJson parsed(std::string_view text) {
  return OrderedJson::parse(text, nullptr, false);
}

OrderedJson* list_in(OrderedJson& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto list = object.find(name);
  return list == object.end() || !list->is_array() ? nullptr : &*list;
}

/// @param whole  it is not a piece of a stream, where only the first piece of a call has an id
void complete_calls(OrderedJson& message, bool whole) {
  OrderedJson* const calls = list_in(message, "tool_calls");
  if (calls == nullptr) return;
  for (OrderedJson& call : *calls) {
    if (!call.is_object()) continue;
    const OrderedJson id = call.value("id", OrderedJson());
    if (!id.is_string() && !whole) continue;
    call["id"] = client_call_id(id.is_string() ? id.get<std::string>() : "");
    if (const auto function = call.find("function"); function != call.end() && function->is_object())
      function->emplace("arguments", "");
  }
}

void complete_choice(OrderedJson& choice) {
  if (!choice.is_object()) return;
  choice.emplace("logprobs", nullptr);
  const auto message = choice.find("message");
  if (message == choice.end() || !message->is_object()) return;
  complete_calls(*message, true);
  const OrderedJson* const calls = list_in(*message, "tool_calls");
  message->emplace("content", "");
  if (calls != nullptr && !calls->empty() && (*message)["content"] == "") (*message)["content"] = nullptr;
  message->emplace("refusal", nullptr);
}

std::string completed_event(std::string_view event) {
  OrderedJson chunk = parsed(event.substr(kEventPrefix.size()));
  OrderedJson* const choices = list_in(chunk, "choices");
  if (choices == nullptr) return std::string(event);
  for (OrderedJson& choice : *choices) {
    if (choice.is_object() && choice.contains("delta")) complete_calls(choice["delta"], false);
  }
  return std::string(kEventPrefix) + dump_json(chunk);
}

}  // namespace

std::string client_call_id(std::string_view id) {
  if (id.empty()) return random_id(kCallPrefix);
  return id.starts_with(kCallPrefix) ? std::string(id) : std::string(kCallPrefix) + std::string(id);
}

std::string openai_completion(std::string body) {
  OrderedJson completion = parsed(body);
  OrderedJson* const choices = list_in(completion, "choices");
  if (choices == nullptr) return body;
  for (OrderedJson& choice : *choices)
    complete_choice(choice);
  return dump_json(completion);
}

std::string openai_events(std::string_view events) {
  std::string formed;
  while (!events.empty()) {
    const std::size_t end = events.find(kEventEnd);
    std::string event(events.substr(0, end));
    events.remove_prefix(end == std::string_view::npos ? events.size() : end + kEventEnd.size());
    if (const std::size_t at = event.find(kNoContent); at != std::string::npos)
      event.replace(at, kNoContent.size(), kEmptyContent);
    if (event.starts_with(kEventPrefix) && event.find(kCalls) != std::string::npos) event = completed_event(event);
    formed += event;
    if (end != std::string_view::npos) formed += kEventEnd;
  }
  return formed;
}

}  // namespace morgan::engines
