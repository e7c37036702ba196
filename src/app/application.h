// One Morgan process: engines, stores and the services that it was asked to run, each on its port.
#pragma once

#include "app/app_config.h"
#include "app/engine_loader.h"
#include "app/entrance.h"
#include "app/machine_metrics.h"
#include "app/tool_loader.h"
#include "app/upstream_watch.h"
#include "base/metrics.h"
#include "base/result.h"
#include "dialogue/conversation_service.h"
#include "dialogue/live/live_service.h"
#include "models/catalog.h"
#include "net/announcement.h"
#include "net/server.h"
#include "net/tcp_server.h"
#include "services/service.h"
#include "services/wyoming/wyoming_service.h"
#include "stores/cache/cache.h"
#include "stores/cache/speech_cache.h"
#include "stores/conversation_store.h"

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace morgan::app {

inline const std::vector<std::string> kServiceNames{"core", "llm", "tts", "stt", "vad"};

/// Members are declared in dependency order: the servers go first, the engines last.
class Application {
 public:
  /// Takes the ports, loads the engines, opens the store, warms up and begins to answer; every service
  /// is healthy when this returns.
  /// @param services  names from kServiceNames
  /// @error kInvalidArgument  others would be let in without a key, and nothing says that they may
  /// @error kConflict  a port is in use   @error kNotFound, kCorrupt  a model   @error kUnavailable  the store
  static Result<std::unique_ptr<Application>> start(const AppConfig& config, const std::set<std::string>& services);
  ~Application();
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  /// Service to "http://host:port", or "https://..."; "wyoming" to "tcp://host:port".
  std::map<std::string, std::string> addresses() const;
  const EngineSet& engines() const { return engines_; }

  /// Reads the certificate of TLS again. What is in the way is logged, and the one before stays in use.
  void reload_certificate();
  /// Lets running requests finish, then closes everything. Idempotent.
  void stop();

 private:
  Application() = default;
  net::ServerOptions server_options(const std::string& service);
  bool serves_wyoming(const std::set<std::string>& services) const;
  Result<std::unique_ptr<net::TcpServer>> listen_wyoming(net::TcpSessionFactory sessions) const;
  Result<void> open_wyoming();
  void start_wyoming();
  void start_ringing();
  Result<void> check_ports(const std::set<std::string>& services);
  Result<void> open_servers(const std::set<std::string>& services);
  services::ServiceContext context_of(const std::string& service) const;
  std::vector<services::HealthPart> health_of(const std::string& service) const;
  net::Router routes_of(const std::string& service);
  Result<long long> erase_more(const std::string& user_id);
  dialogue::live::LiveParts live_parts();

  AppConfig config_;
  Metrics metrics_;
  std::unique_ptr<MachineMetrics> machine_;
  Entrance entrance_;
  std::shared_ptr<services::RealtimeSecrets> secrets_;  // shared with core's routes
  std::shared_ptr<services::RealtimeCalls> calls_;      // likewise; null: no WebRTC
  models::Catalog catalog_;
  std::unique_ptr<models::ModelStore> models_;
  EngineSet engines_;
  std::unique_ptr<UpstreamWatch> upstreams_;
  std::unique_ptr<stores::Cache> cache_;
  std::unique_ptr<stores::SpeechCache> speech_cache_;
  std::unique_ptr<services::Webhooks> webhooks_;  // null: nobody is told
  std::unique_ptr<stores::ConversationStore> store_;
  std::unique_ptr<stores::MemoryStore> memory_store_;
  std::unique_ptr<dialogue::UserMemories> memories_;
  std::unique_ptr<stores::ItemStore> items_;  // what tools keep; also while they are switched off
  std::unique_ptr<ToolSet> tools_;            // null: switched off
  std::unique_ptr<dialogue::ConversationService> dialogue_;
  std::unique_ptr<dialogue::live::LiveService> live_;
  std::map<std::string, std::unique_ptr<net::Server>> servers_;
  std::unique_ptr<services::WyomingService> wyoming_;
  std::unique_ptr<net::TcpServer> wyoming_server_;
  std::unique_ptr<net::Announcement> announcement_;
  bool stopped_ = false;
};

}  // namespace morgan::app
