// What the five services share: who they are, what they depend on, how they answer /health, /version,
// /metrics, /openapi.json, /docs, and how an Error becomes an HTTP response.
#pragma once

#include "base/json_util.h"
#include "base/metrics.h"
#include "base/result.h"
#include "dialogue/conversation_service.h"
#include "dialogue/live/live_service.h"
#include "engines/embed/embed_engine.h"
#include "engines/llm/llm_engine.h"
#include "engines/stt/stt_engine.h"
#include "engines/tts/tts_engine.h"
#include "engines/turn/turn_engine.h"
#include "engines/vad/vad_engine.h"
#include "net/http_types.h"
#include "net/server.h"
#include "services/webhooks.h"
#include "stores/cache/speech_cache.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace morgan::services {

class RealtimeCalls;
class RealtimeSecrets;

enum class HealthStatus { kHealthy, kDegraded, kUnhealthy };

/// One thing a service depends on.
struct HealthPart {
  std::string name;  ///< "llm", "store"
  HealthStatus status = HealthStatus::kHealthy;
  std::string detail;    ///< why, when it is not healthy
  bool required = true;  ///< unhealthy and required: the service is unhealthy; else degraded
};

struct ServiceContext {
  std::string name;            ///< "core", "llm", "tts", "stt", "vad"
  std::string version;         ///< Morgan's
  std::string commit;          ///< of the build, or "unknown"
  OrderedJson versions;        ///< library to version, for /version
  Metrics* metrics = nullptr;  ///< not owned; shared by the five
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  std::function<std::vector<engines::EngineInfo>()> engines;
  std::function<std::vector<HealthPart>()> health;  ///< must not block: answered on the I/O thread
  std::uint64_t max_upload_bytes = 64'000'000;
  double max_audio_seconds = 3 * 3600.0 - 1;
  std::shared_ptr<RealtimeSecrets> realtime_secrets;  ///< shared with the gate; null: core makes its own
  std::shared_ptr<RealtimeCalls> realtime_calls;      ///< shared with whoever stops them; null: no WebRTC
  std::size_t max_text_chars = 20'000;                ///< of one synthesis or chat text
  stores::SpeechCache* speech_cache = nullptr;        ///< not owned; null: speech is not kept
  Webhooks* webhooks = nullptr;                       ///< not owned; null: nobody is told
};

/// Morgan's error form ({error, message, details, request_id}), or OpenAI's ({error: {message, type,
/// code, param}}) for paths under /v1. The one place that maps an ErrorCode to a status.
net::Response error_response(const Error& error, const net::Request& request);
int http_status(ErrorCode code);
/// "INVALID_INPUT": the error's own reason, else that of its kind.
std::string error_code(const Error& error);

struct ToolServices;

/// What core serves. Null: not loaded, or switched off.
struct CoreParts {
  dialogue::ConversationService& dialogue;
  dialogue::live::LiveService& live;
  engines::LlmEngine* llm = nullptr;
  engines::TtsEngine* tts = nullptr;
  engines::SttEngine* stt = nullptr;
  engines::EmbedEngine* embed = nullptr;
  engines::VadEngine* vad = nullptr;
  const ToolServices* tools = nullptr;
  /// Deletes what is kept of a user beside conversations and memories. @return how many things
  std::function<Result<long long>(const std::string& user_id)> erase_more = nullptr;
};

// Each: the complete routes of one service, with /health, /ready, /version, /metrics, /openapi.json and /docs
// (admin.h). Everything passed outlives the router.
net::Router core_routes(const ServiceContext& context, const CoreParts& parts);
net::Router llm_routes(const ServiceContext& context, engines::LlmEngine* llm, engines::EmbedEngine* embed);
net::Router tts_routes(const ServiceContext& context, engines::TtsEngine& tts);
net::Router stt_routes(const ServiceContext& context, engines::SttEngine& stt, engines::VadEngine* vad);
net::Router vad_routes(const ServiceContext& context, engines::VadEngine& vad, engines::TurnEngine* turn);

}  // namespace morgan::services
