// morgan bench voice --noise: while Morgan speaks, somebody coughs, says "mhm", or means to interrupt. Only the last
// should end the answer; how soon is measured, too.
#include "base/file.h"
#include "cli/bench_voice.h"
#include "cli/live/live_log.h"
#include "cli/live/sounds.h"
#include "cli/live/spread.h"
#include "cli/terminal.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iostream>

namespace morgan::cli {

namespace {

constexpr const char* kLongRequest = "Tell me a long story about a lighthouse keeper and the sea.";
constexpr std::array kBackchannels{"Mhm.", "Yeah.", "Uh-huh.", "Okay.", "Right."};
constexpr std::array kInterruptions{"Stop.", "Wait, what about tomorrow?"};
constexpr std::size_t kVoices = 2;
constexpr std::uint32_t kNoises = 5;
/// Of the answer, before the sound comes.
constexpr double kHeardBefore = 1.5;
/// After the sound: what has not happened by then does not happen because of it.
constexpr std::chrono::seconds kConsequences{4};
constexpr std::chrono::seconds kAnswerPatience{30};
constexpr std::chrono::milliseconds kTick{20};

struct Sound {
  std::string kind;
  std::string name;
  Clip clip;
  bool should_stop = false;
};

/// Milliseconds from the first voiced sample of the sound.
struct Reaction {
  std::string kind;
  std::string name;
  bool should_stop = false;
  bool answered = false;  ///< there was an answer to interrupt
  std::optional<double> duck_ms;
  std::optional<double> last_audio_ms;  ///< the client stops playing: a hold, or the end
  std::optional<double> resumed_ms;
  bool stopped = false;
};

Clip clip_of(std::string name, std::vector<float> samples) {
  Clip clip;
  clip.name = std::move(name);
  clip.pcm.samples = std::move(samples);
  clip.voiced = find_voiced(clip.pcm).value_or(VoicedSpan{0, clip.pcm.samples.size()});
  return clip;
}

Result<std::vector<Sound>> make_sounds(const Context& context, const MorganClient& client) {
  std::vector<Sound> sounds;
  for (std::uint32_t i = 0; i < kNoises; ++i) {
    sounds.push_back({"noise", fmt::format("burst {}", i), clip_of("burst", noise_burst(i)), false});
    sounds.push_back({"cough", fmt::format("cough {}", i), clip_of("cough", cough(i)), false});
  }
  MORGAN_TRY(const std::vector<std::string> voices, bench_voices(context, client, kVoices));
  for (const std::string& voice : voices) {
    for (const char* text : kBackchannels) {
      MORGAN_TRY(Clip clip, spoken_clip(context, client, text, voice));
      sounds.push_back({"backchannel", fmt::format("{} ({})", text, voice), std::move(clip), false});
    }
    for (const char* text : kInterruptions) {
      MORGAN_TRY(Clip clip, spoken_clip(context, client, text, voice));
      sounds.push_back({"interruption", fmt::format("{} ({})", text, voice), std::move(clip), true});
    }
  }
  return sounds;
}

/// Waits until `holds(log)`. @return whether it did in time
Result<bool> wait_for(LiveCall& call, LiveLog& log, Time until, const std::function<bool(const LiveLog&)>& holds) {
  while (Clock::now() < until) {
    MORGAN_TRY(const auto arrival, call.next(std::min(until, Clock::now() + kTick)));
    if (arrival) log.take(*arrival);
    if (holds(log)) return true;
  }
  return false;
}

Result<Reaction> play_sound(LiveCall& call, const Sound& sound) {
  Reaction reaction{sound.kind, sound.name, sound.should_stop, false, {}, {}, {}, false};
  LiveLog log;
  MORGAN_CHECK_OK(call.say(kLongRequest));
  const auto speaks = [](const LiveLog& so_far) {
    const HeardAnswer* const answer = so_far.newest();
    return answer != nullptr && answer->seconds() >= kHeardBefore;
  };
  MORGAN_TRY(reaction.answered, wait_for(call, log, Clock::now() + kAnswerPatience, speaks));
  if (!reaction.answered) return reaction;
  const std::int64_t response = log.newest()->response;
  const auto of_response = [response](const LiveLog& so_far) -> const HeardAnswer& {
    return *std::find_if(so_far.answers().begin(), so_far.answers().end(),
                         [response](const HeardAnswer& answer) { return answer.response == response; });
  };
  const Time start = call.play(sound.clip.pcm.samples);
  const auto at = [](std::size_t sample) {
    return std::chrono::microseconds(static_cast<std::int64_t>(sample) * 1'000'000 / LiveCall::kRate);
  };
  const Time began = start + at(sound.clip.voiced.first);
  const Time until = start + at(sound.clip.pcm.samples.size()) + kConsequences;
  MORGAN_CHECK_OK(
      wait_for(call, log, until, [&](const LiveLog& so_far) { return of_response(so_far).ended.has_value(); }));
  const HeardAnswer& answer = of_response(log);
  if (answer.ducked && *answer.ducked >= began) reaction.duck_ms = ms_between(began, *answer.ducked);
  reaction.stopped = answer.ended.has_value() && answer.status != "completed";
  if (answer.resumed && !reaction.stopped) reaction.resumed_ms = ms_between(began, *answer.resumed);
  if (answer.held)
    reaction.last_audio_ms = ms_between(began, *answer.held);
  else if (reaction.stopped)
    reaction.last_audio_ms = ms_between(began, *answer.ended);
  return reaction;
}

struct Kind {
  std::size_t played = 0, stopped = 0, ducked = 0, resumed = 0, unanswered = 0;
  bool should_stop = false;
  std::vector<double> duck_ms, last_audio_ms, resumed_ms;

