#include "services/admin.h"

#include "base/strings.h"
#include "services/json_format.h"
#include "services/pages.h"

#include <unistd.h>
#include <fstream>

namespace morgan::services {

namespace {

using net::Method;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Resident and virtual size in bytes, of this process; null where the system does not tell.
OrderedJson memory_usage() {
  OrderedJson usage{{"rss", nullptr}, {"vms", nullptr}, {"gpu_memory", nullptr}};
  std::ifstream statm("/proc/self/statm");
  long long pages_virtual = 0;
  long long pages_resident = 0;
  if (statm >> pages_virtual >> pages_resident) {
    const long long page = sysconf(_SC_PAGESIZE);
    usage["rss"] = pages_resident * page;
    usage["vms"] = pages_virtual * page;
  }
  return usage;
}

bool is_engine_service(std::string_view name) {
  return name == "llm" || name == "tts" || name == "stt" || name == "vad";
}

void add_parts(OrderedJson& answer, const std::vector<HealthPart>& parts, bool core) {
  OrderedJson list = OrderedJson::array();
  OrderedJson dependencies = OrderedJson::object();
  for (const HealthPart& part : parts) {
    const std::string status(to_string(part.status));
    OrderedJson entry{{"name", part.name}, {"status", status}, {"required", part.required}};
    if (!part.detail.empty()) entry["detail"] = part.detail;
    list.push_back(std::move(entry));
    dependencies[part.name] = status;
    if (core && is_engine_service(part.name)) dependencies[part.name + "_service"] = status;
  }
  answer["dependencies"] = std::move(dependencies);
  answer["parts"] = std::move(list);
}

// Core's {llm, tts, stt, vad: bool} of the older form: loaded and not unhealthy.
OrderedJson services_of(const std::vector<HealthPart>& parts, const std::vector<engines::EngineInfo>& engines) {
  OrderedJson services;
  for (const std::string_view name : {"llm", "tts", "stt", "vad"}) {
    bool up = std::any_of(engines.begin(), engines.end(), [&](const auto& engine) { return engine.role == name; });
    for (const HealthPart& part : parts) {
      if (part.name == name) up = part.status != HealthStatus::kUnhealthy;
    }
    services[std::string(name)] = up;
  }
  return services;
}

constexpr std::chrono::milliseconds kHealthAge{100};

struct Health {
  HealthStatus status = HealthStatus::kHealthy;
  OrderedJson body;
};

// Monitors may ask faster than anything changes: an answer is good for a moment, and until a request was counted.
// @thread the I/O thread of one service
class HealthAnswers {
 public:
  template <typename Make>
  const net::Response& get(const RequestCounters& counters, const Make& make) {
    const auto now = std::chrono::steady_clock::now();
    const std::uint64_t answered = counters.answered;
    const std::int64_t active = counters.active;
    if (now - made_ >= kHealthAge || answered != answered_ || active != active_) {
      answer_ = make();
      made_ = now;
      answered_ = answered;
      active_ = active;
    }
    return answer_;
  }

