// morgan bench voice: how long until an answer is heard, with one conversation and with several.
#include "base/file.h"
#include "cli/bench_voice.h"
#include "cli/live/spoken_turn.h"
#include "cli/live/spread.h"
#include "cli/terminal.h"

#include <fmt/format.h>

#include <barrier>
#include <iostream>
#include <numeric>

namespace morgan::cli {

namespace {

/// Between the end of an answer and the next question.
constexpr double kGapSeconds = 1;
/// What a turn takes beside its recording, roughly: the wait and the answer. It spreads the speakers in time.
constexpr double kAnswerSeconds = 4;

struct Row {
  int conversations = 0;
  std::size_t conversation = 0;
  int round = 0;
  SpokenTurn turn;
};

struct Run {
  int conversations = 0;
  double load = 0;
  std::vector<Row> rows;
};

/// One conversation of a run: all recordings, as often as there are rounds.
class Speaker {
 public:
  Speaker(const Context& context, const MorganClient& client, const VoiceBenchOptions& options,
          const std::vector<Clip>& clips)
      : context_(context), client_(client), options_(options), clips_(clips) {}

  /// @param moment  where all wait for each other before each turn; nullptr: they do not
  Result<void> speak(std::size_t number, double delay, std::barrier<>* moment, Progress& progress, Run& run,
                     std::mutex& mutex) const {
    const BenchUser user(client_);
    MORGAN_TRY(const auto call, open_call(client_, options_, user.id()));
    MORGAN_CHECK_OK(stay_quiet(*call, kGapSeconds + delay));
    for (int round = 0; round < options_.rounds; ++round) {
      for (std::size_t i = 0; i < clips_.size(); ++i) {
        if (context_.stop.stop_requested()) return fail(context_.stop.error());
        if (moment != nullptr) moment->arrive_and_wait();
        // In turn, each begins with another recording; at once all say the same.
        const std::size_t which = moment != nullptr ? i : (i + number) % clips_.size();
        SpokenTurnOptions how;
        how.listen_seconds = options_.listen;
        MORGAN_TRY(SpokenTurn turn, speak_turn(*call, clips_[which], how));
        {
          const std::lock_guard lock(mutex);
          run.rows.push_back({run.conversations, number, round, std::move(turn)});
        }
        progress.done();
        MORGAN_CHECK_OK(stay_quiet(*call, kGapSeconds));
      }
    }
    call->hang_up();
    return {};
  }

