// morgan replay: a recorded turn once more, through the models of today, and what is different.
#include "audio/media_decoder.h"
#include "base/file.h"
#include "base/strings.h"
#include "cli/bench_voice.h"
#include "cli/live/spoken_turn.h"
#include "cli/live/spread.h"
#include "cli/terminal.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>

namespace morgan::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostText = 1'000'000;
/// The room before they spoke: the recording begins just before the first word.
constexpr double kQuietBefore = 1;

struct ReplayOptions {
  std::string turn;
  std::string voice;
};

fs::path turns_folder() {
  return morgan_home() / "turns";
}

std::string text_of(const Json& json, std::string_view name) {
  const auto text = json_string(json, name);
  return text && *text ? **text : "";
}

std::optional<double> number_of(const Json& json, std::string_view name) {
  const auto number = json_number(json, name);
  return number ? *number : std::nullopt;
}

/// What was recorded of a turn. @error kNotFound, kCorrupt
Result<Json> read_turn(const std::string& name) {
  const auto text = read_file(turns_folder() / (name + ".json"), kMostText);
  if (!text) return fail(text.error());
  auto json = parse_json_object(*text);
  if (!json) return fail(ErrorCode::kCorrupt, name + ".json: " + json.error().message);
  return std::move(*json);
}

/// Newest first.
std::vector<std::string> turn_names() {
  std::vector<std::pair<fs::file_time_type, std::string>> found;
  std::error_code failed;
  for (const fs::directory_entry& entry : fs::directory_iterator(turns_folder(), failed)) {
    if (entry.path().extension() == ".json")
      found.emplace_back(entry.last_write_time(failed), entry.path().stem().string());
  }
  std::sort(found.rbegin(), found.rend());
  std::vector<std::string> names;
  for (auto& [when, name] : found)
    names.push_back(std::move(name));
  return names;
}

Result<void> list_turns(const Context& context) {
  OrderedJson all = OrderedJson::array();
  for (const std::string& name : turn_names()) {
    const auto turn = read_turn(name);
    if (!turn) continue;  // removed meanwhile
    all.push_back(OrderedJson{{"recording", name},
                              {"at", text_of(*turn, "at")},
                              {"user_id", text_of(*turn, "user_id")},
                              {"outcome", text_of(*turn, "outcome")},
                              {"total_ms", turn->value("total_ms", Json())},
                              {"transcript", text_of(*turn, "transcript")}});
  }
  if (context.json) {
    std::cout << dump_json(all, 2) << "\n";
    return {};
  }
  if (all.empty())
    std::cout << "No turn has been recorded. live.record_turns = true records them from the next start on.\n";
  for (const OrderedJson& turn : all) {
    std::cout << fmt::format("{}  {}  {:<11} {}\n", turn["recording"].get<std::string>(), turn["at"].get<std::string>(),
                             turn["outcome"].get<std::string>(), turn["transcript"].get<std::string>());
  }
  return {};
}

Result<Clip> recording_of(const std::string& name, const std::string& transcript) {
  MORGAN_TRY(const std::vector<Clip> clips, load_clips({turns_folder() / (name + ".wav")}));
  Clip clip = clips.front();
  clip.text = transcript;
  // The quiet in which the turn was found to be over is made anew by the microphone.
  clip.pcm.samples.resize(clip.voiced.end);
  return clip;
}

std::vector<StageTime> stages_of(const Json& turn) {
  std::vector<StageTime> stages;
  if (!turn.contains("stages") || !turn["stages"].is_array()) return stages;
  for (const Json& stage : turn["stages"]) {
    stages.push_back({text_of(stage, "name"), number_of(stage, "ms").value_or(0)});
    if (stages.back().name == "sent") break;
  }
  return stages;
}

OrderedJson difference(std::optional<double> before, std::optional<double> now) {
  OrderedJson json{{"before", nullptr}, {"now", nullptr}, {"change", nullptr}};
  if (before) json["before"] = to_tenths(*before);
  if (now) json["now"] = to_tenths(*now);
  if (before && now) json["change"] = to_tenths(*now - *before);
  return json;
}

std::optional<double> find_stage(const std::vector<StageTime>& stages, const std::string& name) {
  for (const StageTime& stage : stages) {
    if (stage.name == name) return stage.ms;
  }
  return std::nullopt;
}

std::optional<double> total_of(const std::vector<StageTime>& stages) {
  if (stages.empty() || stages.back().name != "sent") return std::nullopt;
  double sum = 0;
  for (const StageTime& stage : stages)
    sum += stage.ms;
  return sum;
}