 private:
  net::Response answer_;
  std::chrono::steady_clock::time_point made_{};  // long ago
  std::uint64_t answered_ = 0;
  std::int64_t active_ = 0;
};

Health describe_health(const ServiceContext& context, const RequestCounters& counters,
                       const std::function<void(OrderedJson&)>& more_health) {
  const auto parts = context.health ? context.health() : std::vector<HealthPart>{};
  const auto engines = context.engines ? context.engines() : std::vector<engines::EngineInfo>{};
  const std::uint64_t answered = counters.answered;
  const double uptime = seconds_since(context.started);
  Health health{overall_health(parts), {}};
  OrderedJson& body = health.body;
  body["status"] = to_string(health.status);
  body["service"] = context.name;
  body["version"] = context.version;
  body["uptime"] = uptime_text(static_cast<long long>(uptime));
  body["uptime_seconds"] = rounded(uptime);
  body["request_count"] = answered;
  body["active_requests"] = std::max<std::int64_t>(0, counters.active);
  body["error_rate"] =
      answered == 0 ? 0.0 : rounded(static_cast<double>(counters.failed.load()) / static_cast<double>(answered));
  body["models"] = OrderedJson::array();
  for (const auto& engine : engines)
    body["models"].push_back(engine_json(engine));
  add_parts(body, parts, context.name == "core");
  if (context.name == "core") body["services"] = services_of(parts, engines);
  body["memory_usage"] = memory_usage();
  if (more_health) more_health(body);
  return health;
}

net::Response health_response(const Health& health) {
  const bool up = health.status != HealthStatus::kUnhealthy;
  net::Response response = net::Response::json(up ? 200 : 503, dump_json(health.body));
  if (!up) response.headers.emplace("Retry-After", "1");
  response.headers.emplace("Cache-Control", "no-store");
  return response;
}

OrderedJson facts(const ServiceContext& context) {
  return OrderedJson{{"service", context.name},
                     {"name", "Morgan " + context.name},
                     {"version", context.version},
                     {"status", "running"},
                     {"docs", "/docs"},
                     {"openapi", "/openapi.json"},
                     {"health", "/health"},
                     {"metrics", "/metrics"}};
}

OrderedJson version_json(const ServiceContext& context) {
  OrderedJson body{{"service", context.name}, {"version", context.version}, {"commit", context.commit}};
  body["libraries"] = context.versions.is_object() ? context.versions : OrderedJson::object();
  return body;
}

void add_health_routes(ApiRoutes& routes, const std::function<void(OrderedJson&)>& more_health) {
  const auto context = routes.shared_context();
  const auto counters = routes.counters();
  const auto answers = std::make_shared<HealthAnswers>();  // shared with the copies of its handler
  routes.add(
      Method::kGet, "/health",
      {.tag = "service",
       .summary = "Health of the service and its parts",
       .description = "200 when healthy or degraded, 503 when unhealthy.",
       .json_answer = "Health",
       .scope = kOpen},
      [context, counters, more_health, answers](const net::Request&) -> Result<net::Response> {
        return answers->get(*counters,
                            [&] { return health_response(describe_health(*context, *counters, more_health)); });
      },
      ApiRoutes::inline_options());
  routes.add(
      Method::kGet, "/status",
      {.tag = "service", .summary = "As /health, with the time", .json_answer = "Health", .scope = kOpen},
      [context, counters, more_health](const net::Request&) -> Result<net::Response> {
        Health health = describe_health(*context, *counters, more_health);
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        health.body["timestamp"] = rounded(std::chrono::duration<double>(now).count());
        return health_response(health);
      },
      ApiRoutes::inline_options());
  routes.add(
      Method::kGet, "/ready",
      {.tag = "service", .summary = "Whether requests are welcome", .json_answer = "Ready", .scope = kOpen},
      [context](const net::Request&) -> Result<net::Response> {
        const HealthStatus status = overall_health(context->health ? context->health() : std::vector<HealthPart>{});
        const bool ready = status != HealthStatus::kUnhealthy;
        return health_response({status, OrderedJson{{"ready", ready}, {"status", to_string(status)}}});
      },
      ApiRoutes::inline_options());
}

}  // namespace

std::string_view to_string(HealthStatus status) {
  switch (status) {
    case HealthStatus::kHealthy:
      return "healthy";
    case HealthStatus::kDegraded:
      return "degraded";
    case HealthStatus::kUnhealthy:
      return "unhealthy";
  }
  return "unhealthy";
}

HealthStatus overall_health(const std::vector<HealthPart>& parts) {
  HealthStatus overall = HealthStatus::kHealthy;
  for (const HealthPart& part : parts) {
    if (part.status == HealthStatus::kHealthy) continue;
    if (part.status == HealthStatus::kUnhealthy && part.required) return HealthStatus::kUnhealthy;
    overall = HealthStatus::kDegraded;
  }
  return overall;
}

std::string uptime_text(long long seconds) {
  constexpr long long kMinute = 60;
  constexpr long long kHour = 60 * kMinute;
  constexpr long long kDay = 24 * kHour;
  std::string text;
  if (seconds >= kDay) text += std::to_string(seconds / kDay) + " d ";
  if (seconds >= kHour) text += std::to_string(seconds % kDay / kHour) + " h ";
  if (seconds >= kMinute) text += std::to_string(seconds % kHour / kMinute) + " min ";
  return text + std::to_string(seconds % kMinute) + " s";
}

void add_admin_routes(ApiRoutes& routes, const std::function<void(OrderedJson&)>& more_health) {
  const auto context = routes.shared_context();
  const bool has_page = context->name == "core";
  RouteDoc root{.tag = "service", .summary = "Facts about the service", .json_answer = "Facts", .scope = kOpen};
  if (has_page) {
    root.description = "The page of /voice for browsers (Accept: text/html), else JSON.";
    root.other_answers = {"text/html"};
  }
  routes.add(
      Method::kGet, "/", std::move(root),
      [context, has_page](const net::Request& request) -> Result<net::Response> {
        if (has_page && request.header("Accept").find("text/html") != std::string_view::npos) {
          return voice_page();
        }
        return net::Response::json(200, dump_json(facts(*context)));
      },
      ApiRoutes::inline_options());
  if (has_page) add_voice_page_routes(routes);
  add_health_routes(routes, more_health);
  routes.add(
      Method::kGet, "/version",
      {.tag = "service", .summary = "Versions of Morgan and its libraries", .json_answer = "Version", .scope = kOpen},
      [context](const net::Request&) -> Result<net::Response> {
        return net::Response::json(200, dump_json(version_json(*context)));
      },
      ApiRoutes::inline_options());
  routes.add(
      Method::kGet, "/metrics",
      {.tag = "service",
       .summary = "Metrics in Prometheus' text form",
       .other_answers = {"text/plain"},
       .scope = "metrics"},
      [context](const net::Request&) -> Result<net::Response> {
        return net::Response::bytes(context->metrics == nullptr ? "" : context->metrics->scrape(),
                                    "text/plain; version=0.0.4; charset=utf-8");
      },
      ApiRoutes::inline_options());
  routes.add(
      Method::kGet, "/docs",
      {.tag = "service",
       .summary = "These routes as a page to try them",
       .other_answers = {"text/html"},
       .scope = kOpen},
      [](const net::Request&) -> Result<net::Response> { return docs_page(); }, ApiRoutes::inline_options());
}

}  // namespace morgan::services
