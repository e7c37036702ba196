#include "app/application.h"

#include "app/store_opener.h"
#include "app/version.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strings.h"
#include "dialogue/live/turn_recorder.h"
#include "net/host.h"
#include "net/loopback.h"
#include "services/realtime_calls.h"
#include "services/realtime_secrets.h"
#include "services/tool_routes.h"
#include "stores/sqlite/sqlite_item_store.h"

#include <fmt/format.h>
#include <malloc.h>

namespace morgan::app {

namespace {

EngineRoles roles_for(const std::set<std::string>& wanted) {
  EngineRoles roles;
  const bool core = wanted.contains("core");
  // Core without its neighbours is a process of a larger system: they are reached over HTTP.
  const bool alone = core && !wanted.contains("llm") && !wanted.contains("tts") && !wanted.contains("stt");
  roles.over_http = alone;
  roles.llm = core || wanted.contains("llm");
  roles.embed = core || wanted.contains("llm");
  roles.tts = core || wanted.contains("tts");
  roles.stt = core || wanted.contains("stt");
  // Turn taking is core's own, wherever the other engines are.
  roles.vad = core || wanted.contains("stt") || wanted.contains("vad");
  roles.turn = core || wanted.contains("vad");
  return roles;
}

dialogue::live::LiveServiceOptions live_options(const LiveConfig& config) {
  dialogue::live::LiveServiceOptions options;
  options.max_sessions = static_cast<std::size_t>(config.max_sessions);
  options.max_streams = static_cast<std::size_t>(config.max_streams);
  return options;
}

std::filesystem::path recordings() {
  return morgan_home() / "turns";
}

/// Null when no address is configured. Each process has a queue of its own, named after its services: of one home there
/// is one each.
std::unique_ptr<services::Webhooks> make_webhooks(const WebhookConfig& config, const std::set<std::string>& services) {
  services::WebhookOptions options;
  for (const std::string& url : split(config.urls, ',')) {
    if (const std::string_view address = trim(url); !address.empty()) options.urls.emplace_back(address);
  }
  if (options.urls.empty()) return nullptr;
  options.secret = config.secret;
  options.folder = morgan_home() / "webhooks" / fmt::format("{}", fmt::join(services, "-"));
  return std::make_unique<services::Webhooks>(std::move(options));
}

std::vector<Upstream> upstreams_of(const AppConfig& config, const EngineRoles& roles) {
  if (roles.over_http) {
    const ClientConfig& client = config.client;
    return {{"llm", config.core.llm_url, client.api_key, client.ca_file},
            {"tts", config.core.tts_url, client.api_key, client.ca_file},
            {"stt", config.core.stt_url, client.api_key, client.ca_file}};
  }
  std::vector<Upstream> upstreams;
  const auto add = [&](const char* role, bool wanted, const std::string& backend, const UpstreamConfig& upstream) {
    if (wanted && backend == "openai")
      upstreams.push_back({role, upstream.base_url, upstream.api_key, config.client.ca_file});
  };
  add("llm", roles.llm, config.llm.backend, config.llm.upstream);
  add("stt", roles.stt, config.stt.backend, config.stt.upstream);
  add("tts", roles.tts, config.tts.backend, config.tts.upstream);
  add("embed", roles.embed, config.embed.backend, config.embed.upstream);
  return upstreams;
}

std::uint16_t port_of(const ServerConfig& server, const std::string& service) {
  if (service == "core") return server.core_port;
  if (service == "llm") return server.llm_port;
  if (service == "tts") return server.tts_port;
  if (service == "stt") return server.stt_port;
  return server.vad_port;
}

/// Where HTTP is reached, WebRTC is.
net::RtcOptions rtc_options(const AppConfig& config) {
  const std::string& host = config.server.host;
  net::RtcOptions options;
  if (host == "localhost") {
    options.bind_address = "127.0.0.1";
  } else if (host != "0.0.0.0" && host != "::") {
    options.bind_address = host;
  }
  options.port = static_cast<std::uint16_t>(config.live.webrtc_port);
  options.advertised = config.live.webrtc_address;
  return options;
}

dialogue::DialogueOptions dialogue_options(const DialogueConfig& config) {
  dialogue::DialogueOptions options;
  options.system_prompt = config.system_prompt;
  options.max_history_messages = config.max_history_messages;
  options.max_tokens = config.max_tokens;
  options.temperature = config.temperature;
  return options;
}

std::string milliseconds_since(std::chrono::steady_clock::time_point begin) {
  return std::to_string(
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin).count());
}

services::HealthPart part_of(const char* name, const stores::StoreHealth& health, bool required) {
  using services::HealthStatus;
  const HealthStatus status = health.state == stores::StoreState::kHealthy    ? HealthStatus::kHealthy
                              : health.state == stores::StoreState::kDegraded ? HealthStatus::kDegraded
                                                                              : HealthStatus::kUnhealthy;
  return {name, status, health.detail, required};
}

}  // namespace