OrderedJson compare(const std::string& name, const Json& recorded, const SpokenTurn& now) {
  const std::vector<StageTime> before = stages_of(recorded);
  OrderedJson stages = OrderedJson::object();
  for (const std::vector<StageTime>* list : {&before, &now.stages}) {
    for (const StageTime& stage : *list)
      stages[stage.name] = difference(find_stage(before, stage.name), find_stage(now.stages, stage.name));
  }
  const std::string transcript = text_of(recorded, "transcript");
  return {{"recording", name},
          {"at", text_of(recorded, "at")},
          {"transcript", {{"before", transcript}, {"now", now.transcript}, {"same", transcript == now.transcript}}},
          {"word_edits", now.word_errors ? now.word_errors->edits : 0},
          {"answer", {{"before", text_of(recorded, "answer")}, {"now", now.answer}}},
          {"outcome_before", text_of(recorded, "outcome")},
          {"cut_offs", now.cut_offs},
          {"answer_start_ms", difference(total_of(before), total_of(now.stages))},
          {"stages_ms", std::move(stages)},
          {"first_voiced_ms", now.first_voiced_ms ? OrderedJson(to_tenths(*now.first_voiced_ms)) : nullptr}};
}

void print(const OrderedJson& result) {
  const auto both = [](const char* label, const OrderedJson& texts) {
    std::cout << bold(label) << "\n"
              << "  before  " << texts["before"].get<std::string>() << "\n"
              << "  now     " << texts["now"].get<std::string>() << "\n";
  };
  both("transcript", result["transcript"]);
  both("answer", result["answer"]);
  const auto number = [](const OrderedJson& value) {
    return value.is_null() ? std::string("-") : fmt::format("{:.0f}", value.get<double>());
  };
  std::cout << bold(fmt::format("{:<28} {:>8} {:>8} {:>8}", "milliseconds", "before", "now", "change")) << "\n";
  const auto row = [&](const std::string& label, const OrderedJson& values) {
    std::cout << fmt::format("  {:<26} {:>8} {:>8} {:>8}\n", label, number(values["before"]), number(values["now"]),
                             number(values["change"]));
  };
  for (const auto& [stage, values] : result["stages_ms"].items())
    row(stage, values);
  row("answer starts", result["answer_start_ms"]);
}

Result<void> replay(const Context& context, const ReplayOptions& options) {
  if (options.turn.empty()) return list_turns(context);
  // A file of the folder may be named as well.
  const std::string name = fs::path(options.turn).stem().string();
  auto recorded = read_turn(name);
  if (!recorded && recorded.error().code == ErrorCode::kNotFound) {
    const std::vector<std::string> known = turn_names();
    return fail(ErrorCode::kNotFound, fmt::format("there is no recorded turn '{}'{}; `morgan replay` lists them", name,
                                                  did_you_mean(name, known)));
  }
  if (!recorded) return fail(recorded.error());
  MORGAN_TRY(const Clip clip, recording_of(name, text_of(*recorded, "transcript")));
  MORGAN_TRY(const std::unique_ptr<MorganClient> client, MorganClient::connect(context, {"core"}));
  VoiceBenchOptions how;
  how.voice = options.voice.empty() ? text_of(*recorded, "voice") : options.voice;
  how.language = text_of(*recorded, "language");
  const BenchUser user(*client);
  MORGAN_TRY(const auto call, open_call(*client, how, user.id()));
  MORGAN_CHECK_OK(stay_quiet(*call, kQuietBefore));
  MORGAN_TRY(const SpokenTurn now, speak_turn(*call, clip, {}));
  call->hang_up();
  const OrderedJson result = compare(name, *recorded, now);
  if (context.json)
    std::cout << dump_json(result, 2) << "\n";
  else
    print(result);
  return {};
}

}  // namespace

void add_replay(CLI::App& root, Context& context) {
  const auto options = std::make_shared<ReplayOptions>();
  CLI::App* command = root.add_subcommand("replay", "a recorded turn through today's models, and the difference");
  command->add_option("turn", options->turn, "its name; without one, the recorded turns are listed");
  command->add_option("-v,--voice", options->voice, "voice of the answer (default: as recorded)");
  command->footer(
      "Turns are recorded while live.record_turns is true, below $MORGAN_HOME/turns, the last 500. They hold what was\n"
      "said. The turn runs in a conversation of its own that is deleted afterwards: it knows nothing of what was said\n"
      "before it. The answer is heard for 3 s; its text is shown as far as it was written by then.");
  command->callback([&context, options] {
    context.action = [&context, options] {
      const Result<void> done = replay(context, *options);
      return done ? static_cast<int>(kExitOk) : report(context, done.error());
    };
  });
}

}  // namespace morgan::cli
