// One HTTP/1.1 listener with its own routes; several may live in one process. Sockets are served by
// Asio coroutines on I/O threads that the Server shares; handlers block, on a bounded pool. Routes
// marked kInline (health, metrics) are answered on the I/O thread and so never wait behind work.
#pragma once

#include "base/result.h"
#include "net/http_types.h"
#include "net/tls_identity.h"
#include "net/ws_types.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace morgan::net {

enum class RunOn : std::uint8_t { kPool, kInline };

struct RouteOptions {
  std::uint64_t body_limit = 1'000'000;  ///< bytes; more is refused with 413 before it is read
  RunOn run_on = RunOn::kPool;
  RouteAccess access = {};
  /// An answer that is there already: asked before a worker is, on the I/O thread; must not block. nullopt: none.
  std::function<std::optional<Response>(const Request&)> ready = nullptr;
};

/// What the gate says of a request.
struct GateAnswer {
  std::optional<Error> refused;
  Headers headers;                       ///< added to the answer, whichever it is
  std::shared_ptr<const Caller> caller;  ///< for Request::caller
};

/// Method and path to handler. Patterns are literal segments or {name}; a literal beats a name.
class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  void add(Method method, std::string pattern, Handler handler, RouteOptions options = {});
  /// A WebSocket endpoint whose sessions have a thread each, 64 at most; a plain GET to it is answered 426.
  void add_ws(std::string pattern, WsHandler handler, WsOptions options = {});
  /// A WebSocket endpoint whose sessions have no thread: ServerOptions::max_ws_sessions at most.
  void add_ws_session(std::string pattern, WsSessionFactory factory, WsOptions options = {});
  bool has_ws_session() const;

  struct Match;
  /// @error kNotFound  no such path   @error kUnsupported  the path exists with other methods (message lists them)
  Result<Match> find(Method method, std::string_view path) const;

 private:
  friend class Server;
  struct Table;
  std::unique_ptr<Table> table_;
};

struct Router::Match {
  const Handler* handler = nullptr;  ///< null when only a WebSocket is there
  const WsHandler* ws_handler = nullptr;
  const WsSessionFactory* ws_session = nullptr;
  const WsOptions* ws_options = nullptr;  ///< of either
  const RouteOptions* options = nullptr;  ///< of the handler
  std::string pattern;                    ///< the label for metrics
  std::map<std::string, std::string> params;
};

struct ServerOptions {
  std::string name;  ///< for logs and metrics: "stt"
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;                            ///< 0: any free one, see port()
  std::size_t worker_threads = 16;                   ///< handlers running at once
  std::size_t queue_limit = 64;                      ///< requests waiting for a worker; more: 503, Retry-After: 1
  std::size_t max_connections = 1024;                ///< of HTTP and blocking WebSockets
  std::size_t max_ws_sessions = 2000;                ///< of add_ws_session, beside max_connections
  std::chrono::milliseconds header_timeout{10'000};  ///< for the head, and between two reads of the body
  std::chrono::milliseconds idle_timeout{75'000};    ///< kept-alive and silent
  std::chrono::milliseconds write_timeout{30'000};   ///< a client that takes nothing for so long is dropped
  /// Asked before a request's body is read or its WebSocket opened, unless the route is open. On the I/O thread; must
  /// not block. Null: everybody may do everything.
  std::function<GateAnswer(const Request&, const RouteAccess&)> gate;
  /// Asked again while a caller's WebSocket is open; when it says no, the socket is closed with 1008. On the I/O
  /// thread; must not block. Null: who has come in stays.
  std::function<bool(const Caller&)> still_welcome;
  std::chrono::milliseconds welcome_check{5'000};  ///< how often
  /// Pages of other hosts that may use this server, "https://app.example"; "*": all. Others are refused.
  std::vector<std::string> allowed_origins;
  /// Speaks TLS with everybody but this machine itself, which may choose. Null: in the clear. Shared by the servers of
  /// a process.
  std::shared_ptr<TlsIdentity> tls;
  /// Turns an Error into a response; the same for routes and for what the server itself refuses.
  std::function<Response(const Error&, const Request&)> error_response;
  /// Called after each answered request, on any thread.
  std::function<void(const Request&, std::string_view pattern, int status, double seconds)> observer;
};

class Server {
 public:
  /// Binds and listens, and answers as soon as start() is called.
  /// @error kConflict  the port is in use (message says by whom to free it)  @error kUnavailable  other
  static Result<std::unique_ptr<Server>> listen(ServerOptions options, Router routes);
  virtual ~Server() = default;

  virtual void start() = 0;
  virtual std::uint16_t port() const = 0;
  /// Stops accepting, lets running handlers finish and WebSocket sessions close within `grace`, then fires their
  /// tokens with kShutdown, cuts the sessions and joins. Idempotent.
  virtual void stop(std::chrono::milliseconds grace) = 0;
};

}  // namespace morgan::net
