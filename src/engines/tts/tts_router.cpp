#include "engines/tts/tts_router.h"

#include "engines/tts/voice_list.h"

#include <algorithm>
#include <array>

namespace morgan::engines {

namespace {

struct Alias {
  std::string_view name;
  std::string_view voice;
};

/// OpenAI's voices and the Kokoro voice that comes nearest: by name where there is one, else by sex and
/// character, the better graded voices first.
constexpr std::array kAliases = {Alias{"alloy", "af_alloy"},  Alias{"ash", "am_michael"}, Alias{"ballad", "bm_george"},
                                 Alias{"cedar", "am_fenrir"}, Alias{"coral", "af_bella"}, Alias{"echo", "am_echo"},
                                 Alias{"fable", "bm_fable"},  Alias{"marin", "af_heart"}, Alias{"nova", "af_nova"},
                                 Alias{"onyx", "am_onyx"},    Alias{"sage", "af_sarah"},  Alias{"shimmer", "af_sky"},
                                 Alias{"verse", "am_puck"}};

class TtsRouter final : public TtsEngine {
 public:
  TtsRouter(std::vector<std::unique_ptr<TtsEngine>> engines, std::string default_voice)
      : engines_(std::move(engines)), default_voice_(std::move(default_voice)) {
    for (const auto& engine : engines_) {
      for (Voice& voice : engine->voices()) {
        const bool taken =
            std::any_of(voices_.begin(), voices_.end(), [&](const Voice& v) { return v.name == voice.name; });
        if (taken) continue;
        voices_.push_back(std::move(voice));
        owners_.push_back(engine.get());
      }
    }
  }

  std::vector<Voice> voices() const override { return voices_; }

  Result<Voice> find_voice(const std::string& name) const override {
    MORGAN_TRY(Route route, route_of(name));
    return std::move(route.voice);
  }

  Result<void> synthesize(const TtsRequest& request, const TtsSink& sink, const StopToken& stop) override {
    MORGAN_CHECK_OK(check_speed(request.speed));
    MORGAN_TRY(const Route route, route_of(request.voice));
    return route.engine->synthesize(routed(request, route), sink, stop);
  }

  Result<void> synthesize_timed(const TtsRequest& request, const TimedSink& sink, const StopToken& stop) override {
    MORGAN_CHECK_OK(check_speed(request.speed));
    MORGAN_TRY(const Route route, route_of(request.voice));
    return route.engine->synthesize_timed(routed(request, route), sink, stop);
  }

  std::vector<EngineInfo> info() const override {
    std::vector<EngineInfo> all;
    for (const auto& engine : engines_) {
      for (EngineInfo& info : engine->info())
        all.push_back(std::move(info));
    }
    return all;
  }

 private:
  struct Route {
    TtsEngine* engine;  // one of engines_
    Voice voice;
  };

  static TtsRequest routed(TtsRequest request, const Route& route) {
    request.voice = route.voice.name;
    return request;
  }

  Result<Route> route_of(const std::string& name) const {
    const std::string& wanted = name.empty() || name == "default" ? default_voice_ : name;
    if (const auto listed = listed_route(wanted)) return *listed;
    const auto alias = std::find_if(kAliases.begin(), kAliases.end(), [&](const Alias& a) { return a.name == wanted; });
    if (alias != kAliases.end()) {
      if (const auto listed = listed_route(alias->voice)) return *listed;
    }
    // A server elsewhere may know voices that it does not list.
    for (const auto& engine : engines_) {
      if (Result<Voice> voice = engine->find_voice(wanted)) return Route{engine.get(), std::move(*voice)};
    }
    if (alias != kAliases.end()) {
      if (const auto listed = listed_route(default_voice_)) return *listed;
    }
    return fail(voice_named(voices_, wanted, default_voice_, alias_names()).error());
  }

  static std::vector<std::string> alias_names() {
    std::vector<std::string> names;
    for (const Alias& alias : kAliases)
      names.emplace_back(alias.name);
    return names;
  }

  std::optional<Route> listed_route(std::string_view name) const {
    for (std::size_t i = 0; i < voices_.size(); ++i) {
      if (voices_[i].name == name) return Route{owners_[i], voices_[i]};
    }
    return std::nullopt;
  }

  std::vector<std::unique_ptr<TtsEngine>> engines_;
  std::string default_voice_;
  std::vector<Voice> voices_;
  std::vector<TtsEngine*> owners_;  // of the voice at the same place; within engines_
};

}  // namespace

Result<std::unique_ptr<TtsEngine>> make_tts_router(std::vector<std::unique_ptr<TtsEngine>> engines,
                                                   std::string default_voice) {
  if (engines.empty()) return fail(ErrorCode::kInvalidArgument, "no speech synthesizer is loaded");
  if (default_voice.empty() || default_voice == "default") {
    MORGAN_TRY(const Voice first, engines.front()->find_voice("default"));
    default_voice = first.name;
  }
  auto router = std::make_unique<TtsRouter>(std::move(engines), default_voice);
  MORGAN_CHECK_OK(router->find_voice(default_voice));
  return std::unique_ptr<TtsEngine>(std::move(router));
}

}  // namespace morgan::engines
