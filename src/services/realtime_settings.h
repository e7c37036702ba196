// What a Realtime session is set to: OpenAI's session object, merged field by field, and what it means to a live
// conversation. docs/clients/openai-realtime.md says what has an effect here.
#pragma once

#include "base/json_util.h"
#include "base/result.h"
#include "dialogue/live/live_types.h"
#include "services/live_wire.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace morgan::services {

/// The names that a client speaks; the two are never mixed in a session.
enum class RealtimeDialect : std::uint8_t { kGa, kBeta };

struct TurnDetection {
  enum class Kind : std::uint8_t { kNone, kServerVad, kSemanticVad };
  Kind kind = Kind::kServerVad;
  double threshold = 0.5;
  long long prefix_padding_ms = 300;
  long long silence_duration_ms = 500;
  bool silence_given = false;  ///< the client has named silence_duration_ms
  std::optional<long long> idle_timeout_ms;
  std::string eagerness = "auto";
  bool create_response = true;
  bool interrupt_response = true;
};

struct RealtimeAudioFormat {
  WireCodec codec = WireCodec::kPcm16;
  int rate_hz = 24'000;
};

/// What a response may set for itself, too.
struct RealtimeReply {
  std::string instructions;
  bool speak = true;
  std::string voice_name;  ///< as the client wrote it
  engines::Voice voice;
  RealtimeAudioFormat output;
  Json tools = Json::array();  ///< as the client wrote them
  Json tool_choice = "auto";
  std::optional<int> max_output_tokens;  ///< nullopt: "inf"
  std::optional<double> temperature;
};

struct RealtimeSettings {
  bool transcribes_only = false;
  std::string model;
  RealtimeReply reply;
  double speed = 1;
  RealtimeAudioFormat input;
  Json transcription;  ///< null: the client does not want to read what was said
  TurnDetection turns;
  Json noise_reduction, tracing, prompt, include;
  Json truncation = "auto";
  long long expires_at = 0;          ///< Unix time in seconds
  std::string user_id = "realtime";  ///< whose turns these are; not the client's to choose

  bool client_takes_turns() const { return turns.kind == TurnDetection::Kind::kNone; }
};

using VoiceFinder = std::function<Result<engines::Voice>(const std::string& name)>;

/// The settings with what `session` says; unknown fields are passed over, null clears.
/// @error kInvalidArgument  with OpenAI's code in `reason` and the field's path in `param`; nothing was applied
Result<RealtimeSettings> merge_session(const RealtimeSettings& settings, const Json& session, RealtimeDialect dialect,
                                       const VoiceFinder& find_voice);

/// The same for the `response` of response.create.
Result<RealtimeReply> merge_response(const RealtimeReply& reply, const Json& response, RealtimeDialect dialect,
                                     const VoiceFinder& find_voice);

/// The whole session object, as session.created has it.
OrderedJson session_json(const RealtimeSettings& settings, const std::string& id, RealtimeDialect dialect);

/// By GA's name or the beta's.
std::optional<RealtimeAudioFormat> audio_format_of(std::string_view name);
OrderedJson format_json(const RealtimeAudioFormat& format);
std::string beta_format_name(const RealtimeAudioFormat& format);

/// How the conversation is to listen and when it is to answer.
dialogue::live::LiveConfig live_config(const RealtimeSettings& settings);
dialogue::live::ReplyStyle reply_style(const RealtimeReply& reply);
WireFormat wire_format(const RealtimeSettings& settings);

}  // namespace morgan::services
