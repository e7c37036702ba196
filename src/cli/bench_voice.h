// What the parts of `morgan bench voice` share: its options, and one function for each of its runs.
#pragma once

#include "base/result.h"
#include "cli/command.h"
#include "cli/live/clips.h"
#include "cli/live/live_call.h"
#include "cli/morgan_client.h"

#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace morgan::cli {

struct VoiceBenchOptions {
  std::vector<std::filesystem::path> recordings;
  std::vector<int> conversations;  ///< one run for each number of them
  bool at_once = false;
  int rounds = 1;
  std::string voice;
  std::string language;
  double listen = 3;  ///< seconds of each answer; 0: all of it
  std::filesystem::path csv;
  bool pauses = false;
  int cases = 40;
  bool noise = false;
  double silence_minutes = 0;
  double pace = 4;
};

/// How long a person takes to answer: from the last voiced sample in to the first voiced sample out.
Result<void> bench_answers(const Context& context, const MorganClient& client, const VoiceBenchOptions& options);
/// Whether somebody who pauses in the middle of a sentence is cut off.
Result<void> bench_pauses(const Context& context, const MorganClient& client, const VoiceBenchOptions& options);
/// Whether what is no interruption interrupts, and how soon one does.
Result<void> bench_noise(const Context& context, const MorganClient& client, const VoiceBenchOptions& options);
/// Whether words are heard where nobody speaks.
Result<void> bench_silence(const Context& context, const MorganClient& client, const VoiceBenchOptions& options);

/// A user of its own for each conversation, who is forgotten afterwards.
class BenchUser {
 public:
  explicit BenchUser(const MorganClient& client);
  ~BenchUser();
  BenchUser(const BenchUser&) = delete;
  BenchUser& operator=(const BenchUser&) = delete;
  const std::string& id() const { return id_; }

 private:
  const MorganClient& client_;
  const std::string id_;
};

Result<std::unique_ptr<LiveCall>> open_call(const MorganClient& client, const VoiceBenchOptions& options,
                                            const std::string& user_id, double pace = 1);

/// "3 of 40 turns" on standard error, from any thread.
class Progress {
 public:
  Progress(std::string label, std::size_t total);
  ~Progress();
  void done();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Calls `each(k)` for 0..count-1, every one on a thread of its own. @return the first error
Result<void> on_threads(std::size_t count, const std::function<Result<void>(std::size_t)>& each);

/// How busy the machine was before, since timings of a busy machine say nothing: the load average of a minute.
double load_average();

/// A field of a CSV row, quoted when it must be.
std::string csv_field(std::string_view text);

}  // namespace morgan::cli
