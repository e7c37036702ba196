#include "services/responses_output.h"

#include "base/ids.h"
#include "net/sse.h"
#include "services/json_format.h"

namespace morgan::services {

namespace {

OrderedJson text_part(const std::string& text) {
  return OrderedJson{{"type", "output_text"},
                     {"annotations", OrderedJson::array()},
                     {"logprobs", OrderedJson::array()},
                     {"text", text}};
}

OrderedJson usage_json(const engines::ChatUsage& usage) {
  return OrderedJson{
      {"input_tokens", usage.prompt_tokens},
      {"input_tokens_details",
       {{"cached_tokens", usage.cached_tokens}, {"cache_write_tokens", usage.prompt_tokens - usage.cached_tokens}}},
      {"output_tokens", usage.completion_tokens},
      {"output_tokens_details", {{"reasoning_tokens", 0}}},
      {"total_tokens", usage.prompt_tokens + usage.completion_tokens}};
}

OrderedJson or_null(const std::optional<std::string>& text) {
  return text ? OrderedJson(*text) : OrderedJson(nullptr);
}

}  // namespace

ResponsesOutput::ResponsesOutput(const ResponsesRequest& request, std::string model, std::time_t now, Sink sink)
    : request_(request),
      model_(std::move(model)),
      id_(random_id("resp_")),
      message_id_(random_id("msg_")),
      created_(now),
      sink_(std::move(sink)) {}

bool ResponsesOutput::tell(std::string_view type, OrderedJson data) {
  if (!sink_) return true;
  OrderedJson event{{"type", type}, {"sequence_number", sequence_++}};
  event.update(data);
  return sink_(net::sse_event(dump_json(event), type));
}

bool ResponsesOutput::begin() {
  return tell("response.created", {{"response", whole()}}) && tell("response.in_progress", {{"response", whole()}});
}

OrderedJson ResponsesOutput::message_item(const char* status) const {
  OrderedJson content = OrderedJson::array();
  if (!text_.empty()) content.push_back(text_part(text_));
  return OrderedJson{
      {"id", message_id_}, {"type", "message"}, {"status", status}, {"role", "assistant"}, {"content", content}};
}

bool ResponsesOutput::open_message() {
  if (message_open_) return true;
  message_open_ = true;
  return tell("response.output_item.added", {{"output_index", items_.size()}, {"item", message_item("in_progress")}}) &&
         tell("response.content_part.added", {{"item_id", message_id_},
                                              {"output_index", items_.size()},
                                              {"content_index", 0},
                                              {"part", text_part("")}});
}

bool ResponsesOutput::add_text(std::string_view text) {
  if (text.empty()) return true;
  if (!open_message()) return false;
  text_ += text;
  return tell("response.output_text.delta", {{"item_id", message_id_},
                                             {"output_index", items_.size()},
                                             {"content_index", 0},
                                             {"delta", text},
                                             {"logprobs", OrderedJson::array()}});
}

bool ResponsesOutput::close_message(const char* status) {
  if (!message_open_) return true;
  message_open_ = false;
  const std::size_t index = items_.size();
  items_.push_back(message_item(status));
  return tell("response.output_text.done", {{"item_id", message_id_},
                                            {"output_index", index},
                                            {"content_index", 0},
                                            {"text", text_},
                                            {"logprobs", OrderedJson::array()}}) &&
         tell("response.content_part.done",
              {{"item_id", message_id_}, {"output_index", index}, {"content_index", 0}, {"part", text_part(text_)}}) &&
         tell("response.output_item.done", {{"output_index", index}, {"item", items_.back()}});
}

bool ResponsesOutput::add_call(const engines::ToolCall& call) {
  const std::size_t index = items_.size();
  OrderedJson item{{"id", random_id("fc_")}, {"type", "function_call"}, {"status", "in_progress"},
                   {"call_id", call.id},     {"name", call.name},       {"arguments", ""}};
  const OrderedJson id = item["id"];
  if (!tell("response.output_item.added", {{"output_index", index}, {"item", item}})) return false;
  item["status"] = "completed";
  item["arguments"] = call.arguments;
  items_.push_back(item);
  return tell("response.function_call_arguments.delta",
              {{"item_id", id}, {"output_index", index}, {"delta", call.arguments}}) &&
         tell("response.function_call_arguments.done",
              {{"item_id", id}, {"output_index", index}, {"name", call.name}, {"arguments", call.arguments}}) &&
         tell("response.output_item.done", {{"output_index", index}, {"item", item}});
}

bool ResponsesOutput::finish(const engines::ChatReply& reply, std::time_t now) {
  const bool cut = reply.finish_reason == "length";
  bool there = close_message(cut ? "incomplete" : "completed");
  for (const engines::ToolCall& call : reply.tool_calls)
    there = there && add_call(call);
  status_ = cut ? "incomplete" : "completed";
  if (cut) incomplete_ = OrderedJson{{"reason", "max_output_tokens"}};
  completed_ = now;
  usage_ = usage_json(reply.usage);
  return there && tell("response." + status_, {{"response", whole()}});
}

bool ResponsesOutput::fail(const Error& error) {
  static_cast<void>(close_message("incomplete"));
  status_ = "failed";
  error_ = OrderedJson{{"code", "server_error"}, {"message", error.message}};
  return tell("response.failed", {{"response", whole()}});
}

OrderedJson ResponsesOutput::whole() const {
  return OrderedJson{{"id", id_},
                     {"object", "response"},
                     {"created_at", created_},
                     {"completed_at", completed_ > 0 ? OrderedJson(completed_) : OrderedJson(nullptr)},
                     {"status", status_},
                     {"background", false},
                     {"error", error_},
                     {"incomplete_details", incomplete_},
                     {"instructions", or_null(request_.instructions)},
                     {"max_output_tokens",
                      request_.max_output_tokens ? OrderedJson(*request_.max_output_tokens) : OrderedJson(nullptr)},
                     {"model", model_},
                     {"output", items_},
                     {"parallel_tool_calls", request_.parallel_tool_calls},
                     {"previous_response_id", nullptr},
                     {"reasoning", {{"effort", nullptr}, {"summary", nullptr}}},
                     {"store", false},
                     {"temperature", request_.chat.temperature},
                     {"text", ordered(request_.text)},
                     {"tool_choice", ordered(request_.tool_choice)},
                     {"tools", ordered(request_.tools)},
                     {"top_p", request_.chat.top_p.value_or(1.0)},
                     {"truncation", request_.truncation},
                     {"usage", usage_},
                     {"user", ordered(request_.user)},
                     {"metadata", ordered(request_.metadata)}};
}

}  // namespace morgan::services
