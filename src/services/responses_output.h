// What OpenAI's Responses API answers: the response object, and the events that tell of it while it grows. Every event
// has the numbers by which clients put the parts together.
#pragma once

#include "services/responses_request.h"

#include <ctime>
#include <functional>
#include <string>
#include <string_view>

namespace morgan::services {

/// One response from its beginning to its end. @thread one caller at a time
class ResponsesOutput {
 public:
  /// Takes one event, as it goes over the wire; false: the client has gone.
  using Sink = std::function<bool(std::string event)>;

  /// @param request  outlives this   @param sink  empty: no events are made
  ResponsesOutput(const ResponsesRequest& request, std::string model, std::time_t now, Sink sink);

  // Each: false when the client has gone.
  bool begin();
  bool add_text(std::string_view text);
  /// Closes what is open and adds the calls. @return through whole() and the last event
  bool finish(const engines::ChatReply& reply, std::time_t now);
  bool fail(const Error& error);

  /// The response as it is now.
  OrderedJson whole() const;

 private:
  bool tell(std::string_view type, OrderedJson data);
  bool open_message();
  bool close_message(const char* status);
  bool add_call(const engines::ToolCall& call);
  OrderedJson message_item(const char* status) const;

  const ResponsesRequest& request_;
  const std::string model_;
  const std::string id_;
  const std::string message_id_;
  const std::time_t created_;
  const Sink sink_;
  std::string status_ = "in_progress";
  std::string text_;
  bool message_open_ = false;
  OrderedJson items_ = OrderedJson::array();  // those that are done
  OrderedJson error_;
  OrderedJson incomplete_;
  OrderedJson usage_;
  std::time_t completed_ = 0;
  long long sequence_ = 0;
};

}  // namespace morgan::services
