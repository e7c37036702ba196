// morgan bench: how fast a spoken turn is on this machine, measured on the real path.
#include "base/json_util.h"
#include "cli/command.h"
#include "cli/morgan_client.h"
#include "cli/terminal.h"

#include <fmt/format.h>

#include <iostream>
#include <numeric>

namespace morgan::cli {

namespace {

constexpr std::string_view kQuestion = "What is the capital of France, and why is it famous?";

struct BenchOptions {
  int rounds = 5;
};

/// Milliseconds of each round, by stage.
using Stages = std::map<std::string, std::vector<double>>;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Result<void> one_round(const Context& context, const MorganClient& client, const std::string& question,
                       Stages& stages) {
  net::ClientRequest request;
  request.method = net::Method::kPost;
  request.url = client.address("core") + "/api/audio";
  request.form = {{"file", question, "question.wav", "audio/wav"},
                  {"user_id", "bench", "", ""},
                  {"metadata", R"({"generate_audio": true})", "", ""}};
  Json summary;
  const auto begin = std::chrono::steady_clock::now();
  double first_audio = -1;
  MORGAN_CHECK_OK(client.stream(
      std::move(request),
      [&](std::string_view event, const Json& data) {
        if (event == "audio" && first_audio < 0) {
          first_audio = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
        }
        if (event == "done") summary = data;
        return true;
      },
      context.stop));
  const Json timings = summary.value("metadata", Json::object()).value("timings_ms", Json::object());
  for (const char* stage : {"transcript", "first_token", "first_audio", "total"}) {
    const auto value = json_number(timings, stage);
    if (value && *value) stages[stage].push_back(**value);
  }
  if (first_audio >= 0) stages["client_first_audio"].push_back(first_audio);
  return {};
}

Result<void> forget_bench(const Context& context, const MorganClient& client) {
  net::ClientRequest request;
  request.method = net::Method::kDelete;
  request.url = client.address("core") + "/api/conversations/bench";
  const Result<net::ClientResponse> response = client.send(std::move(request), context.stop);
  if (!response && response.error().code != ErrorCode::kNotFound) return fail(response.error());
  return {};
}

Result<void> bench(const Context& context, const BenchOptions& options) {
  MORGAN_TRY(const std::unique_ptr<MorganClient> client, MorganClient::connect(context, {"core", "tts"}));
  net::ClientRequest speech;
  speech.method = net::Method::kPost;
  speech.url = client->address("tts") + "/synthesize";
  speech.headers.emplace("Content-Type", "application/json");
  speech.body = dump_json(Json{{"text", kQuestion}, {"format", "wav"}, {"sample_rate", 16000}, {"stream", false}});
  MORGAN_TRY(const net::ClientResponse question, client->send(std::move(speech), context.stop));

  Stages stages;
  for (int round = 0; round <= options.rounds; ++round) {
    MORGAN_CHECK_OK(forget_bench(context, *client));
    Stages measured;
    MORGAN_CHECK_OK(one_round(context, *client, question.body, measured));
    if (round == 0) continue;  // the first warms what was cold
    for (auto& [stage, values] : measured)
      stages[stage].insert(stages[stage].end(), values.begin(), values.end());
  }
  MORGAN_CHECK_OK(forget_bench(context, *client));

  if (context.json) {
    OrderedJson all = OrderedJson::object();
    for (const auto& [stage, values] : stages)
      all[stage + "_ms"] = {{"median", median(values)}, {"rounds", values}};
    std::cout << dump_json(all, 2) << "\n";
    return {};
  }
  std::cout << bold("A spoken question of 3 s, whole file in")
            << dim(fmt::format("  ({} rounds, median)", options.rounds)) << "\n";
  const std::pair<const char*, const char*> rows[] = {{"transcript", "transcript"},
                                                      {"first_token", "first word of the answer"},
                                                      {"first_audio", "first audio of the answer"},
                                                      {"client_first_audio", "... at the client"},
                                                      {"total", "answer complete"}};
  for (const auto& [stage, label] : rows) {
    if (stages.contains(stage)) std::cout << fmt::format("  {:<28} {:7.0f} ms\n", label, median(stages[stage]));
  }
  return {};
}

}  // namespace

void add_bench(CLI::App& root, Context& context) {
  const auto options = std::make_shared<BenchOptions>();
  CLI::App* command = root.add_subcommand("bench", "measure a spoken turn on this machine");
  command->add_option("-n,--rounds", options->rounds, "rounds (default 5)")->check(CLI::Range(1, 1000));
  add_bench_voice(*command, context);
  command->callback([&context, options] {
    if (context.action) return;  // that of `bench voice`
    context.action = [&context, options] {
      const Result<void> done = bench(context, *options);
      return done ? static_cast<int>(kExitOk) : report(context, done.error());
    };
  });
}

}  // namespace morgan::cli
