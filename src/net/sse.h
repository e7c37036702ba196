// Server-sent events: printing for our answers, parsing for upstreams (WHATWG HTML, section 9.2).
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace morgan::net {

/// "event: name\ndata: ...\n\n"; the event line only when `event` is not empty; data may have line breaks.
std::string sse_event(std::string_view data, std::string_view event = {});

/// Feeds bytes, calls back with each event's data. Bounded: an event over 4 MiB is dropped.
class SseParser {
 public:
  explicit SseParser(std::function<void(std::string_view event, std::string_view data)> on_event);
  void push(std::string_view bytes);

 private:
  std::function<void(std::string_view, std::string_view)> on_event_;
  std::string buffer_;
  std::string event_;
  std::string data_;
  bool has_data_ = false;
  bool after_cr_ = false;  // the last line ended in CR: an LF that follows belongs to it
  bool at_start_ = true;
  bool dropping_ = false;  // until the end of an event that is too large
  void take_line(std::string_view line);
};

}  // namespace morgan::net