  void add(const Reaction& reaction) {
    should_stop = reaction.should_stop;
    if (!reaction.answered) {
      ++unanswered;
      return;
    }
    ++played;
    if (reaction.stopped) ++stopped;
    if (reaction.duck_ms) duck_ms.push_back(*reaction.duck_ms), ++ducked;
    if (reaction.resumed_ms) resumed_ms.push_back(*reaction.resumed_ms), ++resumed;
    if (reaction.last_audio_ms) last_audio_ms.push_back(*reaction.last_audio_ms);
  }
};

OrderedJson to_json(const Kind& kind) {
  return {{"played", kind.played},
          {"should_stop", kind.should_stop},
          {"stopped", kind.stopped},
          {"ducked", kind.ducked},
          {"resumed", kind.resumed},
          {"unanswered", kind.unanswered},
          {"duck_ms", to_json(spread_of(kind.duck_ms))},
          {"last_audio_ms", to_json(spread_of(kind.last_audio_ms))},
          {"resumed_ms", to_json(spread_of(kind.resumed_ms))}};
}

void print(const std::map<std::string, Kind>& kinds, double load) {
  std::cout << bold("Sounds while Morgan speaks") << dim(fmt::format("  (load before {:.1f})", load)) << "\n"
            << fmt::format("  {:<14} {:>6} {:>7} {:>6} {:>7} {:>9}   {:<26}   {}\n", "", "played", "stopped", "ducked",
                           "resumed", "no answer", "duck ms p50/p95/max", "last audio ms p50/p95/max");
  for (const auto& [name, kind] : kinds) {
    std::cout << fmt::format("  {:<14} {:6} {:7} {:6} {:7} {:9}   {}   {}\n", name, kind.played, kind.stopped,
                             kind.ducked, kind.resumed, kind.unanswered, to_columns(spread_of(kind.duck_ms)),
                             to_columns(spread_of(kind.last_audio_ms)));
  }
}

Result<void> write_csv(const std::filesystem::path& file, const std::vector<Reaction>& reactions) {
  std::string text = "kind,sound,should_stop,answered,stopped,duck_ms,last_audio_ms,resumed_ms\n";
  const auto number = [](const std::optional<double>& value) { return value ? fmt::format("{:.1f}", *value) : ""; };
  for (const Reaction& each : reactions) {
    text += fmt::format("{},{},{},{},{},{},{},{}\n", each.kind, csv_field(each.name), each.should_stop, each.answered,
                        each.stopped, number(each.duck_ms), number(each.last_audio_ms), number(each.resumed_ms));
  }
  return write_file_atomically(file, text);
}

}  // namespace

Result<void> bench_noise(const Context& context, const MorganClient& client, const VoiceBenchOptions& options) {
  MORGAN_TRY(const std::vector<Sound> sounds, make_sounds(context, client));
  const double load = load_average();
  std::vector<Reaction> reactions;
  std::map<std::string, Kind> kinds;
  {
    Progress progress("sounds", sounds.size() * static_cast<std::size_t>(options.rounds));
    for (int round = 0; round < options.rounds; ++round) {
      for (const Sound& sound : sounds) {
        if (context.stop.stop_requested()) return fail(context.stop.error());
        // A conversation each: with a history the stories become shorter.
        const BenchUser user(client);
        MORGAN_TRY(const auto call, open_call(client, options, user.id()));
        MORGAN_TRY(Reaction reaction, play_sound(*call, sound));
        MORGAN_CHECK_OK(call->cancel());
        call->hang_up();
        kinds[sound.kind].add(reaction);
        reactions.push_back(std::move(reaction));
        progress.done();
      }
    }
  }
  if (!options.csv.empty()) MORGAN_CHECK_OK(write_csv(options.csv, reactions));
  if (!context.json) {
    print(kinds, load);
    return {};
  }
  OrderedJson json{{"load_average_before", to_tenths(load)}, {"kinds", OrderedJson::object()}};
  for (const auto& [name, kind] : kinds)
    json["kinds"][name] = to_json(kind);
  std::cout << dump_json(json, 2) << "\n";
  return {};
}

}  // namespace morgan::cli
