#include "app/tool_loader.h"

#include "base/file.h"
#include "base/strings.h"
#include "tools/builtin_tools.h"
#include "tools/local_time.h"
#include "tools/remote/remote_tools.h"
#include "tools/timer_words.h"

namespace morgan::app {

namespace {

Result<std::string> home_assistant_token(const ToolsConfig& config) {
  if (config.home_assistant_token_file.empty()) return config.home_assistant_token;
  constexpr std::size_t kMostTokenBytes = 10'000;
  auto token = read_file(config.home_assistant_token_file, kMostTokenBytes);
  if (!token) {
    return fail(token.error().code, "tools.home_assistant_token_file: " + token.error().message);
  }
  return std::string(trim(*token));
}

Result<void> add_remote_tools(const ToolsConfig& config, ToolSet& set) {
  if (!config.weather_url.empty()) {
    MORGAN_CHECK_OK(tools::add_weather_tool(
        set.registry, {config.weather_url, config.geocoding_url, config.weather_place}, set.zone));
  }
  if (!config.search_url.empty()) MORGAN_CHECK_OK(tools::add_search_tool(set.registry, {config.search_url}));
  if (config.home_assistant_url.empty()) return {};
  MORGAN_TRY(std::string token, home_assistant_token(config));
  if (token.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "tools.home_assistant_url is set, but no token; make a long-lived access token in your profile in Home "
                "Assistant, and set tools.home_assistant_token or tools.home_assistant_token_file");
  }
  return tools::add_home_assistant_tools(set.registry, {config.home_assistant_url, std::move(token)});
}

}  // namespace

Result<std::unique_ptr<ToolSet>> load_tools(const ToolsConfig& config,
                                            const std::vector<mcp::ServerConfig>& mcp_servers, stores::ItemStore& items,
                                            engines::LlmEngine* llm, Metrics& metrics) {
  auto set = std::make_unique<ToolSet>();
  auto zone = tools::zone_named(config.time_zone);
  if (!zone) return fail(zone.error().code, "tools.time_zone: " + zone.error().message);
  set->zone = *zone;
  MORGAN_TRY(tools::ToolPolicy policy, tools::ToolPolicy::parse(config.rules));
  const auto words = [zone = set->zone](const tools::Timer& timer, tools::WallTime now) {
    return tools::ring_words(timer, now, zone);
  };
  MORGAN_TRY(set->timers, tools::TimerService::open(items, tools::TimerClock::real(), words));
  MORGAN_CHECK_OK(tools::add_builtin_tools(set->registry, {set->zone, &items, set->timers.get()}));
  MORGAN_CHECK_OK(add_remote_tools(config, *set));
  set->mcp = std::make_unique<McpTools>(mcp_servers, set->registry);
  set->runner = std::make_unique<tools::ToolRunner>(set->registry, std::move(policy), metrics,
                                                    [] { return std::chrono::system_clock::now(); });
  set->agent = std::make_unique<tools::ToolAgent>(*set->runner, config.ask_model ? llm : nullptr, set->zone);
  return set;
}

}  // namespace morgan::app
