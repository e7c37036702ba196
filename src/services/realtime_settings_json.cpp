// What the settings of a Realtime session look like to the client, and what they mean to the conversation.
#include "services/fields.h"
#include "services/flat_tools.h"
#include "services/json_format.h"
#include "services/realtime_settings.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace morgan::services {

namespace {

namespace live = dialogue::live;

constexpr int kPcmRate = 24'000;
constexpr int kTelephoneRate = 8'000;

struct FormatName {
  WireCodec codec;
  std::string_view ga;
  std::string_view beta;
  int rate_hz;
};

constexpr std::array kFormats{FormatName{WireCodec::kPcm16, "audio/pcm", "pcm16", kPcmRate},
                              FormatName{WireCodec::kMuLaw, "audio/pcmu", "g711_ulaw", kTelephoneRate},
                              FormatName{WireCodec::kALaw, "audio/pcma", "g711_alaw", kTelephoneRate}};

const FormatName& name_of(const RealtimeAudioFormat& format) {
  return *std::find_if(kFormats.begin(), kFormats.end(), [&](const auto& f) { return f.codec == format.codec; });
}

OrderedJson turns_json(const TurnDetection& turns) {
  OrderedJson json;
  if (turns.kind == TurnDetection::Kind::kNone) return nullptr;
  if (turns.kind == TurnDetection::Kind::kSemanticVad) {
    json = {{"type", "semantic_vad"}, {"eagerness", turns.eagerness}};
  } else {
    json = {{"type", "server_vad"},
            {"threshold", turns.threshold},
            {"prefix_padding_ms", turns.prefix_padding_ms},
            {"silence_duration_ms", turns.silence_duration_ms},
            {"idle_timeout_ms", turns.idle_timeout_ms ? OrderedJson(*turns.idle_timeout_ms) : OrderedJson(nullptr)}};
  }
  json["create_response"] = turns.create_response;
  json["interrupt_response"] = turns.interrupt_response;
  return json;
}

OrderedJson limit_json(const RealtimeReply& reply) {
  return reply.max_output_tokens ? OrderedJson(*reply.max_output_tokens) : OrderedJson("inf");
}

OrderedJson ga_json(const RealtimeSettings& settings, const std::string& id) {
  OrderedJson input{{"format", format_json(settings.input)},
                    {"transcription", ordered(settings.transcription)},
                    {"noise_reduction", ordered(settings.noise_reduction)},
                    {"turn_detection", turns_json(settings.turns)}};
  if (settings.transcribes_only) {
    return {{"type", "transcription"},
            {"object", "realtime.transcription_session"},
            {"id", id},
            {"expires_at", settings.expires_at},
            {"include", ordered(settings.include)},
            {"audio", {{"input", std::move(input)}}}};
  }
  const RealtimeReply& reply = settings.reply;
  return {
      {"type", "realtime"},
      {"object", "realtime.session"},
      {"id", id},
      {"model", settings.model},
      {"output_modalities", OrderedJson::array({reply.speak ? "audio" : "text"})},
      {"instructions", reply.instructions},
      {"tools", ordered(reply.tools)},
      {"tool_choice", ordered(reply.tool_choice)},
      {"max_output_tokens", limit_json(reply)},
      {"tracing", ordered(settings.tracing)},
      {"prompt", ordered(settings.prompt)},
      {"truncation", ordered(settings.truncation)},
      {"include", ordered(settings.include)},
      {"expires_at", settings.expires_at},
      {"audio",
       {{"input", std::move(input)},
        {"output", {{"format", format_json(reply.output)}, {"voice", reply.voice_name}, {"speed", settings.speed}}}}}};
}

OrderedJson beta_json(const RealtimeSettings& settings, const std::string& id) {
  const RealtimeReply& reply = settings.reply;
  OrderedJson json{{"id", id},
                   {"object", settings.transcribes_only ? "realtime.transcription_session" : "realtime.session"},
                   {"expires_at", settings.expires_at},
                   {"modalities", reply.speak ? OrderedJson::array({"text", "audio"}) : OrderedJson::array({"text"})},
                   {"input_audio_format", beta_format_name(settings.input)},
                   {"input_audio_transcription", ordered(settings.transcription)},
                   {"input_audio_noise_reduction", ordered(settings.noise_reduction)},
                   {"turn_detection", turns_json(settings.turns)}};
  if (settings.transcribes_only) return json;
  json["model"] = settings.model;
  json["instructions"] = reply.instructions;
  json["voice"] = reply.voice_name;
  json["speed"] = settings.speed;
  json["output_audio_format"] = beta_format_name(reply.output);
  json["tools"] = ordered(reply.tools);
  json["tool_choice"] = ordered(reply.tool_choice);
  json["temperature"] = reply.temperature.value_or(0.8);
  json["max_response_output_tokens"] = limit_json(reply);
  return json;
}

/// OpenAI names the silence that ends a turn. Morgan waits less where voice and words say that it is over, and never
/// longer; a client that asks for more patience gets it in both.
live::EndpointLimits limits_of_silence(long long silence_ms) {
  constexpr live::Ms kLeast = 80;
  constexpr double kSureShare = 0.36;  // as Morgan's own limits have it at the 500 ms of OpenAI's default
  live::EndpointLimits limits;
  limits.longest = std::max<live::Ms>(kLeast, silence_ms);
  limits.shortest = std::max(kLeast, std::lround(static_cast<double>(silence_ms) * kSureShare));
  return limits;
}

std::optional<live::EndpointLimits> endpoint_of(const TurnDetection& turns) {
  if (turns.kind == TurnDetection::Kind::kServerVad) {
    if (turns.silence_given) return limits_of_silence(turns.silence_duration_ms);
    return std::nullopt;
  }
  if (turns.eagerness == "high") return live::EndpointLimits{120, 800};
  if (turns.eagerness == "low") return live::EndpointLimits{400, 4'000};
  return std::nullopt;
}

}  // namespace

std::optional<RealtimeAudioFormat> audio_format_of(std::string_view name) {
  for (const FormatName& known : kFormats) {
    if (name == known.ga || name == known.beta) return RealtimeAudioFormat{known.codec, known.rate_hz};
  }
  return std::nullopt;
}

OrderedJson format_json(const RealtimeAudioFormat& format) {
  OrderedJson json{{"type", name_of(format).ga}};
  if (format.codec == WireCodec::kPcm16) json["rate"] = format.rate_hz;
  return json;
}

std::string beta_format_name(const RealtimeAudioFormat& format) {
  return std::string(name_of(format).beta);
}

OrderedJson session_json(const RealtimeSettings& settings, const std::string& id, RealtimeDialect dialect) {
  return dialect == RealtimeDialect::kBeta ? beta_json(settings, id) : ga_json(settings, id);
}

live::ReplyStyle reply_style(const RealtimeReply& reply) {
  live::ReplyStyle style;
  style.speak = reply.speak;
  style.max_tokens = reply.max_output_tokens.value_or(0);
  style.temperature = reply.temperature;
  if (reply.tools.empty() || reply.tool_choice == "none") return style;
  style.tools = chat_tools(reply.tools);
  style.tool_choice = chat_tool_choice(reply.tool_choice);
  return style;
}

live::LiveConfig live_config(const RealtimeSettings& settings) {
  live::LiveConfig config;
  config.user_id = settings.user_id;
  config.voice = settings.reply.voice;
  config.speed = settings.speed;
  config.barge_in = settings.turns.interrupt_response;
  config.answer_turns = settings.turns.create_response && !settings.transcribes_only;
  config.asides = false;
  config.reply = reply_style(settings.reply);
  config.endpoint = endpoint_of(settings.turns);
  config.idle_after = settings.transcribes_only ? 0 : settings.turns.idle_timeout_ms.value_or(0);
  if (settings.transcription.is_object()) {
    const auto language = json_string(settings.transcription, "language");
    if (language && *language) config.language = language_code(**language);
  }
  return config;
}

WireFormat wire_format(const RealtimeSettings& settings) {
  WireFormat format;
  format.input = settings.input.codec;
  format.input_rate_hz = settings.input.rate_hz;
  format.output = settings.reply.output.codec;
  format.output_rate_hz = settings.reply.output.rate_hz;
  return format;
}

}  // namespace morgan::services
