#include "services/realtime_settings.h"

#include "base/strings.h"
#include "services/fields.h"
#include "services/flat_tools.h"
#include "services/realtime_fields.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace morgan::services {

namespace {

constexpr double kMinSpeed = 0.25;
constexpr double kMaxSpeed = 1.5;
constexpr long long kMostTokens = 4096;
constexpr std::size_t kMostInstructions = 100'000;

/// GA: {type, rate}; beta, and what people write: the name alone.
Result<void> read_format(const RealtimeFields& fields, std::string_view name, RealtimeAudioFormat& format) {
  if (!fields.has(name) || fields.is_null(name)) return {};
  std::string wanted;
  if (fields[name].is_string()) {
    wanted = fields[name].get<std::string>();
  } else {
    MORGAN_TRY(const Json* object, fields.object(name));
    const RealtimeFields inside(*object, fields.path(name));
    MORGAN_TRY(wanted, inside.required_text("type"));
    MORGAN_TRY(const auto rate, inside.integer("rate", 1, 1'000'000));
    const auto known = audio_format_of(wanted);
    if (rate && known && *rate != known->rate_hz)
      return inside.invalid("rate", "the rate of '" + wanted + "' is " + std::to_string(known->rate_hz) + " Hz");
  }
  if (const auto known = audio_format_of(wanted)) {
    format = *known;
    return {};
  }
  return fields.invalid(name,
                        "audio format '" + wanted + "' is not known; expected audio/pcm, audio/pcmu or audio/pcma");
}

Result<void> read_turns(const RealtimeFields& fields, TurnDetection& turns) {
  if (!fields.has("turn_detection")) return {};
  if (fields.is_null("turn_detection")) {
    turns.kind = TurnDetection::Kind::kNone;
    return {};
  }
  MORGAN_TRY(const Json* object, fields.object("turn_detection"));
  const RealtimeFields inside(*object, fields.path("turn_detection"));
  MORGAN_TRY(const auto type, inside.word("type", {"server_vad", "semantic_vad", "none"}));
  if (type && *type == "none") {
    turns.kind = TurnDetection::Kind::kNone;
    return {};
  }
  const auto kind = type && *type == "semantic_vad"            ? TurnDetection::Kind::kSemanticVad
                    : type                                     ? TurnDetection::Kind::kServerVad
                    : turns.kind == TurnDetection::Kind::kNone ? TurnDetection::Kind::kServerVad
                                                               : turns.kind;
  // Another kind begins with its own values.
  if (kind != turns.kind) turns = {};
  turns.kind = kind;
  MORGAN_TRY(const auto threshold, inside.number("threshold", 0, 1));
  MORGAN_TRY(const auto padding, inside.integer("prefix_padding_ms", 0, 10'000));
  MORGAN_TRY(const auto silence, inside.integer("silence_duration_ms", 0, 10'000));
  MORGAN_TRY(const auto idle, inside.integer("idle_timeout_ms", 5'000, 30'000));
  MORGAN_TRY(const auto eagerness, inside.word("eagerness", {"low", "medium", "high", "auto"}));
  MORGAN_TRY(const auto create, inside.boolean("create_response"));
  MORGAN_TRY(const auto interrupt, inside.boolean("interrupt_response"));
  if (threshold) turns.threshold = *threshold;
  if (padding) turns.prefix_padding_ms = *padding;
  if (silence) {
    turns.silence_duration_ms = *silence;
    turns.silence_given = true;
  }
  if (inside.has("idle_timeout_ms")) turns.idle_timeout_ms = idle;
  if (eagerness) turns.eagerness = *eagerness;
  if (create) turns.create_response = *create;
  if (interrupt) turns.interrupt_response = *interrupt;
  return {};
}

Result<void> read_transcription(const RealtimeFields& fields, std::string_view name, Json& transcription) {
  if (!fields.has(name)) return {};
  MORGAN_TRY(const Json* object, fields.object(name));
  if (object == nullptr) {
    transcription = nullptr;
    return {};
  }
  const RealtimeFields inside(*object, fields.path(name));
  for (const std::string_view text : {"model", "language", "prompt"}) {
    MORGAN_TRY(const auto checked, inside.text(text));
    static_cast<void>(checked);
  }
  if (transcription.is_null()) transcription = Json::object();
  transcription.update(*object);
  return {};
}

Result<void> read_voice(const RealtimeFields& fields, RealtimeReply& reply, const VoiceFinder& find_voice) {
  if (!fields.has("voice") || fields.is_null("voice")) return {};
  std::string name;
  if (fields["voice"].is_object()) {
    MORGAN_TRY(name, RealtimeFields(fields["voice"], fields.path("voice")).required_text("id"));
  } else {
    MORGAN_TRY(name, fields.required_text("voice"));
  }
  auto voice = find_voice(name);
  if (!voice && voice.error().code != ErrorCode::kNotFound) return fail(std::move(voice).error());
  if (!voice) return fields.invalid("voice", voice.error().message);
  reply.voice = std::move(*voice);
  reply.voice_name = std::move(name);
  return {};
}

Result<void> read_modalities(const RealtimeFields& fields, std::string_view name, RealtimeReply& reply) {
  MORGAN_TRY(const Json* list, fields.list(name));
  if (list == nullptr) return {};
  bool speak = false;
  for (const Json& entry : *list) {
    if (entry != "audio" && entry != "text") return fields.invalid(name, "modalities are \"audio\" and \"text\"");
    speak = speak || entry == "audio";
  }
  if (list->empty()) return fields.invalid(name, "at least one modality is needed: [\"audio\"] or [\"text\"]");
  // GA: not both. Who asks for both, as the beta does, gets the voice, and its text with it.
  reply.speak = speak;
  return {};
}

Result<void> read_limit(const RealtimeFields& fields, std::string_view name, RealtimeReply& reply) {
  if (!fields.has(name)) return {};
  if (fields.is_null(name) || fields[name] == "inf") {
    reply.max_output_tokens.reset();
    return {};
  }
  MORGAN_TRY(const auto limit, fields.integer(name, 1, kMostTokens));
  reply.max_output_tokens = static_cast<int>(*limit);
  return {};
}

/// What the session and a response share: everything about answers but the audio.
Result<void> read_reply(const RealtimeFields& fields, RealtimeDialect dialect, RealtimeReply& reply) {
  MORGAN_TRY(const auto instructions, fields.text("instructions"));
  if (instructions && instructions->size() > kMostInstructions)
    return fields.invalid("instructions", "the instructions are longer than 100000 bytes");
  if (instructions || fields.is_null("instructions")) reply.instructions = instructions.value_or("");
  MORGAN_CHECK_OK(read_modalities(fields, "output_modalities", reply));
  MORGAN_CHECK_OK(read_modalities(fields, "modalities", reply));
  MORGAN_CHECK_OK(read_flat_tools(fields, reply.tools, reply.tool_choice));
  MORGAN_CHECK_OK(read_limit(fields, "max_output_tokens", reply));
  MORGAN_CHECK_OK(read_limit(fields, "max_response_output_tokens", reply));
  if (dialect == RealtimeDialect::kBeta) {
    MORGAN_TRY(const auto temperature, fields.number("temperature", 0, 2));
    if (temperature) reply.temperature = temperature;
  }
  return {};
}

/// The beta has in one place what GA has in audio.input and audio.output.
Result<void> read_beta_audio(const RealtimeFields& fields, RealtimeSettings& settings, const VoiceFinder& find_voice) {
  MORGAN_CHECK_OK(read_format(fields, "input_audio_format", settings.input));
  MORGAN_CHECK_OK(read_format(fields, "output_audio_format", settings.reply.output));
  MORGAN_CHECK_OK(read_transcription(fields, "input_audio_transcription", settings.transcription));
  MORGAN_CHECK_OK(read_turns(fields, settings.turns));
  MORGAN_CHECK_OK(read_voice(fields, settings.reply, find_voice));
  if (fields.has("input_audio_noise_reduction")) settings.noise_reduction = fields["input_audio_noise_reduction"];
  MORGAN_TRY(const auto speed, fields.number("speed", kMinSpeed, kMaxSpeed));
  if (speed) settings.speed = *speed;
  return {};
}

Result<void> read_ga_audio(const RealtimeFields& fields, RealtimeSettings& settings, const VoiceFinder& find_voice) {
  MORGAN_TRY(const Json* audio, fields.object("audio"));
  if (audio == nullptr) return {};
  const RealtimeFields both(*audio, fields.path("audio"));
  MORGAN_TRY(const Json* input, both.object("input"));
  if (input != nullptr) {
    const RealtimeFields in(*input, both.path("input"));
    MORGAN_CHECK_OK(read_format(in, "format", settings.input));
    MORGAN_CHECK_OK(read_transcription(in, "transcription", settings.transcription));
    MORGAN_CHECK_OK(read_turns(in, settings.turns));
    if (in.has("noise_reduction")) settings.noise_reduction = in["noise_reduction"];
  }
  MORGAN_TRY(const Json* output, both.object("output"));
  if (output == nullptr) return {};
  const RealtimeFields out(*output, both.path("output"));
  MORGAN_CHECK_OK(read_format(out, "format", settings.reply.output));
  MORGAN_CHECK_OK(read_voice(out, settings.reply, find_voice));
  MORGAN_TRY(const auto speed, out.number("speed", kMinSpeed, kMaxSpeed));
  if (speed) settings.speed = *speed;
  return {};
}

}  // namespace

Result<RealtimeSettings> merge_session(const RealtimeSettings& settings, const Json& session, RealtimeDialect dialect,
                                       const VoiceFinder& find_voice) {
  RealtimeSettings next = settings;
  const RealtimeFields fields(session, "session");
  MORGAN_TRY(const auto type, fields.word("type", {"realtime", "transcription"}));
  if (type) next.transcribes_only = *type == "transcription";
  MORGAN_TRY(const auto model, fields.text("model"));
  if (model) next.model = *model;
  MORGAN_CHECK_OK(read_reply(fields, dialect, next.reply));
  if (dialect == RealtimeDialect::kBeta) {
    MORGAN_CHECK_OK(read_beta_audio(fields, next, find_voice));
  }
  MORGAN_CHECK_OK(read_ga_audio(fields, next, find_voice));
  if (fields.has("tracing")) next.tracing = fields["tracing"];
  if (fields.has("prompt")) next.prompt = fields["prompt"];
  if (fields.has("include")) next.include = fields["include"];
  if (fields.has("truncation")) next.truncation = fields["truncation"];
  if (next.transcribes_only && next.transcription.is_null()) next.transcription = Json::object();
  return next;
}

Result<RealtimeReply> merge_response(const RealtimeReply& reply, const Json& response, RealtimeDialect dialect,
                                     const VoiceFinder& find_voice) {
  RealtimeReply next = reply;
  const RealtimeFields fields(response, "response");
  MORGAN_CHECK_OK(read_reply(fields, dialect, next));
  if (dialect == RealtimeDialect::kBeta) {
    MORGAN_CHECK_OK(read_voice(fields, next, find_voice));
    MORGAN_CHECK_OK(read_format(fields, "output_audio_format", next.output));
  }
  MORGAN_TRY(const Json* audio, fields.object("audio"));
  if (audio == nullptr) return next;
  const RealtimeFields both(*audio, fields.path("audio"));
  MORGAN_TRY(const Json* output, both.object("output"));
  if (output == nullptr) return next;
  const RealtimeFields out(*output, both.path("output"));
  MORGAN_CHECK_OK(read_voice(out, next, find_voice));
  MORGAN_CHECK_OK(read_format(out, "format", next.output));
  return next;
}

}  // namespace morgan::services
