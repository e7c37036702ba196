// Messages of live clients: OpenAI's Realtime events (sessions, responses, items with their audio), the start message
// of /ws/audio and the audio that follows it, and requests of the Responses API. Whatever JSON arrives is applied, and
// then what follows from it can be printed and used, or refused by an error that names the field. The first byte
// chooses the message; what follows the first NUL is audio.
#include "base/json_util.h"
#include "fuzz_target.h"
#include "services/live_wire.h"
#include "services/realtime_items.h"
#include "services/realtime_settings.h"
#include "services/responses_request.h"

#include <algorithm>

namespace morgan::fuzz {

namespace {

using services::RealtimeDialect;

Result<engines::Voice> find_voice(const std::string& name) {
  if (name.size() > 8) return fail(ErrorCode::kNotFound, "there is no such voice");
  return engines::Voice{};
}

template <typename T>
bool applied(const Result<T>& result) {
  if (result) return true;
  require(result.error().code == ErrorCode::kInvalidArgument || result.error().code == ErrorCode::kNotFound,
          "a documented error");
  require(!result.error().message.empty(), "an error that says something");
  return false;
}

void hear(const services::WireFormat& format, std::string_view audio) {
  auto input = services::WireInput::open(format);
  require(input.has_value(), "an input of a format that was taken");
  for (; !audio.empty(); audio.remove_prefix(std::min<std::size_t>(audio.size(), 101))) {
    const auto samples = input->decode(audio.substr(0, 101));
    if (!applied(samples)) continue;
    for (const float sample : *samples)
      require(sample >= -2.0F && sample <= 2.0F, "samples of a sane size");
  }
  const auto output = services::WireOutput::open(format, 24'000);
  require(output.has_value(), "an output of a format that was taken");
  require(output->wire_samples(24'000) > 0, "samples on the wire");
}

void update_session(const Json& json, RealtimeDialect dialect, std::string_view audio) {
  services::RealtimeSettings settings;
  settings.model = "m";
  for (const bool transcribes : {false, true}) {
    settings.transcribes_only = transcribes;
    const auto merged = services::merge_session(settings, json, dialect, find_voice);
    if (!applied(merged)) continue;
    const OrderedJson told = services::session_json(*merged, "sess_1", dialect);
    require(parse_json_object(dump_json(told)).has_value(), "a session that can be read");
    services::live_config(*merged);
    services::reply_style(merged->reply);
    hear(services::wire_format(*merged), audio);
    require(services::merge_session(*merged, json, dialect, find_voice).has_value(), "the same a second time");
  }
}

void read_item(const Json& json) {
  const auto item = services::read_item(json, "item");
  if (!applied(item)) return;
  require(item->audio.size() <= services::RealtimeItems::kMostAudio, "no more audio than is kept");
  require(parse_json_object(dump_json(services::item_json(*item, true))).has_value(), "an item that can be read");
  services::RealtimeItems items(nullptr, {4'096, 512});
  require(items.insert(*item).has_value(), "room for an item");
  require(!items.insert(*item).has_value(), "one item of an id");
  items.set_instructions("be brief");
  items.prompt("and now?");
  items.prompt_for_last();
  require(items.erase(item->id), "the item that was put there");
}

void read_responses(const Json& json) {
  const auto request = services::read_responses_request(json, 4'096);
  if (!applied(request)) return;
  require(request->tools.is_array(), "a list of tools");
  require(!request->chat.messages.empty(), "something to answer");
}

void read_start(const Json& json, std::string_view audio) {
  services::WireFormat format;
  if (applied(format.read(json))) hear(format, audio);
}

void read(std::string_view bytes) {
  const unsigned char choice = take_byte(bytes);
  const RealtimeDialect dialect = (choice & 1U) != 0 ? RealtimeDialect::kBeta : RealtimeDialect::kGa;
  const std::size_t text_end = std::min(bytes.find('\0'), bytes.size());
  const std::string_view audio = bytes.substr(std::min(text_end + 1, bytes.size()));
  const auto json = parse_json_object(bytes.substr(0, text_end));
  if (!json) return;
  switch (choice / 2 % 5) {
    case 0:
      update_session(*json, dialect, audio);
      break;
    case 1:
      applied(services::merge_response({}, *json, dialect, find_voice));
      break;
    case 2:
      read_item(*json);
      break;
    case 3:
      read_responses(*json);
      break;
    default:
      read_start(*json, audio);
      break;
  }
}

std::vector<std::string> messages() {
  const std::string zero(1, '\0');
  return {
      zero + R"({"type": "realtime", "instructions": "x", "output_modalities": ["audio"], "max_output_tokens": "inf",
"audio": {"input": {"format": {"type": "audio/pcm", "rate": 24000}, "noise_reduction": {"type": "near_field"},
"transcription": {"model": "whisper-1", "language": "en"}, "turn_detection": {"type": "semantic_vad",
"eagerness": "low", "create_response": true, "interrupt_response": false}}, "output": {"format": {"type":
"audio/pcmu"}, "voice": "alloy", "speed": 1.1}}, "tools": [{"type": "function", "name": "f", "description": "d",
"parameters": {}}], "tool_choice": {"type": "function", "name": "f"}, "tracing": null, "truncation": "auto"})" +
          zero + "abcdef",
      "\x01"
      R"({"modalities": ["text", "audio"], "voice": "a", "input_audio_format": "g711_alaw", "output_audio_format":
"pcm16", "input_audio_transcription": {"model": "w"}, "turn_detection": {"type": "server_vad", "threshold": 0.5,
"prefix_padding_ms": 300, "silence_duration_ms": 200, "idle_timeout_ms": 5000}, "temperature": 0.8,
"max_response_output_tokens": 100})" +
          zero + "abcdef",
      "\x02"
      R"({"output_modalities": ["text"], "instructions": "y", "tools": [], "tool_choice": "none",
"max_output_tokens": 7, "audio": {"output": {"voice": {"id": "v"}}}})",
      "\x03"
      R"({"modalities": ["text"], "temperature": 1, "max_output_tokens": "inf", "metadata": {"a": "b"}})",
      "\x04"
      R"({"id": "i", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"},
{"type": "input_audio", "audio": "AAABAAIAAwA=", "transcript": "t"}]})",
      "\x04"
      R"({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"})",
      "\x04"
      R"({"type": "function_call_output", "call_id": "c", "output": "o"})",
      "\x06"
      R"({"model": "m", "input": [{"role": "user", "content": [{"type": "input_text", "text": "hi"}]}, {"type":
"function_call", "call_id": "c", "name": "f", "arguments": "{}"}, {"type": "function_call_output", "call_id": "c",
"output": "o"}], "instructions": "x", "stream": true, "tools": [{"type": "function", "name": "f"}], "text": {"format":
{"type": "json_schema", "name": "s", "schema": {}}}, "max_output_tokens": 9, "metadata": {}, "store": false})",
      "\x08"
      R"({"type": "start", "sample_rate": 8000, "format": "pcm16", "output_format": "opus"})" +
          zero + "abc",
      "\x08"
      R"({"type": "start", "format": "opus", "output_format": "wav"})" +
          zero + "\xF8\xFF\xFE",
  };
}

const Registered kRegistered({"realtime", read, messages});

}  // namespace

}  // namespace morgan::fuzz