Result<std::unique_ptr<Application>> Application::start(const AppConfig& config,
                                                        const std::set<std::string>& services) {
  const auto begin = std::chrono::steady_clock::now();
  std::unique_ptr<Application> app(new Application());
  app->config_ = config;
  MORGAN_CHECK_OK(app->check_ports(services));
  MORGAN_TRY(app->entrance_, open_entrance(config, app->serves_wyoming(services)));
  app->secrets_ = std::make_shared<services::RealtimeSecrets>();
  if (config.live.webrtc) {
    app->calls_ = std::make_shared<services::RealtimeCalls>(
        rtc_options(config),
        [&gate = *app->entrance_.gate](const net::Caller& caller) { return gate.still_counts(caller); });
  }
  app->entrance_.gate->set_secrets(
      [secrets = app->secrets_](const std::string& secret) { return secrets->maker_of(secret); });
  MORGAN_TRY(app->catalog_, models::Catalog::with_user_file(morgan_home() / "catalog.toml"));
  app->models_ = std::make_unique<models::ModelStore>(morgan_home(), app->catalog_);
  EngineRoles roles = roles_for(services);
  roles.wake = app->serves_wyoming(services) && config.wyoming.wake_words;
  MORGAN_TRY(app->engines_, load_engines(config, *app->models_, roles));
  app->upstreams_ = std::make_unique<UpstreamWatch>(upstreams_of(config, roles));
  MORGAN_TRY(app->cache_, open_cache(config.cache, app->metrics_));
  if (services.contains("core") || services.contains("tts")) {
    auto speech = open_speech_cache(config.cache, *app->cache_, app->metrics_);
    if (speech) app->speech_cache_ = std::move(*speech);
    if (!speech) log::warn("app", "speech is not kept", {{"why", speech.error().message}});
  }
  app->webhooks_ = make_webhooks(config.webhooks, services);
  if (services.contains("core")) {
    MORGAN_TRY(app->store_, open_store(config.store, *app->cache_, app->metrics_));
    EngineSet& engines = app->engines_;
    MORGAN_TRY(app->memory_store_, open_memory_store(config.store));
    app->memories_ = std::make_unique<dialogue::UserMemories>(*app->memory_store_, engines.embed.get());
    MORGAN_TRY(app->items_, stores::open_sqlite_items(sqlite_file(config.store)));
    if (config.tools.enabled) {
      MORGAN_TRY(app->tools_,
                 load_tools(config.tools, config.mcp_servers, *app->items_, engines.llm.get(), app->metrics_));
    }
    dialogue::DialogueOptions options = dialogue_options(config.dialogue);
    dialogue::live::LiveServiceOptions live = live_options(config.live);
    if (services::Webhooks* hooks = app->webhooks_.get()) {
      options.on_conversation = [hooks](const std::string& user, const std::string& language) {
        hooks->conversation_start(user, "api", language);
      };
      live.on_open = [hooks](const std::string& user, const std::string& language) {
        hooks->conversation_start(user, "websocket", language);
      };
      live.on_close = [hooks](const std::string& user, double seconds) {
        hooks->conversation_end(user, "websocket", seconds);
      };
    }
    app->dialogue_ = std::make_unique<dialogue::ConversationService>(
        std::move(options), engines.stt.get(), engines.llm.get(), engines.tts.get(), app->store_.get(), &app->metrics_,
        app->memories_.get(), app->tools_ ? app->tools_->agent.get() : nullptr);
    if (const Result<void> warm = app->dialogue_->warm_up(); !warm) {
      log::warn("app", "the language model could not be warmed up", {{"why", warm.error().message}});
    }
    app->live_ = std::make_unique<dialogue::live::LiveService>(app->live_parts(), std::move(live), &app->metrics_);
  }
  auto gpus = GpuProbe::open();
  app->machine_ = std::make_unique<MachineMetrics>(app->metrics_, gpus ? std::move(*gpus) : nullptr);
  MORGAN_CHECK_OK(app->open_servers(services));
  if (app->serves_wyoming(services)) MORGAN_CHECK_OK(app->open_wyoming());
  // Loading passes whole models through the heap: what was only on its way goes back to the system.
  ::malloc_trim(0);
  for (const auto& [name, server] : app->servers_)
    server->start();
  if (app->wyoming_server_) app->start_wyoming();
  if (app->tools_) app->start_ringing();
  log::info("app", "ready", {{"ms", milliseconds_since(begin)}, {"services", std::to_string(services.size())}});
  return app;
}

