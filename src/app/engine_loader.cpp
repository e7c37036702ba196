#include "app/engine_loader.h"

#include "app/version.h"
#include "base/file.h"
#include "base/log.h"
#include "engines/embed/llama_embed.h"
#include "engines/embed/llama_runtime.h"
#include "engines/llm/llama_cpp_llm.h"
#include "engines/onnx/ort_session.h"
#include "engines/remote/openai_engines.h"
#include "engines/stt/whisper_cpp_stt.h"
#include "engines/tts/kokoro_tts.h"
#include "engines/tts/piper_tts.h"
#include "engines/tts/tts_router.h"
#include "engines/turn/smart_turn.h"
#include "engines/vad/silero_vad.h"
#include "engines/wake/open_wake_word.h"

#include <fmt/format.h>

#include <future>

namespace morgan::app {

namespace fs = std::filesystem;

namespace {

int thread_count(int configured) {
  if (configured > 0) return configured;
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

/// Whether models go on a GPU. One line in the log says so, or why not when one was to be expected.
bool use_gpu(const AppConfig& config) {
  if (config.compute.device == "cpu") return false;
  const Result<std::string> gpu = engines::find_gpu();
  if (gpu) {
    log::info("app", "computing on a GPU", {{"gpu", *gpu}, {"profile", std::string(build_target().profile)}});
    return true;
  }
  if (config.compute.device == "cuda" || build_target().profile != "cpu") {
    log::warn("app", "computing on the CPU",
              {{"why", gpu.error().message}, {"cure", "`morgan doctor` says what is missing"}});
  }
  return false;
}

/// `load(true)`, and when the GPU has no room or fails, `load(false)`.
template <typename Load>
auto on_gpu_or_cpu(bool gpu, std::string_view part, const Load& load) -> decltype(load(false)) {
  if (!gpu) return load(false);
  auto loaded = load(true);
  if (loaded || loaded.error().code == ErrorCode::kNotFound) return loaded;
  auto again = load(false);
  if (again) {
    log::warn("app", "a model does not load on the GPU and is computed on the CPU",
              {{"part", std::string(part)}, {"why", loaded.error().message}});
  }
  return again;
}

/// A role's model: a catalogue id, or the path of a file.
Result<fs::path> model_file(const models::ModelStore& store, const std::string& model, std::string_view role) {
  if (model.find('/') != std::string::npos) {
    if (!fs::exists(model)) return fail(ErrorCode::kNotFound, "there is no model file " + model);
    return fs::path(model);
  }
  MORGAN_TRY(const models::CatalogModel* entry, store.catalog().find(model));
  if (entry->role != role) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("model '{}' is for {}, not for {}; `morgan models list` shows which fit", model,
                            entry->role, role));
  }
  return store.file(entry->id, entry->files.front().name);
}

/// What clients are told: a file's name, not where it lies.
std::string shown_name(const std::string& model) {
  return model.find('/') == std::string::npos ? model : fs::path(model).stem().string();
}

engines::RemoteOptions remote_options(const AppConfig& config, const UpstreamConfig& upstream, std::string voice = {}) {
  engines::RemoteOptions options;
  options.ca_file = config.client.ca_file;
  options.base_url = upstream.base_url;
  options.api_key = upstream.api_key;
  options.model = upstream.model;
  options.voice = std::move(voice);
  return options;
}

engines::RemoteOptions sibling_options(const ClientConfig& client, const std::string& url, std::string voice = {}) {
  engines::RemoteOptions options;
  options.base_url = url;
  options.api_key = client.api_key;
  options.ca_file = client.ca_file;
  options.model = "default";
  options.voice = std::move(voice);
  return options;
}

Result<std::unique_ptr<engines::VadEngine>> load_vad(const models::ModelStore& store) {
  MORGAN_TRY(const fs::path file, store.file("silero-vad", "silero_vad.onnx"));
  return engines::load_silero_vad(file);
}

Result<std::unique_ptr<engines::TurnEngine>> load_turn(const models::ModelStore& store) {
  MORGAN_TRY(const fs::path file, store.file("smart-turn", "smart-turn-v3.2-cpu.onnx"));
  return engines::load_smart_turn(file);
}

// Nobody has to have wake words: a model that was not pulled is none that is missing.
void load_wake(const AppConfig& config, const models::ModelStore& store, EngineSet& set) {
  engines::OpenWakeWordOptions options;
  options.folder = store.folder("open-wake-word");
  options.threshold = static_cast<float>(config.wyoming.wake_threshold);
  std::error_code status;
  if (!fs::exists(options.folder, status)) return;
  auto loaded = engines::load_open_wake_word(options);
  if (loaded) {
    set.wake = std::move(*loaded);
  } else {
    set.missing.push_back({"wake", loaded.error().message});
  }
}

Result<std::unique_ptr<engines::SttEngine>> load_stt(const AppConfig& config, const models::ModelStore& store,
                                                     engines::VadEngine* vad, bool gpu) {
  if (config.stt.backend == "openai") return engines::connect_remote_stt(remote_options(config, config.stt.upstream));
  MORGAN_TRY(const fs::path file, model_file(store, config.stt.model, "stt"));
  engines::WhisperOptions options;
  options.model = file;
  options.model_name = shown_name(config.stt.model);
  options.threads = thread_count(config.stt.threads);
  return on_gpu_or_cpu(gpu, "stt", [&](bool device) {
    options.gpu = device;
    return engines::load_whisper(options, vad);
  });
}

Result<std::unique_ptr<engines::LlmEngine>> load_llm(const AppConfig& config, const models::ModelStore& store,
                                                     bool gpu) {
  if (config.llm.backend == "openai") return engines::connect_remote_llm(remote_options(config, config.llm.upstream));
  MORGAN_TRY(const fs::path file, model_file(store, config.llm.model, "llm"));
  engines::LlamaOptions options;
  options.model = file;
  options.model_name = shown_name(config.llm.model);
  options.threads = thread_count(config.llm.threads);
  options.context_tokens = config.llm.context_tokens;
  options.slots = config.llm.slots;
  return on_gpu_or_cpu(gpu, "llm", [&](bool device) {
    options.gpu = device;
    return engines::load_llama(options);
  });
}

Result<std::unique_ptr<engines::EmbedEngine>> load_embed(const AppConfig& config, const models::ModelStore& store,
                                                         bool gpu) {
  if (config.embed.backend == "openai")
    return engines::connect_remote_embed(remote_options(config, config.embed.upstream));
  MORGAN_TRY(const fs::path file, model_file(store, config.embed.model, "embed"));
  return on_gpu_or_cpu(gpu, "embed", [&](bool device) {
    return engines::load_llama_embed(file, shown_name(config.embed.model), thread_count(0), device);
  });
}

fs::path graph_cache() {
  return morgan_home() / "cache" / "graphs";
}

Result<std::unique_ptr<engines::TtsEngine>> load_piper_voice(const AppConfig& config, const models::ModelStore& store,
                                                             bool gpu) {
  MORGAN_TRY(const fs::path file, store.file("piper-joe", "en_US-joe-medium.onnx"));
  engines::PiperOptions options;
  options.model = file;
  options.voice_name = "joe";
  options.model_name = "piper-joe";
  options.gender = "male";
  options.threads = thread_count(config.tts.threads);
  options.graph_cache = graph_cache();
  return on_gpu_or_cpu(gpu, "piper", [&](bool device) {
    options.gpu = device;
    return engines::load_piper(options);
  });
}

Result<std::unique_ptr<engines::TtsEngine>> load_kokoro_voices(const AppConfig& config,
                                                               const models::ModelStore& store) {
  MORGAN_TRY(const fs::path file, store.file("kokoro", "kokoro-82m-int8.onnx"));
  engines::KokoroOptions options;
  options.model = file;
  options.vocabulary = file.parent_path() / "vocab.json";
  options.voices = file.parent_path() / "voices";
  options.model_name = "kokoro";
  options.threads = thread_count(config.tts.threads);
  options.graph_cache = graph_cache();
  return engines::load_kokoro(options);
}

using TtsResult = Result<std::unique_ptr<engines::TtsEngine>>;

Result<std::unique_ptr<engines::TtsEngine>> join_voices(const AppConfig& config,
                                                        std::vector<std::pair<std::string, TtsResult>> loaded,
                                                        std::vector<MissingPart>& missing) {
  std::vector<std::unique_ptr<engines::TtsEngine>> families;
  Error first_error{ErrorCode::kInvalidArgument, "no voice is switched on; set tts.piper or tts.kokoro to true"};
  for (auto& [name, result] : loaded) {
    if (result) {
      families.push_back(std::move(*result));
    } else {
      missing.push_back({name, result.error().message});
      first_error = result.error();
    }
  }
  if (families.empty()) return fail(first_error);
  std::string voice = config.tts.voice;
  const bool known = std::any_of(families.begin(), families.end(),
                                 [&](const auto& family) { return family->find_voice(voice).has_value(); });
  // The configured voice may be the part that is missing; a wrong name is an error all the same.
  if (!known && !missing.empty()) voice = families.front()->voices().front().name;
  return engines::make_tts_router(std::move(families), voice);
}

template <typename Engine>
Result<void> take(std::string_view role, Result<std::unique_ptr<Engine>> result, std::unique_ptr<Engine>& into) {
  if (!result) return fail({result.error().code, fmt::format("cannot load {}: {}", role, result.error().message)});
  into = std::move(*result);
  return {};
}

template <typename Engine>
void take_optional(std::string_view role, Result<std::unique_ptr<Engine>> result, std::unique_ptr<Engine>& into,
                   std::vector<MissingPart>& missing) {
  if (result) {
    into = std::move(*result);
  } else {
    missing.push_back({std::string(role), result.error().message});
  }
}

/// Runs `load`, and tells at level debug how long it took.
template <typename Function>
auto timed(std::string_view part, const Function& load) {
  const auto begin = std::chrono::steady_clock::now();
  auto result = load();
  const auto took = std::chrono::steady_clock::now() - begin;
  log::debug("app", "loaded",
             {{"part", std::string(part)},
              {"ms", std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(took).count())}});
  return result;
}

