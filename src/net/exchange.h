// One request and its answer, between the I/O thread, which owns the socket, and the worker, which runs
// the handler. It is the BodyWriter of a streamed answer: bounded, so that a slow client slows the
// handler instead of filling the memory.
#pragma once

#include "net/http_types.h"
#include "net/server.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

namespace morgan::net {

class Exchange final : public BodyWriter {
 public:
  /// `wake` tells the I/O thread that there is something to take; it must be callable from any thread.
  Exchange(const ServerOptions* options, std::function<void()> wake);

  /// Runs the handler and then its stream, if it has one. @thread worker, once
  void run(const Handler& handler);
  /// As run, but a stream goes into the body: the I/O thread must not wait for itself. @thread I/O
  Response run_inline(const Handler& handler);
  /// Asks RouteOptions::ready. @thread I/O
  std::optional<Response> find_ready(const std::function<std::optional<Response>(const Request&)>& ready) const;

  Result<void> write(std::string_view bytes) override;

  struct Head {
    Response response;      ///< without its stream
    bool streamed = false;  ///< take() gives the body
  };
  /// The answer's head, once. @thread I/O
  std::optional<Head> take_head();

  struct Piece {
    std::string bytes;
    bool finished = false;  ///< nothing follows `bytes`
    bool failed = false;    ///< the stream ended before it was whole
  };
  /// What was written since the last call. @thread I/O
  Piece take();

  /// Fires request.stop and lets a blocked write() return. @thread any
  void abort(StopReason reason);

  Request request;

 private:
  Response call(const Handler& handler);
  Response error_response(const Error& error) const;
  void finish(bool failed);

  const ServerOptions* options_;  // the server's; outlives every exchange
  const std::function<void()> wake_;
  StopSource stop_;
  std::mutex mutex_;  // guards everything below
  std::condition_variable room_;
  std::optional<Head> head_;
  std::string pending_;
  bool aborted_ = false;
  bool finished_ = false;
  bool failed_ = false;
};

/// Makes the response for an error: the server's own way, or default_error_response.
Response respond_to_error(const ServerOptions& options, const Error& error, const Request& request);

}  // namespace morgan::net