Application::~Application() {
  stop();
}

net::ServerOptions Application::server_options(const std::string& service) {
  net::ServerOptions options;
  options.name = service;
  options.host = config_.server.host;
  options.port = port_of(config_.server, service);
  options.worker_threads = static_cast<std::size_t>(config_.server.worker_threads);
  options.queue_limit = static_cast<std::size_t>(config_.server.queue_limit);
  // Who finds no room is told so over a socket of his own.
  constexpr std::size_t kToldThatItIsFull = 100;
  options.max_ws_sessions =
      std::max(options.max_ws_sessions, static_cast<std::size_t>(config_.live.max_sessions) + kToldThatItIsFull);
  options.error_response = services::error_response;
  options.allowed_origins = entrance_.allowed_origins;
  options.tls = entrance_.tls;
  if (entrance_.gate) {
    options.gate = [&gate = *entrance_.gate, service](const net::Request& request, const net::RouteAccess& access) {
      return gate.admit(service, request, access);
    };
    options.still_welcome = [&gate = *entrance_.gate](const net::Caller& caller) { return gate.still_counts(caller); };
  }
  options.observer = [this, service](const net::Request& request, std::string_view pattern, int status,
                                     double seconds) {
    metrics_.count("morgan_requests_total",
                   {{"service", service}, {"endpoint", std::string(pattern)}, {"status", std::to_string(status)}});
    metrics_.observe_seconds("morgan_request_duration_seconds",
                             {{"service", service}, {"endpoint", std::string(pattern)}}, seconds);
    entrance_.gate->answered(service, request, pattern, status, seconds);
    log::debug(service, "request",
               {{"method", std::string(net::to_string(request.method))},
                {"path", std::string(pattern)},
                {"status", std::to_string(status)},
                {"request_id", request.request_id}});
  };
  return options;
}

Result<void> Application::check_ports(const std::set<std::string>& services) {
  // Taken for a moment only: loading the engines first would make a port in use a late surprise, and
  // an open port that nobody answers yet would leave early clients hanging.
  std::vector<std::unique_ptr<net::Server>> probes;
  for (const std::string& service : services) {
    MORGAN_TRY(auto probe, net::Server::listen(server_options(service), net::Router()));
    probes.push_back(std::move(probe));
  }
  std::unique_ptr<net::TcpServer> wyoming_probe;
  if (serves_wyoming(services)) {
    MORGAN_TRY(wyoming_probe, listen_wyoming([](std::shared_ptr<net::TcpPeer>) { return nullptr; }));
  }
  return {};
}

Result<void> Application::open_servers(const std::set<std::string>& services) {
  for (const std::string& service : services) {
    MORGAN_TRY(auto server, net::Server::listen(server_options(service), routes_of(service)));
    servers_.emplace(service, std::move(server));
  }
  return {};
}

bool Application::serves_wyoming(const std::set<std::string>& services) const {
  return config_.wyoming.enabled && services.contains("core");
}

Result<std::unique_ptr<net::TcpServer>> Application::listen_wyoming(net::TcpSessionFactory sessions) const {
  net::TcpServerOptions options;
  options.name = "wyoming";
  options.host = wyoming_host(config_);
  options.port = config_.wyoming.port;
  options.max_connections = static_cast<std::size_t>(config_.wyoming.max_connections);
  auto server = net::TcpServer::listen(std::move(options), std::move(sessions));
  if (server || server.error().code != ErrorCode::kConflict) return server;
  // The port is the one that every speech-to-text server for Home Assistant has.
  return fail(ErrorCode::kConflict,
              fmt::format("port {} is already in use; stop the program that holds it (ss -ltnp shows it), set "
                          "wyoming.port, or wyoming.enabled = false",
                          config_.wyoming.port));
}

