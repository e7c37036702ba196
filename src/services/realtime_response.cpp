#include "services/realtime_response.h"

#include "base/base64.h"
#include "base/ids.h"

#include <utility>

namespace morgan::services {

namespace {

OrderedJson usage_json(const std::optional<engines::ChatUsage>& usage) {
  if (!usage) return nullptr;
  const int input = usage->prompt_tokens;
  const int output = usage->completion_tokens;
  return {
      {"total_tokens", input + output},
      {"input_tokens", input},
      {"output_tokens", output},
      {"input_token_details",
       {{"text_tokens", input},
        {"audio_tokens", 0},
        {"image_tokens", 0},
        {"cached_tokens", usage->cached_tokens},
        {"cached_tokens_details", {{"text_tokens", usage->cached_tokens}, {"audio_tokens", 0}, {"image_tokens", 0}}}}},
      {"output_token_details", {{"text_tokens", output}, {"audio_tokens", 0}}}};
}

OrderedJson details_json(const RealtimeOutcome& outcome) {
  if (outcome.status == "completed") return nullptr;
  OrderedJson details{{"type", outcome.status}};
  if (!outcome.reason.empty()) details["reason"] = outcome.reason;
  if (outcome.error) {
    const bool mine = outcome.error->code != ErrorCode::kInvalidArgument;
    details["error"] = {
        {"type", mine ? "server_error" : "invalid_request_error"},
        {"code", outcome.error->reason.empty() ? std::string(to_string(outcome.error->code)) : outcome.error->reason},
        {"message", outcome.error->message}};
  }
  return details;
}

}  // namespace

RealtimeResponse::RealtimeResponse(RealtimeSend send, RealtimeItems* items, RealtimeResponseSpec spec)
    : send_(std::move(send)), items_(items), spec_(std::move(spec)), id_(random_id("resp_")) {
  send_({{"type", "response.created"}, {"response", json("in_progress")}});
  // There are no limits to tell; clients that wait for the event get it.
  send_({{"type", "rate_limits.updated"}, {"rate_limits", OrderedJson::array()}});
}

OrderedJson RealtimeResponse::json(const std::string& status) const {
  const RealtimeReply& reply = spec_.reply;
  OrderedJson limit = "inf";
  if (reply.max_output_tokens) limit = *reply.max_output_tokens;
  OrderedJson json{{"object", "realtime.response"},
                   {"id", id_},
                   {"status", status},
                   {"status_details", nullptr},
                   {"output", output_},
                   {"conversation_id", nullptr},
                   {"output_modalities", OrderedJson::array({reply.speak ? "audio" : "text"})},
                   {"max_output_tokens", std::move(limit)},
                   {"usage", nullptr},
                   {"metadata", OrderedJson(spec_.metadata)}};
  if (!spec_.conversation_id.empty()) json["conversation_id"] = spec_.conversation_id;
  json["audio"]["output"] = {{"format", format_json(reply.output)}, {"voice", reply.voice_name}};
  return json;
}

OrderedJson RealtimeResponse::event(const std::string& type) const {
  return {{"type", type}, {"response_id", id_}, {"output_index", outputs_}};
}

OrderedJson RealtimeResponse::part_event(const std::string& type) const {
  return {
      {"type", type}, {"response_id", id_}, {"item_id", item_.id}, {"output_index", outputs_}, {"content_index", 0}};
}

OrderedJson RealtimeResponse::part_json() const {
  if (spec_.reply.speak) return {{"type", "audio"}, {"transcript", text_}};
  return {{"type", "text"}, {"text", text_}};
}

void RealtimeResponse::open_item(const RealtimeItem& item) {
  OrderedJson added = event("response.output_item.added");
  added["item"] = item_json(item);
  send_(std::move(added));
  if (items_ == nullptr) return;
  const auto before = items_->insert(item);
  previous_ = before && !before->empty() ? OrderedJson(*before) : OrderedJson();
  send_({{"type", "conversation.item.added"}, {"previous_item_id", previous_}, {"item", item_json(item)}});
}

void RealtimeResponse::close_item(const RealtimeItem& item) {
  OrderedJson done = event("response.output_item.done");
  done["item"] = item_json(item);
  send_(std::move(done));
  if (items_ != nullptr)
    send_({{"type", "conversation.item.done"}, {"previous_item_id", previous_}, {"item", item_json(item)}});
  output_.push_back(item_json(item));
  ++outputs_;
}

void RealtimeResponse::open_message() {
  if (!item_.id.empty()) return;
  item_.id = random_id("item_");
  item_.status = "in_progress";
  item_.role = "assistant";
  open_item(item_);
  if (RealtimeItem* kept = message()) kept->content.push_back({spec_.reply.speak ? "output_audio" : "output_text", ""});
  OrderedJson added = part_event("response.content_part.added");
  added["part"] = part_json();
  send_(std::move(added));
}

void RealtimeResponse::add_text(const std::string& delta) {
  if (delta.empty() || closed_) return;
  open_message();
  text_ += delta;
  if (RealtimeItem* kept = message(); kept != nullptr && !kept->truncated) kept->content.front().text = text_;
  OrderedJson json =
      part_event(spec_.reply.speak ? "response.output_audio_transcript.delta" : "response.output_text.delta");
  json["delta"] = delta;
  send_(std::move(json));
}

void RealtimeResponse::begin_message() {
  if (!closed_) open_message();
}

void RealtimeResponse::add_audio(std::string_view bytes) {
  if (bytes.empty() || closed_) return;
  open_message();
  OrderedJson json = part_event("response.output_audio.delta");
  json["delta"] = base64_encode(bytes);
  send_(std::move(json));
}

RealtimeItem* RealtimeResponse::message() {
  return items_ == nullptr || item_.id.empty() ? nullptr : items_->find(item_.id);
}

void RealtimeResponse::close_message(const std::string& status, const std::string& heard) {
  if (item_.id.empty() || closed_) return;
  closed_ = true;
  if (spec_.reply.speak) {
    send_(part_event("response.output_audio.done"));
    OrderedJson done = part_event("response.output_audio_transcript.done");
    done["transcript"] = text_;
    send_(std::move(done));
  } else {
    OrderedJson done = part_event("response.output_text.done");
    done["text"] = text_;
    send_(std::move(done));
  }
  OrderedJson part = part_event("response.content_part.done");
  part["part"] = part_json();
  send_(std::move(part));
  item_.status = status;
  item_.content = {{spec_.reply.speak ? "output_audio" : "output_text", text_}};
  if (RealtimeItem* kept = message()) {
    kept->status = status;
    if (!kept->truncated) kept->content = {{item_.content.front().type, heard}};
  }
  close_item(item_);
}

void RealtimeResponse::add_call(const engines::ToolCall& call) {
  close_message("completed", text_);
  RealtimeItem item;
  item.id = random_id("item_");
  item.kind = RealtimeItem::Kind::kFunctionCall;
  item.status = "in_progress";
  item.call_id = call.id.empty() ? random_id("call_") : call.id;
  item.name = call.name;
  open_item(item);
  const auto arguments = [&](const std::string& type) {
    return OrderedJson{{"type", type},
                       {"response_id", id_},
                       {"item_id", item.id},
                       {"output_index", outputs_},
                       {"call_id", item.call_id}};
  };
  OrderedJson delta = arguments("response.function_call_arguments.delta");
  delta["delta"] = call.arguments;
  send_(std::move(delta));
  OrderedJson done = arguments("response.function_call_arguments.done");
  done["name"] = call.name;
  done["arguments"] = call.arguments;
  send_(std::move(done));
  item.status = "completed";
  item.arguments = call.arguments;
  if (RealtimeItem* kept = items_ == nullptr ? nullptr : items_->find(item.id)) *kept = item;
  close_item(item);
}

void RealtimeResponse::finish(const RealtimeOutcome& outcome, const std::string& heard) {
  close_message(outcome.status == "completed" ? "completed" : "incomplete", heard);
  OrderedJson response = json(outcome.status);
  response["status_details"] = details_json(outcome);
  response["usage"] = usage_json(outcome.usage);
  send_({{"type", "response.done"}, {"response", std::move(response)}});
}

}  // namespace morgan::services
