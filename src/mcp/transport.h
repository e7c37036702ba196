// How messages travel to one MCP server and back: to a program of ours (stdio_transport.h) or over HTTP
// (http_transport.h). A transport that has ended is thrown away; server_link.h makes another.
#pragma once

#include "base/result.h"
#include "base/stop.h"
#include "mcp/json_rpc.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace morgan::mcp {

/// Called from threads of the transport; must be quick, and not call it.
struct TransportEvents {
  std::function<void(RpcMessage message)> on_message;  ///< a notification or a request of the server's
  std::function<void(const Error& why)> on_end;        ///< it can be used no more; at most once
  /// Nobody waits for this request any more, and the server should be told.
  std::function<void(long long id, std::string_view why)> on_abandoned;
};

/// @thread any, concurrently
class Transport {
 public:
  /// Ends it, and what it has begun. No event comes afterwards.
  virtual ~Transport() = default;

  /// Sends a request and waits for its result. When it takes too long or is stopped, on_abandoned is called.
  /// @error kDeadlineExceeded, kCancelled   @error kTooLarge  its answer   @error kUnavailable  it has ended
  /// @error kNotFound, kInvalidArgument, kInternal  what the server refused; its own message
  /// @error kConflict, reason SESSION_ENDED  the server has forgotten us, and did nothing
  virtual Result<Json> request(std::string_view method, OrderedJson params, std::chrono::milliseconds timeout,
                               const StopToken& stop) = 0;
  virtual Result<void> notify(std::string_view method, OrderedJson params) = 0;
  /// Answers a request of the server's.
  virtual Result<void> respond(const OrderedJson& message) = 0;
  /// From now on this revision is spoken.
  virtual void use_version(const std::string& version) { static_cast<void>(version); }
};

/// A server's refusal as an Error. @param server  its name
Error error_of(const RpcError& error, const std::string& server);

}  // namespace morgan::mcp
