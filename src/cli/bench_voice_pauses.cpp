// morgan bench voice --pauses: clips with a pause in the middle of a sentence. Who pauses has not finished; how often
// does Morgan take the turn all the same?
#include "base/file.h"
#include "cli/bench_voice.h"
#include "cli/live/spoken_turn.h"
#include "cli/live/spread.h"
#include "cli/terminal.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iostream>

namespace morgan::cli {

namespace {

/// Seconds. Each case has one of them, in turn.
constexpr std::array kPauses{0.3, 0.45, 0.6, 0.75, 0.9, 1.05, 1.2};
/// Pauses of one clip lie so far apart, at least.
constexpr double kApart = 0.8;
/// What is kept of a clip before and behind its pause.
constexpr double kBefore = 5;
constexpr double kBehind = 2.5;
/// The edges of a cut are faded, or it would click.
constexpr std::size_t kFade = LiveCall::kRate / 200;
constexpr double kGapSeconds = 1;
constexpr double kListenSeconds = 0.3;

struct Case {
  Clip clip;
  double pause = 0;
};

struct Outcome {
  double pause = 0;
  SpokenTurn turn;
};

void fade(std::vector<float>& samples, bool at_end) {
  const std::size_t length = std::min(kFade, samples.size());
  for (std::size_t i = 0; i < length; ++i) {
    float& sample = at_end ? samples[samples.size() - 1 - i] : samples[i];
    sample *= static_cast<float>(i) / static_cast<float>(length);
  }
}

/// The pause takes the place of the speaker's own, so that it is as long as it says.
std::optional<Case> make_case(const Clip& clip, const QuietPlace& place, double pause) {
  const std::vector<float>& all = clip.pcm.samples;
  const auto before = std::min(place.first, static_cast<std::size_t>(kBefore * LiveCall::kRate));
  const auto behind = std::min(all.size() - place.end, static_cast<std::size_t>(kBehind * LiveCall::kRate));
  std::vector<float> first(all.begin() + static_cast<std::ptrdiff_t>(place.first - before),
                           all.begin() + static_cast<std::ptrdiff_t>(place.first));
  std::vector<float> second(all.begin() + static_cast<std::ptrdiff_t>(place.end),
                            all.begin() + static_cast<std::ptrdiff_t>(place.end + behind));
  fade(first, false);
  fade(first, true);
  fade(second, false);
  fade(second, true);
  Case made;
  made.pause = pause;
  made.clip.name = fmt::format("{} at {:.2f} s", clip.name, static_cast<double>(place.middle()) / LiveCall::kRate);
  std::vector<float>& samples = made.clip.pcm.samples;
  samples = std::move(first);
  samples.insert(samples.end(), static_cast<std::size_t>(pause * LiveCall::kRate), 0.0F);
  samples.insert(samples.end(), second.begin(), second.end());
  const auto voiced = find_voiced(made.clip.pcm);
  if (!voiced) return std::nullopt;
  made.clip.voiced = *voiced;
  return made;
}

/// Each place of each clip with one length of pause, then with the next, until there are enough.
std::vector<Case> make_cases(const std::vector<Clip>& clips, std::size_t wanted) {
  std::vector<Case> cases;
  for (std::size_t turn = 0; turn < kPauses.size() && cases.size() < wanted; ++turn) {
    std::size_t number = 0;
    for (const Clip& clip : clips) {
      for (const QuietPlace& place : find_quiet_places(clip.pcm, kApart)) {
        if (auto made = make_case(clip, place, kPauses[(number++ + turn) % kPauses.size()]))
          cases.push_back(std::move(*made));
      }
    }
  }
  return cases;
}

Result<std::vector<Outcome>> run_cases(const Context& context, const MorganClient& client,
                                       const VoiceBenchOptions& options, const std::vector<Case>& cases) {
  std::vector<Outcome> outcomes;
  std::mutex mutex;
  const auto speakers = static_cast<std::size_t>(options.conversations.front());
  Progress progress("pauses", cases.size());
  const Result<void> done = on_threads(speakers, [&](std::size_t k) -> Result<void> {
    for (std::size_t i = k; i < cases.size(); i += speakers) {
      if (context.stop.stop_requested()) return fail(context.stop.error());
      // A conversation each: nothing is known of the speaker's pauses yet, and no history helps.
      const BenchUser user(client);
      MORGAN_TRY(const auto call, open_call(client, options, user.id()));
      MORGAN_CHECK_OK(stay_quiet(*call, kGapSeconds));
      SpokenTurnOptions how;
      how.listen_seconds = kListenSeconds;
      MORGAN_TRY(SpokenTurn turn, speak_turn(*call, cases[i].clip, how));
      call->hang_up();
      progress.done();
      const std::lock_guard lock(mutex);
      outcomes.push_back({cases[i].pause, std::move(turn)});
    }
    return {};
  });
  if (!done) return fail(done.error());
  return outcomes;
}

struct Share {
  std::size_t cases = 0;
  std::size_t cut_off = 0;  ///< a turn was committed too early
  std::size_t unheard = 0;  ///< ... and taken back before anything was said

