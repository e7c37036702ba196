#include "services/mcp_tools.h"

#include "base/base64.h"
#include "services/audio_input.h"
#include "services/embedded_files.h"
#include "services/fields.h"
#include "services/json_format.h"
#include "services/synthesis.h"

#include <map>
#include <utility>

namespace morgan::services {

namespace {

/// One call's speech has to fit into one answer.
constexpr std::size_t kMostSpokenChars = 4'096;
constexpr std::size_t kMostPromptChars = 4'000;
constexpr double kMostRecalled = 50;

OrderedJson text_content(const std::string& text) {
  return OrderedJson::array({OrderedJson{{"type", "text"}, {"text", text}}});
}

OrderedJson transcript_json(const engines::Transcript& transcript, bool timestamps) {
  OrderedJson answer{{"text", transcript.text},
                     {"language", transcript.language},
                     {"duration", rounded(transcript.duration_seconds)},
                     {"confidence", rounded(transcript.confidence)}};
  if (!timestamps) return answer;
  OrderedJson segments = OrderedJson::array();
  for (const engines::SttSegment& segment : transcript.segments) {
    segments.push_back(OrderedJson{
        {"start", rounded(segment.start_seconds)}, {"end", rounded(segment.end_seconds)}, {"text", segment.text}});
  }
  answer["segments"] = std::move(segments);
  return answer;
}

/// A model that has no recording may send anything; as raw samples it would be noise, and noise is no error.
Result<void> check_is_file(const Fields& fields) {
  constexpr std::size_t kEnoughToTell = 8192;
  MORGAN_TRY(const auto encoded, fields.text("audio"));
  const auto begun = base64_decode((encoded ? std::string_view(*encoded) : "").substr(0, kEnoughToTell));
  if (!begun || begun->empty() || looks_like_media(*begun)) return {};  // the rest is told by read_audio
  return field_error("audio",
                     "field 'audio' is no audio file that is known here: wav, mp3, m4a, ogg, webm, flac or aac");
}

Result<McpToolAnswer> transcribe(const McpParts& parts, const McpCall& call) {
  const Fields fields = Fields::of(call.arguments);
  engines::SttRequest request;
  MORGAN_TRY(const std::string language, fields.text_or("language", ""));
  request.language = language_code(language);
  MORGAN_TRY(request.prompt, fields.text_or("prompt", ""));
  if (count_characters(request.prompt) > kMostPromptChars) {
    return field_error("prompt", "field 'prompt' has more than 4000 characters");
  }
  MORGAN_TRY(const bool timestamps, fields.boolean_or("timestamps", false));
  MORGAN_CHECK_OK(check_is_file(fields));
  // Its body is the call, not audio: what is sent stands in the fields.
  MORGAN_TRY(const ReceivedAudio received, read_audio(net::Request{}, fields, *parts.context));
  MORGAN_TRY(const engines::Transcript transcript, parts.stt->transcribe(received.pcm, request, call.stop));
  return McpToolAnswer{text_content(transcript.text), transcript_json(transcript, timestamps)};
}

Result<McpToolAnswer> speak(const McpParts& parts, const McpCall& call) {
  const Fields fields = Fields::of(call.arguments);
  MORGAN_CHECK_OK(fields.required_text("text", kMostSpokenChars));
  MORGAN_TRY(const SynthesisCall synthesis,
             read_synthesis(fields, *parts.context, *parts.tts, {"text", audio::AudioFormat::kMp3}));
  std::string file;
  const auto append = [&](std::string bytes) {
    file += bytes;
    return !call.stop.stop_requested();
  };
  MORGAN_CHECK_OK(produce_speech(*parts.tts, synthesis, call.stop, append));
  return McpToolAnswer{
      OrderedJson::array({OrderedJson{
          {"type", "audio"}, {"data", base64_encode(file)}, {"mimeType", audio::content_type(synthesis.format)}}}),
      nullptr};
}

Result<McpToolAnswer> ask(const McpParts& parts, const McpCall& call) {
  const Fields fields = Fields::of(call.arguments);
  dialogue::TurnRequest turn;
  MORGAN_TRY(turn.text, fields.required_text("text", parts.context->max_text_chars));
  MORGAN_TRY(turn.user_id, read_user_id(call.caller.get(), fields));
  MORGAN_TRY(const dialogue::TurnResult result, parts.dialogue->run(turn, {}, call.stop));
  return McpToolAnswer{text_content(result.answer),
                       OrderedJson{{"answer", result.answer}, {"conversation_id", result.conversation_id}}};
}

Result<McpToolAnswer> remember(const McpParts& parts, const McpCall& call) {
  const Fields fields = Fields::of(call.arguments);
  MORGAN_TRY(const std::string text, fields.required_text("text", dialogue::UserMemories::kMostChars));
  MORGAN_TRY(const std::string user_id, read_user_id(call.caller.get(), fields));
  MORGAN_TRY(const dialogue::Remembered kept, parts.dialogue->memories()->remember(user_id, text, "", call.stop));
  return McpToolAnswer{text_content(kept.is_new ? "Remembered." : "This was known already."),
                       OrderedJson{{"id", kept.memory.memory_id}, {"text", kept.memory.content}, {"new", kept.is_new}}};
}

Result<McpToolAnswer> recall(const McpParts& parts, const McpCall& call) {
  const Fields fields = Fields::of(call.arguments);
  MORGAN_TRY(const std::string query, fields.required_text("query", dialogue::UserMemories::kMostChars));
  MORGAN_TRY(const std::string user_id, read_user_id(call.caller.get(), fields));
  MORGAN_TRY(const auto limit, fields.integer("limit", {1, kMostRecalled}));
  MORGAN_TRY(const auto found, parts.dialogue->memories()->recall(
                                   user_id, query, static_cast<std::size_t>(limit.value_or(5)), call.stop));
  std::string text;
  OrderedJson list = OrderedJson::array();
  for (const stores::FoundMemory& each : found) {
    text += each.memory.content + "\n";
    list.push_back(OrderedJson{{"id", each.memory.memory_id},
                               {"text", each.memory.content},
                               {"score", rounded(each.score)},
                               {"created_at", each.memory.created_at}});
  }
  if (text.empty()) text = "Nothing is remembered of this user.";
  return McpToolAnswer{text_content(text), OrderedJson{{"memories", std::move(list)}}};
}

using ToolFunction = Result<McpToolAnswer> (*)(const McpParts&, const McpCall&);

std::map<std::string, ToolFunction> functions_for(const McpParts& parts) {
  std::map<std::string, ToolFunction> functions{{"ask", ask}};
  if (parts.stt != nullptr) functions["transcribe"] = transcribe;
  if (parts.tts != nullptr) functions["speak"] = speak;
  if (parts.dialogue->memories() != nullptr) {
    functions["remember"] = remember;
    functions["recall"] = recall;
  }
  return functions;
}

}  // namespace

std::vector<McpTool> make_mcp_tools(const McpParts& parts) {
  const std::map<std::string, ToolFunction> functions = functions_for(parts);
  std::vector<McpTool> tools;
  for (OrderedJson& description : OrderedJson::parse(embedded::mcp_tools)) {
    const std::string name = description["name"];
    const auto function = functions.find(name);
    if (function == functions.end()) continue;
    tools.push_back(
        {name, std::move(description), [parts, run = function->second](const McpCall& call) -> Result<McpToolAnswer> {
           if (call.stop.stop_requested()) return fail(call.stop.error());
           return run(parts, call);
         }});
  }
  return tools;
}

}  // namespace morgan::services
