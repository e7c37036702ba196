// HTTP as services see it: no socket, no Beast type. A handler gets a whole request and answers either
// a whole response or a stream it writes piece by piece.
#pragma once

#include "base/result.h"
#include "base/stop.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace morgan::net {

struct CaseInsensitiveLess {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const;
};

using Headers = std::multimap<std::string, std::string, CaseInsensitiveLess>;

enum class Method : std::uint8_t { kGet, kPost, kPut, kPatch, kDelete, kHead, kOptions };
std::string_view to_string(Method method);

/// Who sent a request, as ServerOptions::gate found out.
struct Caller {
  std::string key;   ///< id of the API key; "" when none was asked for
  std::string user;  ///< the only user it may speak for; "": any
};

/// What an address asks of whoever calls it; ServerOptions::gate judges by it.
struct RouteAccess {
  bool open = false;                 ///< anybody may call it: the gate is not asked
  std::string scope;                 ///< what a key must be good for; "": any key will do
  bool takes_client_secret = false;  ///< a short-lived secret that stands for a key will do, too
};

struct Request {
  Method method = Method::kGet;
  std::string path;                           ///< decoded, without the query
  std::map<std::string, std::string> query;   ///< decoded; the last of equal names counts
  std::map<std::string, std::string> params;  ///< what {name} matched in the route, decoded
  Headers headers;
  std::string body;
  std::string request_id;                ///< X-Request-ID of the client, or a new one
  std::string peer;                      ///< address of the client
  bool from_here = false;                ///< ... which is this machine's own: 127.0.0.0/8 or ::1
  bool secure = false;                   ///< it came over TLS
  std::shared_ptr<const Caller> caller;  ///< null: the gate was not asked; shared with the gate and the session
  StopToken stop;                        ///< fires when the client leaves or the server stops

  /// First value of a header, or "".
  std::string_view header(std::string_view name) const;
  /// Value of a query parameter, or nullopt.
  std::optional<std::string> query_value(const std::string& name) const;
};

/// Where a streamed answer goes. Made by the server; blocking. @thread the handler's
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  /// Blocks while the client reads slowly. @error kCancelled  the client has gone: stop working
  virtual Result<void> write(std::string_view bytes) = 0;
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
  /// When set, `body` is ignored and this is called, after the head was sent, to write the rest
  /// (chunked). An error it returns cuts the connection, so that no client takes a part for the whole.
  std::function<Result<void>(BodyWriter&)> stream;

  static Response text(int status, std::string body, std::string content_type = "text/plain; charset=utf-8");
  static Response json(int status, std::string body);
  static Response bytes(std::string body, std::string content_type);
};

using Handler = std::function<Response(const Request&)>;

}  // namespace morgan::net