template <typename Function>
auto start(std::string_view part, Function load) {
  return std::async(std::launch::async, [part, load = std::move(load)] { return timed(part, load); });
}

}  // namespace

std::vector<engines::EngineInfo> EngineSet::infos() const {
  std::vector<engines::EngineInfo> all;
  if (stt) all.push_back(stt->info());
  if (llm) all.push_back(llm->info());
  if (tts) {
    for (engines::EngineInfo& info : tts->info())
      all.push_back(std::move(info));
  }
  if (vad) all.push_back(vad->info());
  if (turn) all.push_back(turn->info());
  if (wake) all.push_back(wake->info());
  if (embed) all.push_back(embed->info());
  return all;
}

Result<EngineSet> load_engines(const AppConfig& config, const models::ModelStore& store, const EngineRoles& roles) {
  EngineSet set;
  const bool local_tts = roles.tts && !roles.over_http && config.tts.backend == "local";
  if (roles.vad || roles.turn || local_tts) MORGAN_CHECK_OK(engines::onnx::load_runtime());
  if (roles.over_http) {
    const engines::RemoteOptions llm = sibling_options(config.client, config.core.llm_url);
    const engines::RemoteOptions tts = sibling_options(config.client, config.core.tts_url, "default");
    const engines::RemoteOptions stt = sibling_options(config.client, config.core.stt_url);
    MORGAN_CHECK_OK(take("llm", engines::connect_remote_llm(llm), set.llm));
    MORGAN_CHECK_OK(take("tts", engines::connect_remote_tts(tts), set.tts));
    MORGAN_CHECK_OK(take("stt", engines::connect_remote_stt(stt), set.stt));
    if (roles.embed) MORGAN_CHECK_OK(take("embed", engines::connect_remote_embed(llm), set.embed));
    if (roles.vad) MORGAN_CHECK_OK(take("vad", load_vad(store), set.vad));
    if (roles.turn) take_optional("turn", load_turn(store), set.turn, set.missing);
    if (roles.wake) load_wake(config, store, set);
    return set;
  }

  const bool gpu = (roles.llm || roles.stt || roles.embed || local_tts) && use_gpu(config);
  // Each loads on a thread of its own; the slowest decides how soon Morgan is ready. Futures of async
  // join when they are destroyed, so an early return waits for the others.
  std::future<Result<std::unique_ptr<engines::LlmEngine>>> llm;
  std::future<Result<std::unique_ptr<engines::EmbedEngine>>> embed;
  std::future<Result<std::unique_ptr<engines::TurnEngine>>> turn;
  std::future<TtsResult> piper;
  std::future<TtsResult> kokoro;
  if (roles.llm) llm = start("llm", [&] { return load_llm(config, store, gpu); });
  if (local_tts && config.tts.kokoro) kokoro = start("kokoro", [&] { return load_kokoro_voices(config, store); });
  if (local_tts && config.tts.piper) piper = start("piper", [&] { return load_piper_voice(config, store, gpu); });
  if (roles.embed) embed = start("embed", [&] { return load_embed(config, store, gpu); });
  if (roles.turn) turn = start("turn", [&] { return load_turn(store); });
  if (roles.vad) MORGAN_CHECK_OK(take("vad", timed("vad", [&] { return load_vad(store); }), set.vad));
  if (roles.wake) load_wake(config, store, set);
  if (roles.stt)
    MORGAN_CHECK_OK(take("stt", timed("stt", [&] { return load_stt(config, store, set.vad.get(), gpu); }), set.stt));

  if (roles.tts) {
    if (config.tts.backend == "openai") {
      MORGAN_CHECK_OK(take(
          "tts", engines::connect_remote_tts(remote_options(config, config.tts.upstream, config.tts.voice)), set.tts));
    } else {
      std::vector<std::pair<std::string, TtsResult>> voices;
      if (piper.valid()) voices.emplace_back("piper", piper.get());
      if (kokoro.valid()) voices.emplace_back("kokoro", kokoro.get());
      MORGAN_CHECK_OK(take("tts", join_voices(config, std::move(voices), set.missing), set.tts));
    }
  }
  if (roles.llm) MORGAN_CHECK_OK(take("llm", llm.get(), set.llm));
  if (roles.embed) take_optional("embed", embed.get(), set.embed, set.missing);
  if (roles.turn) take_optional("turn", turn.get(), set.turn, set.missing);
  for (const MissingPart& part : set.missing) {
    log::warn("app", "running without a part", {{"part", part.name}, {"why", part.why}});
  }
  return set;
}

}  // namespace morgan::app
