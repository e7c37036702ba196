// Timers, alarms and reminders that ring: kept in the store before anybody is told that they are set, so a crash loses
// none; rung by a thread that sleeps until the next; announced until somebody has heard it.
#pragma once

#include "stores/item_store.h"
#include "tools/tool.h"

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace morgan::tools {

enum class TimerKind : std::uint8_t {
  kTimer,     ///< after a length of time, whatever the clock is set to meanwhile
  kReminder,  ///< at a time of day; without a text it is an alarm
};
std::string_view to_string(TimerKind kind);

struct Timer {
  std::string id;  ///< "timer_..."
  std::string user_id;
  TimerKind kind = TimerKind::kTimer;
  std::string label;          ///< "pasta"; of a reminder, its text; "": none
  double length_seconds = 0;  ///< of a timer, as it was set
  WallTime due;
  bool rung = false;  ///< it is due, and nobody has heard it yet
};

/// Two clocks, so that a test may turn them.
struct TimerClock {
  std::function<WallTime()> wall;
  std::function<std::chrono::steady_clock::time_point()> steady;
  static TimerClock real();
};

/// Tells a user. `heard` is called when it sounds, from any thread, or never.
/// @return false: nobody of this user listens now
using Announce = std::function<bool(const Timer& timer, const std::string& words, std::function<void()> heard)>;

/// @thread any
class TimerService {
 public:
  /// Who comes back within this time is told what rang meanwhile; then it is forgotten.
  static constexpr std::chrono::hours kToldFor{24};
  /// An announcement that nobody heard is tried again so often.
  static constexpr std::chrono::seconds kTryAgain{5};
  /// One that was begun is taken for unheard after this.
  static constexpr std::chrono::seconds kUnheardAfter{60};
  /// The wall clock may be set at any time, so it is looked at so often while something is pending.
  static constexpr std::chrono::seconds kLookAtClock{10};
  /// Of one user.
  static constexpr std::size_t kMostTimers = 100;

  /// Reads what is pending. The store outlives the service. @param words  what is said when it rings, at `now`
  /// @error the store's
  static Result<std::unique_ptr<TimerService>> open(stores::ItemStore& store, TimerClock clock,
                                                    std::function<std::string(const Timer&, WallTime now)> words);
  ~TimerService();

  /// Durable when it returns. @error kOverloaded  too many   @error kInvalidArgument  in the past, or beyond ten years
  Result<Timer> set(const std::string& user_id, TimerKind kind, const std::string& label, WallTime due);
  /// The user's, the next one first.
  std::vector<Timer> list(const std::string& user_id) const;
  /// @error kNotFound   @error the store's
  Result<Timer> cancel(const std::string& user_id, const std::string& id);
  /// Takes a cancel() back: they go on as they were. @error the store's
  Result<void> put_back(const std::vector<Timer>& timers);
  /// Everything of a user. @return how many   @error the store's
  Result<long long> forget(const std::string& user_id);
  /// It is due and was neither heard nor cancelled: whoever has kept an announcement asks before saying it.
  bool is_ringing(const std::string& id) const;
  WallTime now() const { return clock_.wall(); }

  /// Who is told; before start(), or instead of it by who calls poll() himself.
  void listen(Announce announce) { announce_ = std::move(announce); }
  /// Rings from now on. Once.
  void start(Announce announce);
  /// No ring after this. Idempotent.
  void stop();

  /// Rings what is due. @return how long until it is to be called again; nullopt: until something is set
  std::optional<std::chrono::milliseconds> poll();

 private:
  struct Entry {
    Timer timer;
    std::chrono::steady_clock::time_point due;     // of a timer: on the clock that nobody sets
    std::chrono::steady_clock::time_point try_at;  // of one that has rung: when to announce it next
  };

  TimerService(stores::ItemStore& store, TimerClock clock, std::function<std::string(const Timer&, WallTime)> words);
  void add_locked(Timer timer);
  void follow_clock_locked(std::vector<Timer>& changed);
  void write_behind(std::vector<Timer> changed, const std::vector<std::string>& over);
  void write_behind_locked(std::vector<Timer> changed, const std::vector<std::string>& over);
  bool is_ringing_locked(const std::string& id) const;
  std::optional<std::chrono::milliseconds> until_next_locked() const;
  void run();

  stores::ItemStore& store_;
  const TimerClock clock_;
  const std::function<std::string(const Timer&, WallTime)> words_;
  Announce announce_;

  std::mutex write_mutex_;  // held while the store is written: what a cancel took away is not put again. Before mutex_
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::map<std::string, Entry> entries_;
  std::vector<std::string> heard_;          // ids; deleted by the thread
  std::chrono::nanoseconds wall_ahead_{0};  // wall clock minus steady clock, when last looked at
  bool poked_ = false;                      // something is new for poll()
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace morgan::tools
