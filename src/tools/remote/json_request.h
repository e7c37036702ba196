// One request of a tool to another program, and its answer as JSON. Private to this folder.
#pragma once

#include "base/json_util.h"
#include "base/result.h"
#include "base/stop.h"

#include <string>
#include <utility>
#include <vector>

namespace morgan::tools {

struct JsonRequest {
  std::string what;  ///< who is asked, for messages: "the weather service"
  std::string url;
  std::vector<std::pair<std::string, std::string>> query = {};
  std::string token = {};  ///< sent as a bearer token; "": none
  Json body = nullptr;     ///< null: GET, else POST
};

/// @error kUnavailable  no connection, or a status that is not 2xx; the message can be said   @error kTooLarge
/// @error kCancelled, kDeadlineExceeded
Result<Json> request_json(const JsonRequest& request, const StopToken& stop);

/// A text of somebody else's, fit to be said: one line, no markup, at most so many bytes, cut at a word.
std::string said_safely(const std::string& text, std::size_t most_bytes);

}  // namespace morgan::tools