 private:
  const Context& context_;
  const MorganClient& client_;
  const VoiceBenchOptions& options_;
  const std::vector<Clip>& clips_;
};

Result<Run> run_conversations(const Context& context, const MorganClient& client, const VoiceBenchOptions& options,
                              const std::vector<Clip>& clips, int conversations) {
  Run run;
  run.conversations = conversations;
  run.load = load_average();
  const auto count = static_cast<std::size_t>(conversations);
  const double total = std::accumulate(clips.begin(), clips.end(), 0.0,
                                       [](double sum, const Clip& clip) { return sum + clip.seconds(); });
  const double period = total / static_cast<double>(clips.size()) + kAnswerSeconds;
  const Speaker speaker(context, client, options, clips);
  std::barrier<> moment(static_cast<std::ptrdiff_t>(count));
  std::mutex mutex;
  Progress progress(fmt::format("{} at a time", conversations),
                    count * clips.size() * static_cast<std::size_t>(options.rounds));
  const Result<void> done = on_threads(count, [&](std::size_t k) {
    const double delay = options.at_once ? 0 : period * static_cast<double>(k) / static_cast<double>(count);
    const Result<void> spoken = speaker.speak(k, delay, options.at_once ? &moment : nullptr, progress, run, mutex);
    moment.arrive_and_drop();  // who has ended, or failed, keeps nobody waiting
    return spoken;
  });
  if (!done) return fail(done.error());
  return run;
}

// --- The report ----------------------------------------------------------------------------------------------------

struct Totals {
  std::size_t turns = 0, measured = 0, unanswered = 0, cut_off = 0, taken_back = 0, interrupted = 0, not_adding_up = 0,
              outside = 0;
  text::WordErrors words;
  bool has_words = false;
  FrameCounts frames;
  std::vector<double> first_voiced, audible, final_transcript, sent, outside_ms;
  std::vector<std::string> stage_names;  // in the server's order
  std::map<std::string, std::vector<double>> stages;
};

constexpr double kOutsideLimit = 5;  // ms

Totals total_of(const Run& run) {
  Totals all;
  for (const Row& row : run.rows) {
    const SpokenTurn& turn = row.turn;
    ++all.turns;
    if (!turn.answered) ++all.unanswered;
    if (turn.cut_offs > 0) ++all.cut_off;
    if (turn.cut_offs > 0 && turn.cut_offs == turn.taken_back) ++all.taken_back;
    all.interrupted += static_cast<std::size_t>(turn.interruptions);
    all.frames.sent += turn.frames.sent;
    all.frames.late += turn.frames.late;
    all.frames.dropped += turn.frames.dropped;
    if (turn.word_errors) {
      all.has_words = true;
      all.words.edits += turn.word_errors->edits;
      all.words.words += turn.word_errors->words;
    }
    if (!turn.measured()) continue;
    ++all.measured;
    all.first_voiced.push_back(*turn.first_voiced_ms);
    all.audible.push_back(*turn.audible_ms);
    if (turn.final_ms) all.final_transcript.push_back(*turn.final_ms);
    for (const StageTime& stage : turn.stages) {
      if (!all.stages.contains(stage.name)) all.stage_names.push_back(stage.name);
      all.stages[stage.name].push_back(stage.ms);
    }
    if (turn.sent_ms) all.sent.push_back(*turn.sent_ms);
    if (!turn.stages_add_up) ++all.not_adding_up;
    if (const auto outside = turn.outside_ms()) {
      all.outside_ms.push_back(*outside);
      if (std::abs(*outside) > kOutsideLimit) ++all.outside;
    }
  }
  return all;
}

OrderedJson to_json(const Run& run, bool at_once) {
  const Totals all = total_of(run);
  OrderedJson stages = OrderedJson::object();
  for (const std::string& name : all.stage_names)
    stages[name] = to_json(spread_of(all.stages.at(name)));
  return {{"conversations", run.conversations},
          {"mode", at_once ? "at once" : "in turn"},
          {"load_average_before", to_tenths(run.load)},
          {"turns", all.turns},
          {"measured", all.measured},
          {"first_voiced_ms", to_json(spread_of(all.first_voiced))},
          {"audible_ms", to_json(spread_of(all.audible))},
          {"final_transcript_ms", to_json(spread_of(all.final_transcript))},
          {"stages_ms", std::move(stages)},
          {"sent_ms", to_json(spread_of(all.sent))},
          {"outside_ms", to_json(spread_of(all.outside_ms))},
          {"outside_more_than_5_ms", all.outside},
          {"stages_not_adding_up", all.not_adding_up},
          {"cut_off", all.cut_off},
          {"taken_back_unheard", all.taken_back},
          {"interrupted", all.interrupted},
          {"unanswered", all.unanswered},
          {"word_error_rate", all.has_words ? OrderedJson(std::round(all.words.rate() * 10'000) / 10'000) : nullptr},
          {"frames", {{"sent", all.frames.sent}, {"late", all.frames.late}, {"dropped", all.frames.dropped}}}};
}

void print(const Run& run, bool at_once) {
  const Totals all = total_of(run);
  std::cout << bold(fmt::format("{} {}{}", run.conversations, run.conversations == 1 ? "conversation" : "conversations",
                                run.conversations == 1 ? ""
                                : at_once              ? ", all at once"
                                                       : ", in turn"))
            << dim(fmt::format("  ({} turns, {} measured; load before {:.1f})", all.turns, all.measured, run.load))
            << "\n";
  const auto line = [](const std::string& label, const std::vector<double>& values) {
    std::cout << fmt::format("  {:<36} {} ms\n", label, to_columns(spread_of(values)));
  };
  std::cout << fmt::format("  {:<36} {}\n", "after the last voiced sample", spread_heading());
  line("first voiced sample at the client", all.first_voiced);
  for (const std::string& name : all.stage_names)
    line("    " + name, all.stages.at(name));
  line("    outside the server's stages", all.outside_ms);
  line("audible, when played at once", all.audible);
  line("final transcript", all.final_transcript);
  std::cout << fmt::format("  cut off {} ({} taken back unheard), interrupted {}, unanswered {}\n", all.cut_off,
                           all.taken_back, all.interrupted, all.unanswered);
  if (all.has_words) std::cout << fmt::format("  word error rate {:.1f} %\n", 100 * all.words.rate());
  std::cout << fmt::format("  frames of the microphone: {}, late {}, dropped {}\n", all.frames.sent, all.frames.late,
                           all.frames.dropped);
  if (all.not_adding_up > 0)
    std::cout << yellow(fmt::format("  the stages of {} turns do not add up to their total\n", all.not_adding_up));
  if (all.outside > 0) {
    std::cout << yellow(fmt::format("  in {} of {} turns the stages differ from what was measured by more than 5 ms\n",
                                    all.outside, all.measured));
  }
  std::cout << "\n";
}

Result<void> write_csv(const std::filesystem::path& file, const std::vector<Run>& runs, bool at_once) {
  std::vector<std::string> stages;
  for (const Run& run : runs) {
    for (const std::string& name : total_of(run).stage_names) {
      if (std::find(stages.begin(), stages.end(), name) == stages.end()) stages.push_back(name);
    }
  }
  std::string text =
      "conversations,mode,conversation,round,recording,speech_seconds,first_voiced_ms,audible_ms,final_ms";
  for (const std::string& name : stages)
    text += "," + name + "_ms";
  text +=
      ",outside_ms,stages_add_up,cut_offs,taken_back,interruptions,answered,status,word_edits,words,frames,late,"
      "dropped,turn_probability,wait_ms,drafts,prompt_tokens,cached_tokens,transcript,answer\n";
  const auto number = [](const std::optional<double>& value) { return value ? fmt::format("{:.1f}", *value) : ""; };
  for (const Run& run : runs) {
    for (const Row& row : run.rows) {
      const SpokenTurn& turn = row.turn;
      text += fmt::format("{},{},{},{},{},{:.2f},{},{},{}", row.conversations, at_once ? "at once" : "in turn",
                          row.conversation, row.round, csv_field(turn.recording), turn.speech_seconds,
                          number(turn.first_voiced_ms), number(turn.audible_ms), number(turn.final_ms));
      for (const std::string& name : stages) {
        const auto found = std::find_if(turn.stages.begin(), turn.stages.end(),
                                        [&](const StageTime& stage) { return stage.name == name; });
        text += found == turn.stages.end() ? "," : fmt::format(",{:.1f}", found->ms);
      }
      const std::size_t edits = turn.word_errors ? turn.word_errors->edits : 0;
      const std::size_t words = turn.word_errors ? turn.word_errors->words : 0;
      text += fmt::format(",{},{},{},{},{},{},{},{},{},{},{},{}", number(turn.outside_ms()), turn.stages_add_up,
                          turn.cut_offs, turn.taken_back, turn.interruptions, turn.answered, turn.status, edits, words,
                          turn.frames.sent, turn.frames.late, turn.frames.dropped);
      for (const char* name : {"turn_probability", "wait_ms", "drafts", "prompt_tokens", "cached_tokens"})
        text += turn.turn.is_object() && turn.turn.contains(name) ? "," + dump_json(turn.turn[name]) : ",";
      text += "," + csv_field(turn.transcript) + "," + csv_field(turn.answer) + "\n";
    }
  }
  return write_file_atomically(file, text);
}

}  // namespace

Result<void> bench_answers(const Context& context, const MorganClient& client, const VoiceBenchOptions& options) {
  MORGAN_TRY(const std::vector<Clip> clips,
             options.recordings.empty() ? question_clips(context, client) : load_clips(options.recordings));
  std::vector<Run> runs;
  for (const int conversations : options.conversations) {
    MORGAN_TRY(Run run, run_conversations(context, client, options, clips, conversations));
    if (!context.json) print(run, options.at_once);
    runs.push_back(std::move(run));
  }
  if (context.json) {
    OrderedJson all = OrderedJson::array();
    for (const Run& run : runs)
      all.push_back(to_json(run, options.at_once));
    std::cout << dump_json(OrderedJson{{"recordings", clips.size()}, {"runs", std::move(all)}}, 2) << "\n";
  }
  if (!options.csv.empty()) MORGAN_CHECK_OK(write_csv(options.csv, runs, options.at_once));
  return {};
}

}  // namespace morgan::cli
