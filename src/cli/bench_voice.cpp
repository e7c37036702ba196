// morgan bench voice: the command, and what its runs share.
#include "cli/bench_voice.h"

#include "base/ids.h"
#include "base/log.h"
#include "base/strings.h"
#include "cli/terminal.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <optional>
#include <thread>

namespace morgan::cli {

namespace {

constexpr int kMostConversations = 64;

constexpr const char* kDefinitions =
    "Voiced: sound is cut into hops of 10 ms; a hop is voiced when its RMS is at most 32 dB below the loudest hop of\n"
    "the same recording or answer, and not below -50 dB of full scale. The same holds for what is played to Morgan\n"
    "and what comes back. A frame of 20 ms leaves when its last sample has been spoken.\n"
    "Turns that were cut off or not answered count as such, and are in no latency.";

Result<std::vector<int>> parse_numbers(const std::string& text) {
  std::vector<int> numbers;
  for (const std::string& part : split(text, ',')) {
    const auto number = parse_integer(trim(part));
    if (!number || *number < 1 || *number > kMostConversations)
      return fail(ErrorCode::kInvalidArgument, "--conversations takes numbers from 1 to 64, as in 1,2,4");
    numbers.push_back(static_cast<int>(*number));
  }
  return numbers;
}

Result<void> bench_voice(const Context& context, VoiceBenchOptions options, const std::string& conversations) {
  MORGAN_TRY(options.conversations, parse_numbers(conversations));
  const int chosen = (options.pauses ? 1 : 0) + (options.noise ? 1 : 0) + (options.silence_minutes > 0 ? 1 : 0);
  if (chosen > 1) return fail(ErrorCode::kInvalidArgument, "--pauses, --noise and --silence are runs of their own");
  MORGAN_TRY(const std::unique_ptr<MorganClient> client, MorganClient::connect(context, {"core", "tts"}));
  if (options.pauses) return bench_pauses(context, *client, options);
  if (options.noise) return bench_noise(context, *client, options);
  if (options.silence_minutes > 0) return bench_silence(context, *client, options);
  return bench_answers(context, *client, options);
}

}  // namespace

BenchUser::BenchUser(const MorganClient& client) : client_(client), id_(random_id("bench_")) {}

BenchUser::~BenchUser() {
  net::ClientRequest request;
  request.method = net::Method::kDelete;
  request.url = client_.address("core") + "/api/conversations/" + id_;
  const auto response = client_.send(std::move(request), {});
  if (!response && response.error().code != ErrorCode::kNotFound)
    log::warn("cli", "a conversation of the benchmark was not deleted", {{"user", id_}});
}

Result<std::unique_ptr<LiveCall>> open_call(const MorganClient& client, const VoiceBenchOptions& options,
                                            const std::string& user_id, double pace) {
  return LiveCall::open(
      {client.address("core"), user_id, options.voice, options.language, pace, client.headers(), client.ca_file()});
}

struct Progress::State {
  std::mutex mutex;
  ProgressBar bar;  // guarded by mutex
  std::string label;
  std::size_t done = 0;  // guarded by mutex
  std::size_t total = 0;
};

Progress::Progress(std::string label, std::size_t total) : state_(std::make_unique<State>()) {
  state_->label = std::move(label);
  state_->total = total;
}

Progress::~Progress() {
  state_->bar.finish();
}

void Progress::done() {
  const std::lock_guard lock(state_->mutex);
  state_->bar.update(state_->label, ++state_->done, state_->total, false);
}

Result<void> on_threads(std::size_t count, const std::function<Result<void>(std::size_t)>& each) {
  std::mutex mutex;
  std::optional<Error> first;  // guarded by mutex
  {
    std::vector<std::jthread> threads;
    for (std::size_t k = 0; k < count; ++k) {
      threads.emplace_back([&, k] {
        const Result<void> done = each(k);
        const std::lock_guard lock(mutex);
        if (!done && !first) first = done.error();
      });
    }
  }
  if (first) return fail(*first);
  return {};
}

double load_average() {
  double load = 0;
  return ::getloadavg(&load, 1) == 1 ? load : -1;
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char letter : text) {
    if (letter == '"') quoted += '"';
    quoted += letter == '\n' ? ' ' : letter;
  }
  return quoted + "\"";
}

void add_bench_voice(CLI::App& bench, Context& context) {
  const auto options = std::make_shared<VoiceBenchOptions>();
  const auto conversations = std::make_shared<std::string>("1,4");
  CLI::App* command = bench.add_subcommand("voice", "measure conversations in real time");
  command->footer(kDefinitions);
  command->add_option("recordings", options->recordings,
                      "what is said; a .txt beside one holds its words (default: twenty questions by Morgan's voices)");
  command->add_option("--conversations", *conversations, "at the same time, one run each: 1,2,4,8 (default 1,4)");
  command->add_flag("--at-once", options->at_once, "all speak at the same moment (default: in turn)");
  command->add_option("-n,--rounds", options->rounds, "times through the recordings (default 1)")
      ->check(CLI::Range(1, 1000));
  command->add_option("-v,--voice", options->voice, "voice of the answers");
  command->add_option("-l,--language", options->language, "language of the recordings (default: detected)");
  command->add_option("--listen", options->listen, "seconds of each answer that are heard; 0 is all (default 3)")
      ->check(CLI::Range(0.0, 600.0));
  command->add_option("--csv", options->csv, "write a row for each turn to this file");
  command->add_flag("--pauses", options->pauses, "pauses within sentences: how often is the speaker cut off?");
  command->add_option("--cases", options->cases, "of --pauses, at least (default 40)")->check(CLI::Range(1, 10'000));
  command->add_flag("--noise", options->noise, "noises, 'mhm' and real interruptions while Morgan speaks");
  command->add_option("--silence", options->silence_minutes, "minutes without speech: are words heard in it?")
      ->check(CLI::Range(0.01, 24.0 * 60));
  command->add_option("--pace", options->pace, "of --silence: times as fast as real time (default 4)")
      ->check(CLI::Range(0.5, 50.0));
  command->callback([&context, options, conversations] {
    context.action = [&context, options, conversations] {
      const Result<void> done = bench_voice(context, *options, *conversations);
      return done ? static_cast<int>(kExitOk) : report(context, done.error());
    };
  });
}

}  // namespace morgan::cli
