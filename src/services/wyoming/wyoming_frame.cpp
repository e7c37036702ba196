#include "services/wyoming/wyoming_frame.h"

#include "base/strings.h"

#include <algorithm>

namespace morgan::services {

namespace {

Failure not_json(std::string message) {
  return fail({ErrorCode::kInvalidArgument, std::move(message), "invalid-json"});
}

Failure too_large(const std::string& what, std::size_t most) {
  return fail({ErrorCode::kTooLarge, what + " is larger than " + human_bytes(most), "too-large"});
}

Result<std::size_t> read_length(const Json& head, std::string_view name, std::size_t most) {
  const auto at = head.find(name);
  if (at == head.end() || at->is_null()) return std::size_t{0};
  if (!at->is_number_unsigned()) {
    return fail({ErrorCode::kInvalidArgument, std::string(name) + " must be an integer, 0 or more", "invalid-length"});
  }
  const auto length = at->get<std::uint64_t>();
  if (length > most) return too_large("what " + std::string(name) + " announces", most);
  return static_cast<std::size_t>(length);
}

}  // namespace

std::string frame_of(const WyomingEvent& event) {
  const std::string data = event.data.empty() ? "" : dump_json(event.data);
  OrderedJson head{{"type", event.type}};
  if (!data.empty()) head["data_length"] = data.size();
  if (!event.payload.empty()) head["payload_length"] = event.payload.size();
  return dump_json(head) + "\n" + data + event.payload;
}

Result<WyomingReader::Head> WyomingReader::read_head(std::string_view line) {
  auto parsed = parse_json(line);
  if (!parsed) return not_json("the line that begins an event cannot be read: " + parsed.error().message);
  if (!parsed->is_object()) return not_json("the line that begins an event is not a JSON object");
  Head head;
  const auto type = parsed->find("type");
  if (type == parsed->end() || !type->is_string()) return not_json("an event has no type, or it is not a text");
  head.event.type = type->get<std::string>();
  MORGAN_TRY(head.data_length, read_length(*parsed, "data_length", kMaxData));
  MORGAN_TRY(head.payload_length, read_length(*parsed, "payload_length", kMaxPayload));
  if (auto data = parsed->find("data"); data != parsed->end() && !data->is_null()) {
    if (!data->is_object()) return not_json("the data of an event are not a JSON object");
    head.event.data = std::move(*data);
  }
  return head;
}

Result<std::optional<WyomingEvent>> WyomingReader::next() {
  if (!head_) {
    const std::size_t end = buffer_.find('\n', searched_);
    if (std::min(end, buffer_.size()) > kMaxLine) return too_large("the line that begins an event", kMaxLine);
    if (end == std::string::npos) {
      searched_ = buffer_.size();
      return std::optional<WyomingEvent>{};
    }
    searched_ = 0;
    MORGAN_TRY(head_, read_head(std::string_view(buffer_).substr(0, end)));
    head_->event.wire_bytes = end + 1 + head_->data_length + head_->payload_length;
    buffer_.erase(0, end + 1);
  }
  const std::size_t rest = head_->data_length + head_->payload_length;
  if (buffer_.size() < rest) return std::optional<WyomingEvent>{};
  if (head_->data_length > 0) {
    auto data = parse_json(std::string_view(buffer_).substr(0, head_->data_length));
    if (!data) return not_json("the data of an event cannot be read: " + data.error().message);
    if (!data->is_object()) return not_json("the data of an event are not a JSON object");
    head_->event.data.update(*data);
  }
  head_->event.payload = buffer_.substr(head_->data_length, head_->payload_length);
  buffer_.erase(0, rest);
  std::optional<WyomingEvent> event(std::move(head_->event));
  head_.reset();
  return event;
}

}  // namespace morgan::services
