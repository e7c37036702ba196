#include "services/wyoming/wyoming_info.h"

#include "services/fields.h"

namespace morgan::services {

namespace {

constexpr const char* kProject = "Morgan";

// Every key of what the protocol calls an artifact. It has to say where a thing is from; an address that was not given
// is an empty one.
Json artifact(const WyomingParts& parts, const std::string& name, const std::string& by,
              const std::string& description) {
  return Json{{"name", name},
              {"attribution", {{"name", by}, {"url", ""}}},
              {"installed", true},
              {"description", description},
              {"version", parts.version}};
}

Json program(const WyomingParts& parts, const std::string& description) {
  return artifact(parts, std::string(kWyomingProgram), kProject, description);
}

Json asr_programs(const WyomingParts& parts) {
  if (parts.stt == nullptr) return Json::array();
  const engines::EngineInfo info = parts.stt->info();
  Json model = artifact(parts, info.model, info.backend, info.detail);
  // An upstream does not say which; most have Whisper.
  model["languages"] = info.languages.empty() && info.remote ? known_languages() : info.languages;
  Json asr = program(parts, "speech to text");
  asr["models"] = Json::array({std::move(model)});
  asr["supports_transcript_streaming"] = true;
  asr["requires_external_vad"] = true;
  asr["prefers_auto_gain_enabled"] = false;
  asr["prefers_noise_reduction_enabled"] = false;
  return Json::array({std::move(asr)});
}

Json tts_programs(const WyomingParts& parts) {
  if (parts.tts == nullptr) return Json::array();
  Json voices = Json::array();
  for (const engines::Voice& voice : parts.tts->voices()) {
    const std::string description = voice.description.empty() ? voice.name : voice.name + ": " + voice.description;
    Json entry = artifact(parts, voice.name, voice.backend, description);
    entry["languages"] = voice.language.empty() ? Json::array() : Json::array({voice.language});
    entry["speakers"] = nullptr;
    voices.push_back(std::move(entry));
  }
  Json tts = program(parts, "text to speech");
  tts["voices"] = std::move(voices);
  tts["supports_synthesize_streaming"] = true;
  return Json::array({std::move(tts)});
}

Json handle_programs(const WyomingParts& parts) {
  if (parts.dialogue == nullptr) return Json::array();
  Json model = artifact(parts, "conversation", kProject, "answers whatever it is asked");
  model["languages"] = Json::array();  // any
  Json handle = program(parts, "conversation");
  handle["models"] = Json::array({std::move(model)});
  handle["supports_handled_streaming"] = true;
  handle["supports_home_control"] = false;
  return Json::array({std::move(handle)});
}

Json wake_programs(const WyomingParts& parts) {
  if (parts.wake == nullptr) return Json::array();
  const engines::EngineInfo info = parts.wake->info();
  Json models = Json::array();
  for (const engines::WakeWord& word : parts.wake->words()) {
    Json model = artifact(parts, word.name, info.model, word.phrase);
    model["languages"] = info.languages;
    model["phrase"] = word.phrase;
    models.push_back(std::move(model));
  }
  Json wake = program(parts, "wake words");
  wake["models"] = std::move(models);
  return Json::array({std::move(wake)});
}

}  // namespace

Json wyoming_info(const WyomingParts& parts) {
  // No intent program: a client that finds one asks it instead of the conversation.
  return Json{{"asr", asr_programs(parts)}, {"tts", tts_programs(parts)},   {"handle", handle_programs(parts)},
              {"intent", Json::array()},    {"wake", wake_programs(parts)}, {"mic", Json::array()},
              {"snd", Json::array()}};
}

}  // namespace morgan::services
