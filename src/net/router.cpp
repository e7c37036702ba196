#include "net/server.h"
#include "net/url.h"

#include "base/strings.h"

#include <algorithm>
#include <array>

namespace morgan::net {

namespace {

constexpr std::array kAllMethods = {Method::kGet,   Method::kHead,   Method::kPost,   Method::kPut,
                                    Method::kPatch, Method::kDelete, Method::kOptions};

struct Segment {
  std::string text;  // a literal, or the name of a parameter
  bool is_name = false;
};

struct Endpoint {
  Handler handler;
  RouteOptions options;
};

struct Route {
  std::string pattern;
  std::vector<Segment> segments;
  std::map<Method, Endpoint> endpoints;
  WsHandler ws_handler;
  WsSessionFactory ws_session;
  WsOptions ws_options;

  bool is_websocket() const { return ws_handler || ws_session; }
};

// "/a/b" and "/a/b/" are the same place: people type both.
std::vector<std::string> split_path(std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  return split(path, '/');
}

std::vector<Segment> parse_pattern(std::string_view pattern) {
  std::vector<Segment> segments;
  for (const std::string& part : split_path(pattern)) {
    const bool is_name = part.size() > 2 && part.front() == '{' && part.back() == '}';
    segments.push_back({is_name ? part.substr(1, part.size() - 2) : part, is_name});
  }
  return segments;
}

bool matches(const Route& route, std::span<const std::string> parts) {
  return std::equal(route.segments.begin(), route.segments.end(), parts.begin(), parts.end(),
                    [](const Segment& segment, const std::string& part) {
                      return segment.is_name ? !part.empty() : segment.text == part;
                    });
}

// At the first segment that differs in kind, a literal beats a name.
bool more_specific(const Route& a, const Route& b) {
  for (std::size_t i = 0; i < a.segments.size(); ++i) {
    if (a.segments[i].is_name != b.segments[i].is_name) return b.segments[i].is_name;
  }
  return false;
}

}  // namespace

struct Router::Table {
  std::vector<Route> routes;

  Route& route(std::string pattern) {
    const auto found = std::find_if(routes.begin(), routes.end(), [&](const Route& r) { return r.pattern == pattern; });
    if (found != routes.end()) return *found;
    Route& added = routes.emplace_back();
    added.segments = parse_pattern(pattern);
    added.pattern = std::move(pattern);
    return added;
  }
};

Router::Router() : table_(std::make_unique<Table>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::add(Method method, std::string pattern, Handler handler, RouteOptions options) {
  table_->route(std::move(pattern))
      .endpoints.insert_or_assign(method, Endpoint{std::move(handler), std::move(options)});
}

void Router::add_ws(std::string pattern, WsHandler handler, WsOptions options) {
  Route& route = table_->route(std::move(pattern));
  route.ws_handler = std::move(handler);
  route.ws_options = std::move(options);
}

void Router::add_ws_session(std::string pattern, WsSessionFactory factory, WsOptions options) {
  Route& route = table_->route(std::move(pattern));
  route.ws_session = std::move(factory);
  route.ws_options = std::move(options);
}

bool Router::has_ws_session() const {
  return std::any_of(table_->routes.begin(), table_->routes.end(), [](const Route& r) { return r.ws_session; });
}

namespace {

// The endpoint that answers `method`; GET's also answers HEAD.
const Endpoint* endpoint_for(const Route& route, Method method) {
  auto found = route.endpoints.find(method);
  if (found == route.endpoints.end() && method == Method::kHead) found = route.endpoints.find(Method::kGet);
  return found == route.endpoints.end() ? nullptr : &found->second;
}

bool answers(const Route& route, Method method) {
  if (endpoint_for(route, method) != nullptr) return true;
  return method == Method::kGet && route.is_websocket();
}

std::string allowed_methods(std::span<const Route* const> routes) {
  std::vector<std::string> names;
  for (const Method method : kAllMethods) {
    const bool allowed =
        method == Method::kOptions ||
        std::any_of(routes.begin(), routes.end(), [&](const Route* route) { return answers(*route, method); });
    if (allowed) names.emplace_back(to_string(method));
  }
  return join(names, ", ");
}

}  // namespace

Result<Router::Match> Router::find(Method method, std::string_view path) const {
  std::vector<std::string> parts;
  for (const std::string& part : split_path(path)) {
    MORGAN_TRY(std::string decoded, percent_decode(part));
    parts.push_back(std::move(decoded));
  }
  std::vector<const Route*> candidates;
  const Route* best = nullptr;
  for (const Route& route : table_->routes) {
    if (!matches(route, parts)) continue;
    candidates.push_back(&route);
    if (answers(route, method) && (best == nullptr || more_specific(route, *best))) best = &route;
  }
  if (candidates.empty()) {
    return fail(ErrorCode::kNotFound, "there is nothing at this address; /docs lists what there is");
  }
  if (best == nullptr) {
    return fail(ErrorCode::kUnsupported, "this address does not answer " + std::string(to_string(method)) +
                                             "; it answers " + allowed_methods(candidates));
  }
  Match match;
  if (const Endpoint* endpoint = endpoint_for(*best, method)) {
    match.handler = &endpoint->handler;
    match.options = &endpoint->options;
  }
  if (method == Method::kGet) {
    if (best->ws_handler) match.ws_handler = &best->ws_handler;
    if (best->ws_session) match.ws_session = &best->ws_session;
    if (best->is_websocket()) match.ws_options = &best->ws_options;
  }
  match.pattern = best->pattern;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (best->segments[i].is_name) match.params.insert_or_assign(best->segments[i].text, parts[i]);
  }
  return match;
}

}  // namespace morgan::net
