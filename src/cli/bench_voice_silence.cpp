// morgan bench voice --silence: a microphone to which nobody speaks. Every word that is heard was invented.
#include "cli/bench_voice.h"
#include "cli/live/live_log.h"
#include "cli/live/sounds.h"
#include "cli/live/spread.h"
#include "cli/terminal.h"
#include "text/word_errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iostream>

namespace morgan::cli {

namespace {

/// Played at a time: so much is made and kept in memory.
constexpr double kStretch = 10;  // seconds
/// What was being heard when the sound ended may still be transcribed.
constexpr std::chrono::seconds kAfterwards{3};

struct Kind {
  const char* name;
  std::vector<float> (*make)(double seconds, std::uint32_t variant);
};
constexpr std::array kKinds{Kind{"silence", room_noise}, Kind{"fan", fan_noise}, Kind{"music", music}};

struct Invented {
  double minutes = 0;
  std::size_t heard = 0;  ///< times that speech was suspected
  std::size_t words = 0;
  std::size_t answers = 0;
  std::vector<std::string> texts;
  FrameCounts frames;
};

Result<Invented> listen(const Context& context, const MorganClient& client, const VoiceBenchOptions& options,
                        const Kind& kind, Progress& progress) {
  const BenchUser user(client);
  MORGAN_TRY(const auto call, open_call(client, options, user.id(), options.pace));
  LiveLog log;
  const auto take_until = [&](Time until) -> Result<void> {
    while (Clock::now() < until) {
      MORGAN_TRY(const auto arrival, call->next(until));
      if (arrival) log.take(*arrival);
    }
    return {};
  };
  Invented invented;
  std::uint32_t variant = 0;
  for (double left = options.silence_minutes * 60; left > 0; left -= kStretch) {
    if (context.stop.stop_requested()) return fail(context.stop.error());
    const double seconds = std::min(left, kStretch);
    call->play(kind.make(seconds, variant++));
    MORGAN_CHECK_OK(
        take_until(Clock::now() + std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000 / options.pace))));
    invented.minutes += seconds / 60;
    progress.done();
  }
  MORGAN_CHECK_OK(take_until(Clock::now() + kAfterwards));
  invented.frames = call->frames();
  call->hang_up();
  invented.heard = log.heard().size();
  for (const FinalTranscript& transcript : log.finals()) {
    invented.words += text::scored_words(transcript.text).size();
    invented.texts.push_back(transcript.text);
  }
  for (const HeardAnswer& answer : log.answers())
    invented.answers += answer.aside ? 0 : 1;
  return invented;
}

OrderedJson to_json(const Invented& invented) {
  return {{"minutes", to_tenths(invented.minutes)},
          {"heard", invented.heard},
          {"words", invented.words},
          {"answers", invented.answers},
          {"texts", invented.texts},
          {"frames",
           {{"sent", invented.frames.sent}, {"late", invented.frames.late}, {"dropped", invented.frames.dropped}}}};
}

}  // namespace

Result<void> bench_silence(const Context& context, const MorganClient& client, const VoiceBenchOptions& options) {
  OrderedJson json{{"pace", options.pace}, {"kinds", OrderedJson::object()}};
  std::vector<std::pair<std::string, Invented>> all;
  {
    const auto stretches = static_cast<std::size_t>(std::ceil(options.silence_minutes * 60 / kStretch));
    Progress progress("listening", kKinds.size() * stretches);
    for (const Kind& kind : kKinds) {
      MORGAN_TRY(Invented invented, listen(context, client, options, kind, progress));
      json["kinds"][kind.name] = to_json(invented);
      all.emplace_back(kind.name, std::move(invented));
    }
  }
  if (context.json) {
    std::cout << dump_json(json, 2) << "\n";
    return {};
  }
  std::cout << bold("A microphone to which nobody speaks")
            << dim(fmt::format("  (at {:g} times real time)", options.pace)) << "\n";
  for (const auto& [name, invented] : all) {
    std::cout << fmt::format("  {:<8} {:6.1f} min   speech suspected {:3} times   words {:3}   answers {:3}\n", name,
                             invented.minutes, invented.heard, invented.words, invented.answers);
    for (const std::string& text : invented.texts)
      std::cout << dim("    " + text) << "\n";
  }
  return {};
}

}  // namespace morgan::cli
