#include "services/transcribe_call.h"

#include "services/audio_input.h"
#include "services/json_format.h"

namespace morgan::services {

namespace {

constexpr std::size_t kMaxPromptChars = 4'000;  // Whisper keeps its last 224 tokens

Result<engines::SttTask> read_task(const Fields& fields) {
  MORGAN_TRY(const std::string task, fields.text_or("task", "transcribe"));
  if (task == "transcribe" || task.empty()) return engines::SttTask::kTranscribe;
  if (task == "translate") return engines::SttTask::kTranslate;
  return field_error("task", "field 'task' is '" + task + "', expected transcribe or translate");
}

Result<TranscriptFormat> read_format(const Fields& fields) {
  const std::string_view name = fields.present({"response_format", "output_format", "format"});
  MORGAN_TRY(const std::string word, fields.text_or(name, "json"));
  if (word.empty()) return TranscriptFormat::kJson;
  if (const auto format = parse_transcript_format(word)) return *format;
  return field_error(
      name, "field '" + std::string(name) + "' is '" + word + "', expected json, verbose_json, text, srt or vtt");
}

Result<Granularity> read_granularity(const Fields& fields) {
  MORGAN_TRY(const auto words, fields.words("timestamp_granularities"));
  MORGAN_TRY(const bool word_timestamps, fields.boolean_or("word_timestamps", false));
  Granularity granularity{words.empty(), word_timestamps};
  for (const std::string& word : words) {
    if (word == "word")
      granularity.words = true;
    else if (word == "segment")
      granularity.segments = true;
    else
      return field_error("timestamp_granularities", "'" + word + "' is not a granularity; expected word or segment");
  }
  return granularity;
}

Result<std::string> read_prompt(const Fields& fields) {
  const std::string_view name = fields.present({"prompt", "initial_prompt"});
  MORGAN_TRY(std::string prompt, fields.text_or(name, ""));
  if (count_characters(prompt) > kMaxPromptChars) {
    return field_error(
        name, "field '" + std::string(name) + "' has more than " + std::to_string(kMaxPromptChars) + " characters");
  }
  return prompt;
}

}  // namespace

Result<TranscribeCall> read_transcribe_call(const net::Request& request, const Fields& fields,
                                            const ServiceContext& context, engines::SttEngine& stt,
                                            std::optional<engines::SttTask> fixed_task) {
  TranscribeCall call;
  MORGAN_TRY(const std::string model, fields.text_or("model", ""));
  MORGAN_CHECK_OK(check_model(model, std::array{stt.info()},
                              {"whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-transcribe"}));
  MORGAN_TRY(const std::string language, fields.text_or("language", ""));
  call.request.language = language_code(language);
  MORGAN_TRY(call.request.prompt, read_prompt(fields));
  MORGAN_TRY(const auto temperature, fields.number("temperature", {0, 1}));
  call.request.temperature = static_cast<float>(temperature.value_or(0));
  if (fixed_task) {
    call.request.task = *fixed_task;
  } else {
    MORGAN_TRY(call.request.task, read_task(fields));
  }
  MORGAN_TRY(call.format, read_format(fields));
  MORGAN_TRY(call.granularity, read_granularity(fields));
  call.request.word_timestamps = call.granularity.words;
  const std::string_view vad_field = fields.present({"use_vad", "vad_filter"});
  MORGAN_TRY(call.request.use_vad, fields.boolean_or(vad_field, true));
  const auto start = std::chrono::steady_clock::now();
  MORGAN_TRY(ReceivedAudio received, read_audio(request, fields, context));
  call.pcm = std::move(received.pcm);
  call.lease = std::move(received.lease);
  call.decode_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return call;
}

Result<engines::Transcript> run_transcribe_call(engines::SttEngine& stt, const TranscribeCall& call,
                                                const StopToken& stop) {
  auto transcript = stt.transcribe(call.pcm, call.request, stop);
  if (transcript) return transcript;
  Error error = engine_error(std::move(transcript).error(), "TRANSCRIPTION_ERROR");
  if (error.reason == "LANGUAGE_NOT_SUPPORTED" && error.param.empty()) error.param = "language";
  return fail(std::move(error));
}

std::optional<net::Response> text_transcript_response(const engines::Transcript& transcript, TranscriptFormat format) {
  const std::string type(content_type(format));
  switch (format) {
    case TranscriptFormat::kText:
      return net::Response::bytes(to_plain_text(transcript), type);
    case TranscriptFormat::kSrt:
      return net::Response::bytes(to_srt(transcript), type);
    case TranscriptFormat::kVtt:
      return net::Response::bytes(to_vtt(transcript), type);
    case TranscriptFormat::kJson:
    case TranscriptFormat::kVerboseJson:
      break;
  }
  return std::nullopt;
}

}  // namespace morgan::services