  void add(const Outcome& outcome) {
    ++cases;
    if (outcome.turn.cut_offs == 0) return;
    ++cut_off;
    if (outcome.turn.cut_offs == outcome.turn.taken_back) ++unheard;
  }
  OrderedJson json() const {
    const double all = static_cast<double>(std::max<std::size_t>(cases, 1));
    return {{"cases", cases},
            {"cut_off", cut_off},
            {"cut_off_percent", to_tenths(100 * static_cast<double>(cut_off) / all)},
            {"taken_back_unheard", unheard},
            {"heard_percent", to_tenths(100 * static_cast<double>(cut_off - unheard) / all)}};
  }
  std::string line(const std::string& label) const {
    const double all = static_cast<double>(std::max<std::size_t>(cases, 1));
    return fmt::format("  {:<10} {:6} cases   cut off {:4} ({:4.1f} %)   of these heard {:4} ({:4.1f} %)\n", label,
                       cases, cut_off, 100 * static_cast<double>(cut_off) / all, cut_off - unheard,
                       100 * static_cast<double>(cut_off - unheard) / all);
  }
};

}  // namespace

Result<void> bench_pauses(const Context& context, const MorganClient& client, const VoiceBenchOptions& options) {
  MORGAN_TRY(const std::vector<Clip> clips,
             options.recordings.empty() ? question_clips(context, client) : load_clips(options.recordings));
  const std::vector<Case> cases = make_cases(clips, static_cast<std::size_t>(options.cases));
  if (cases.empty())
    return fail(ErrorCode::kInvalidArgument, "the recordings have no quiet place between words to pause at");
  const double load = load_average();
  MORGAN_TRY(const std::vector<Outcome> outcomes, run_cases(context, client, options, cases));
  Share all;
  std::map<double, Share> by_pause;
  std::vector<double> delays;
  for (const Outcome& outcome : outcomes) {
    all.add(outcome);
    by_pause[outcome.pause].add(outcome);
    if (outcome.turn.measured()) delays.push_back(*outcome.turn.first_voiced_ms);
  }
  if (!options.csv.empty()) {
    std::string text = "recording,pause_seconds,cut_offs,taken_back,answered,first_voiced_ms,transcript\n";
    for (const auto& [pause, turn] : outcomes) {
      text += fmt::format("{},{},{},{},{},{},{}\n", csv_field(turn.recording), pause, turn.cut_offs, turn.taken_back,
                          turn.answered, turn.first_voiced_ms ? fmt::format("{:.1f}", *turn.first_voiced_ms) : "",
                          csv_field(turn.transcript));
    }
    MORGAN_CHECK_OK(write_file_atomically(options.csv, text));
  }
  if (context.json) {
    OrderedJson lengths = OrderedJson::array();
    for (const auto& [pause, share] : by_pause) {
      OrderedJson one{{"pause_seconds", pause}};
      one.update(share.json());
      lengths.push_back(std::move(one));
    }
    OrderedJson json = all.json();
    json["by_pause"] = std::move(lengths);
    json["first_voiced_ms"] = to_json(spread_of(delays));
    json["load_average_before"] = to_tenths(load);
    std::cout << dump_json(json, 2) << "\n";
    return {};
  }
  std::cout << bold("Pauses within a sentence") << dim(fmt::format("  (load before {:.1f})", load)) << "\n";
  for (const auto& [pause, share] : by_pause)
    std::cout << share.line(fmt::format("{:.2f} s", pause));
  std::cout << all.line("all");
  const Spread spread = spread_of(delays);
  std::cout << fmt::format("  answer after the last voiced sample, of those not cut off: p50 {:.0f}, p95 {:.0f} ms\n",
                           spread.p50, spread.p95);
  return {};
}

}  // namespace morgan::cli
