// Work that must not block a thread of its own: a strand runs its tasks one after another, in the order in
// which they were posted, on a few threads that many strands share. A thousand idle sessions are a thousand
// strands and no thread. Time comes from the strand, so that tests can simulate it (simulated_strand.h).
// A strand cannot refuse a task: who posts what somebody else decides (messages of a client) counts what has not
// been worked off and holds the source back.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace morgan::runtime {

using Task = std::function<void()>;
using TimePoint = std::chrono::steady_clock::time_point;

/// Names a timer of one strand; 0 names none.
using TimerId = std::uint64_t;

/// @thread any; tasks of one strand never overlap, and each sees what the ones before it wrote
class Strand {
 public:
  virtual ~Strand() = default;
  /// Runs `task` after those posted before it. Never runs it inside the call.
  virtual void post(Task task) = 0;
  /// Posts `task` at `when`; at once when that has passed. @return 0 when the pool has stopped
  virtual TimerId post_at(TimePoint when, Task task) = 0;
  /// The task will not run, unless it is running or has run already. Called on the strand, it is certain:
  /// a task that was posted but has not begun does not begin.
  virtual void cancel(TimerId timer) = 0;
  virtual TimePoint now() const = 0;
};

/// The threads that strands run on, and one that watches their timers.
class StrandPool {
 public:
  /// @param threads at least 1
  static std::unique_ptr<StrandPool> create(std::size_t threads);
  virtual ~StrandPool() = default;
  /// A strand may outlive the pool; what is posted then is dropped.
  virtual std::shared_ptr<Strand> make_strand() = 0;
  /// Runs what was posted, drops timers and what is posted from now on, joins. Idempotent.
  /// @thread none of the pool's own
  virtual void stop() = 0;
};

}  // namespace morgan::runtime
