// The tools of a process: what is built in, what is configured, and what runs them.
#pragma once

#include "app/app_config.h"
#include "app/mcp_tools.h"
#include "base/metrics.h"
#include "engines/llm/llm_engine.h"
#include "stores/item_store.h"
#include "tools/timer_service.h"
#include "tools/tool_agent.h"

#include <memory>

namespace morgan::app {

/// In dependency order. Others may add tools to the registry, under a prefix, while it runs.
struct ToolSet {
  cctz::time_zone zone;
  std::unique_ptr<tools::TimerService> timers;
  tools::ToolRegistry registry;
  std::unique_ptr<McpTools> mcp;  // goes when no call runs any more
  std::unique_ptr<tools::ToolRunner> runner;
  std::unique_ptr<tools::ToolAgent> agent;
};

/// @param items  where timers, notes and lists are   @param llm  may be null; all three, with metrics, outlive the
/// tools
/// @error kInvalidArgument  names the key   @error the store's
Result<std::unique_ptr<ToolSet>> load_tools(const ToolsConfig& config,
                                            const std::vector<mcp::ServerConfig>& mcp_servers, stores::ItemStore& items,
                                            engines::LlmEngine* llm, Metrics& metrics);

}  // namespace morgan::app