Result<void> Application::open_wyoming() {
  services::WyomingParts parts;
  parts.stt = engines_.stt.get();
  parts.tts = engines_.tts.get();
  parts.vad = engines_.vad.get();
  parts.wake = engines_.wake.get();
  parts.dialogue = dialogue_.get();
  parts.metrics = &metrics_;
  parts.version = version();
  parts.max_audio_seconds = config_.server.max_audio_seconds;
  services::WyomingOptions options;
  options.threads = static_cast<std::size_t>(config_.server.worker_threads);
  options.max_connections = static_cast<std::size_t>(config_.wyoming.max_connections);
  wyoming_ = std::make_unique<services::WyomingService>(std::move(parts), options);
  MORGAN_TRY(wyoming_server_, listen_wyoming(wyoming_->sessions()));
  return {};
}

void Application::start_wyoming() {
  wyoming_server_->start();
  // What only this machine reaches is of no use to others.
  if (!config_.wyoming.announce || net::is_loopback_host(wyoming_host(config_))) return;
  announcement_ =
      net::Announcement::start({"Morgan on " + net::own_host_name(), "_wyoming._tcp", wyoming_server_->port()});
}

services::ServiceContext Application::context_of(const std::string& service) const {
  services::ServiceContext context;
  context.name = service;
  context.version = version();
  context.commit = commit();
  context.versions = library_versions();
  context.metrics = const_cast<Metrics*>(&metrics_);
  context.engines = [this, service] {
    std::vector<engines::EngineInfo> of_service;
    for (engines::EngineInfo& info : engines_.infos()) {
      const bool belongs = service == "core" || info.role == service || (service == "llm" && info.role == "embed") ||
                           (service == "vad" && info.role == "turn") || (service == "stt" && info.role == "vad");
      if (belongs) of_service.push_back(std::move(info));
    }
    return of_service;
  };
  context.health = [this, service] { return health_of(service); };
  context.realtime_secrets = secrets_;
  context.realtime_calls = calls_;
  context.max_upload_bytes = static_cast<std::uint64_t>(config_.server.max_upload_mb) * 1'000'000;
  context.max_audio_seconds = config_.server.max_audio_seconds;
  context.speech_cache = speech_cache_.get();
  context.webhooks = webhooks_.get();
  return context;
}

std::vector<services::HealthPart> Application::health_of(const std::string& service) const {
  using services::HealthPart;
  using services::HealthStatus;
  std::vector<HealthPart> parts;
  const auto loaded = [&](const std::string& name, bool present) {
    if (!present) return;
    const std::string trouble = upstreams_->trouble(name);
    parts.push_back({name, trouble.empty() ? HealthStatus::kHealthy : HealthStatus::kUnhealthy, trouble, true});
  };
  const bool core = service == "core";
  if (core || service == "stt") loaded("stt", engines_.stt != nullptr);
  if (core || service == "llm") loaded("llm", engines_.llm != nullptr);
  if (core || service == "tts") loaded("tts", engines_.tts != nullptr);
  if (core || service == "vad" || service == "stt") loaded("vad", engines_.vad != nullptr);
  if (core || service == "llm") loaded("embed", engines_.embed != nullptr);
  if (service == "vad") loaded("turn", engines_.turn != nullptr);
  for (const MissingPart& part : engines_.missing) {
    const bool belongs = core || (service == "tts" && (part.name == "piper" || part.name == "kokoro")) ||
                         (service == "llm" && part.name == "embed") || (service == "vad" && part.name == "turn");
    if (belongs) parts.push_back({part.name, HealthStatus::kUnhealthy, part.why, false});
  }
  if (core && store_) parts.push_back(part_of("store", store_->health(), true));
  if (core && tools_) {
    for (HealthPart& part : tools_->mcp->health())
      parts.push_back(std::move(part));
  }
  if (core || service == "tts") parts.push_back(part_of("cache", cache_->health(), false));
  return parts;
}

