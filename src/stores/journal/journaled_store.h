// A store whose database may go away: conversations go on. While it is away, writes wait in a journal on this machine's
// disk, and the end of each conversation is known from the cache; when it is back, they are written in order, once
// (docs/reliability.md). One journal belongs to one process.
#pragma once

#include "base/metrics.h"
#include "stores/cache/cache.h"
#include "stores/circuit_breaker.h"
#include "stores/conversation_store.h"

#include <filesystem>
#include <functional>
#include <memory>

namespace morgan::stores {

struct JournaledOptions {
  /// Connects to the database, and migrates it. kUnavailable: it is away.
  std::function<Result<std::unique_ptr<ConversationStore>>()> open;
  std::filesystem::path journal;  ///< the file; its folder is made
  std::uint64_t journal_bytes = 256'000'000;
  BackoffOptions backoff;
  std::chrono::milliseconds ask_every{1000};  ///< while all is well
  bool own_thread = true;                     ///< false: tests call attend() themselves
  std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;
};

class JournaledStore : public ConversationStore {
 public:
  /// The database may be away; then it begins with the journal. `cache` and `metrics` outlive it.
  /// @error what options.open says, when that is not kUnavailable   @error as JournalFile::open
  static Result<std::unique_ptr<JournaledStore>> open(JournaledOptions options, Cache& cache, Metrics& metrics);

  /// Asks the database whether it is there, and writes what waits, when that is due.
  /// @thread one; its own, unless options say otherwise
  virtual void attend() = 0;
  /// Writes that wait.
  virtual std::size_t waiting() const = 0;
};

}  // namespace morgan::stores
