// The tools that Morgan offers over MCP: transcribe, speak, ask, remember, recall. What each is for and takes stands
// in mcp_tools.json, which clients are shown as it is.
#pragma once

#include "base/json_util.h"
#include "base/result.h"
#include "base/stop.h"
#include "dialogue/conversation_service.h"
#include "engines/stt/stt_engine.h"
#include "engines/tts/tts_engine.h"
#include "services/service.h"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace morgan::services {

/// What the tools work with; all outlives them. Without stt, tts or memories their tools are not offered.
struct McpParts {
  engines::SttEngine* stt = nullptr;
  engines::TtsEngine* tts = nullptr;
  dialogue::ConversationService* dialogue = nullptr;
  std::shared_ptr<const ServiceContext> context;  ///< shared with the routes
};

struct McpToolAnswer {
  OrderedJson content;     ///< list of content blocks
  OrderedJson structured;  ///< as the tool's outputSchema has it; null: it has none
};

struct McpCall {
  Json arguments;
  StopToken stop;                             ///< cancelled, or the client has gone, or the server stops
  std::shared_ptr<const net::Caller> caller;  ///< who asks; shared with the request
};

/// @thread any, concurrently
struct McpTool {
  std::string name;
  OrderedJson description;  ///< its entry in tools/list
  std::function<Result<McpToolAnswer>(const McpCall& call)> run;
};

std::vector<McpTool> make_mcp_tools(const McpParts& parts);

}  // namespace morgan::services