dialogue::live::LiveParts Application::live_parts() {
  dialogue::live::LiveParts parts;
  parts.vad = engines_.vad.get();
  parts.turn = engines_.turn.get();
  parts.stt = engines_.stt.get();
  parts.llm = engines_.llm.get();
  parts.tts = engines_.tts.get();
  parts.store = store_.get();
  parts.memories = memories_.get();
  parts.tools = tools_ ? tools_->agent.get() : nullptr;
  parts.dialogue = dialogue_options(config_.dialogue);
  const LiveConfig& live = config_.live;
  dialogue::live::LiveOptions& options = parts.options;
  options.endpoint.shortest = live.min_wait_ms;
  options.endpoint.longest = live.max_wait_ms;
  options.limits.longest_wait = live.max_wait_ms;
  options.limits.longest_turn = dialogue::live::Ms{live.max_turn_seconds} * 1000;
  options.limits.filler_after = live.filler_ms;
  options.limits.idle_prompt_after = dialogue::live::Ms{live.idle_prompt_seconds} * 1000;
  options.pacer.lead = std::chrono::milliseconds(live.lead_ms);
  if (live.record_turns) options.recordings = recordings();
  return parts;
}

/// What is kept of a user beside conversations and memories, also by what is switched off now.
Result<long long> Application::erase_more(const std::string& user_id) {
  long long timers = 0;
  if (tools_) {
    MORGAN_TRY(timers, tools_->timers->forget(user_id));
  }
  MORGAN_TRY(const long long kept, items_->erase(user_id));
  return timers + kept + live_->forget_turns(user_id) + dialogue::live::erase_turns(recordings(), user_id);
}

net::Router Application::routes_of(const std::string& service) {
  const services::ServiceContext context = context_of(service);
  if (service == "core") {
    std::optional<services::ToolServices> tools;
    if (tools_) tools = {tools_->agent.get(), tools_->timers.get(), items_.get(), tools_->zone};
    services::CoreParts parts{*dialogue_, *live_};
    parts.llm = engines_.llm.get();
    parts.tts = engines_.tts.get();
    parts.stt = engines_.stt.get();
    parts.embed = engines_.embed.get();
    parts.vad = engines_.vad.get();
    parts.tools = tools ? &*tools : nullptr;
    parts.erase_more = [this](const std::string& user_id) { return erase_more(user_id); };
    return services::core_routes(context, parts);
  }
  if (service == "llm") return services::llm_routes(context, engines_.llm.get(), engines_.embed.get());
  if (service == "tts") return services::tts_routes(context, *engines_.tts);
  if (service == "stt") return services::stt_routes(context, *engines_.stt, engines_.vad.get());
  return services::vad_routes(context, *engines_.vad, engines_.turn.get());
}

std::map<std::string, std::string> Application::addresses() const {
  std::map<std::string, std::string> all;
  for (const auto& [name, server] : servers_)
    all[name] = fmt::format("{}://{}:{}", entrance_.tls ? "https" : "http", config_.server.host, server->port());
  if (wyoming_server_) all["wyoming"] = fmt::format("tcp://{}:{}", wyoming_host(config_), wyoming_server_->port());
  return all;
}

/// Whoever is in a live conversation hears it; without one it waits for the next.
void Application::start_ringing() {
  tools_->timers->start([this](const tools::Timer& timer, const std::string& words, std::function<void()> heard) {
    const auto wanted = [&timers = *tools_->timers, id = timer.id] { return timers.is_ringing(id); };
    return live_->announce(timer.user_id, {timer.id, words, wanted, std::move(heard)}) > 0;
  });
}

void Application::reload_certificate() {
  if (!entrance_.tls) return log::info("tls", "there is no certificate to read again: Morgan began without TLS");
  const Result<void> done = entrance_.tls->reload();
  if (done) return log::info("tls", "the certificate was read again");
  log::error("tls", "the certificate cannot be used; the one before stays in use", {{"why", done.error().message}});
}

void Application::stop() {
  if (stopped_) return;
  stopped_ = true;
  if (tools_) tools_->timers->stop();
  const std::chrono::milliseconds grace(config_.server.shutdown_grace_ms);
  // All at once: five servers in a row could take five times the grace.
  std::vector<std::jthread> stopping;
  for (const auto& [name, server] : servers_) {
    stopping.emplace_back([&server = *server, grace] { server.stop(grace); });
  }
  if (calls_) stopping.emplace_back([this, grace] { calls_->stop(grace); });
  announcement_.reset();
  if (wyoming_server_) {
    stopping.emplace_back([this, grace] {
      wyoming_server_->stop(grace);
      wyoming_->stop();
    });
  }
}

}  // namespace morgan::app
