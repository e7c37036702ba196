#include "net/sse.h"

namespace morgan::net {

namespace {

constexpr std::size_t kMaxEventBytes = 4U << 20U;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

std::string sse_event(std::string_view data, std::string_view event) {
  std::string text;
  if (!event.empty()) text.append("event: ").append(event).append("\n");
  for (;;) {
    const std::size_t end = data.find_first_of("\r\n");
    text.append("data: ").append(data.substr(0, end)).append("\n");
    if (end == std::string_view::npos) break;
    const bool pair = data.substr(end, 2) == "\r\n";
    data.remove_prefix(end + (pair ? 2 : 1));
  }
  return text.append("\n");
}

SseParser::SseParser(std::function<void(std::string_view, std::string_view)> on_event)
    : on_event_(std::move(on_event)) {}

void SseParser::push(std::string_view bytes) {
  while (!bytes.empty()) {
    if (after_cr_) {
      after_cr_ = false;
      if (bytes.front() == '\n') {  // the second half of a CRLF that two pushes cut
        bytes.remove_prefix(1);
        continue;
      }
    }
    const std::size_t end = bytes.find_first_of("\r\n");
    const std::string_view piece = bytes.substr(0, end);
    if (!dropping_ && buffer_.size() + piece.size() + data_.size() > kMaxEventBytes) {
      dropping_ = true;
      data_.clear();
      data_.shrink_to_fit();
    }
    // Of a line that is dropped, all that counts is that it was not empty.
    if (!dropping_) buffer_.append(piece);
    if (dropping_ && !piece.empty()) buffer_.assign(1, '-');
    if (end == std::string_view::npos) return;
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    const std::string line = std::move(buffer_);
    buffer_.clear();
    take_line(line);
  }
}

void SseParser::take_line(std::string_view line) {
  if (at_start_) {
    at_start_ = false;
    if (line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  }
  if (line.empty()) {
    const std::string event = std::move(event_);
    std::string data = std::move(data_);
    const bool complete = has_data_ && !dropping_;
    event_.clear();
    data_.clear();
    has_data_ = false;
    dropping_ = false;
    if (!complete) return;
    data.pop_back();  // each data line added a line break; the last one is not part of the event
    on_event_(event, data);
    return;
  }
  if (dropping_ || line.front() == ':') return;
  const std::size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "event") event_ = value;
  if (field == "data") {
    data_.append(value).append("\n");
    has_data_ = true;
  }
}

}  // namespace morgan::net
