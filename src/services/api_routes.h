// The routes of one service as they are built up: every route is added with its description, so what is
// served and what /openapi.json tells cannot differ. Handlers return Result; the error is answered, counted
// and logged here.
#pragma once

#include "base/result.h"
#include "net/http_types.h"
#include "net/server.h"
#include "services/service.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace morgan::services {

// Of RouteDoc::scope.
inline constexpr const char* kOpen = "open";
inline constexpr const char* kAnyScope = "any";

struct ParamDoc {
  std::string name;
  std::string type = "string";  ///< JSON type
  std::string description;
};

/// What /openapi.json says of one route. Schema names are those of openapi_schemas.json.
struct RouteDoc {
  std::string tag;
  std::string summary;
  std::string description = {};
  std::string json_body = {};                   ///< schema of a JSON body, "": takes none
  std::string form_body = {};                   ///< schema of a multipart body, "": takes none
  bool audio_body = false;                      ///< the body may be the audio file itself
  std::string json_answer = {};                 ///< schema of the JSON answer, "": answers none
  std::vector<std::string> other_answers = {};  ///< further media types of a good answer
  std::vector<ParamDoc> query = {};
  std::string scope =
      {};  ///< what a key must be good for: "": the service's own, kAnyScope: any, kOpen: no key is needed
};

struct DocumentedRoute {
  net::Method method = net::Method::kGet;
  std::string pattern;
  RouteDoc doc;
  bool websocket = false;
};

/// What /health says of the requests so far. @thread any
struct RequestCounters {
  std::atomic<std::uint64_t> answered{0};
  std::atomic<std::uint64_t> failed{0};  ///< answered with 5xx, or cut off
  std::atomic<std::int64_t> active{0};
};

class ApiRoutes {
 public:
  using Handler = std::function<Result<net::Response>(const net::Request&)>;

  /// Copies the context.
  explicit ApiRoutes(const ServiceContext& context);

  void add(net::Method method, const std::string& pattern, RouteDoc doc, Handler handler,
           net::RouteOptions options = {});
  /// A client that offers the subprotocol "morgan", as browsers that show a key must, is answered it.
  void add_ws(const std::string& pattern, RouteDoc doc, net::WsHandler handler);
  void add_ws_session(const std::string& pattern, RouteDoc doc, net::WsSessionFactory factory,
                      net::WsOptions options = {});

  /// The complete router, with /openapi.json of everything added.
  net::Router finish() &&;

  const ServiceContext& context() const { return *context_; }
  std::shared_ptr<const ServiceContext> shared_context() const { return context_; }
  std::shared_ptr<const RequestCounters> counters() const { return counters_; }

  /// Options of a route that takes audio: the upload limit, with room for base64.
  net::RouteOptions audio_options() const;
  /// Options of a route that takes long text.
  static net::RouteOptions text_options() { return {8'000'000, net::RunOn::kPool}; }
  static net::RouteOptions inline_options() { return {16'000, net::RunOn::kInline}; }

 private:
  net::RouteAccess access_of(const RouteDoc& doc) const;

  std::shared_ptr<const ServiceContext> context_;  // shared by the handlers, which outlive this builder
  std::shared_ptr<RequestCounters> counters_;      // likewise
  net::Router router_;
  std::vector<DocumentedRoute> documented_;
};

}  // namespace morgan::services
