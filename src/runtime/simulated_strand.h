// A strand for tests: its time stands still until the test moves it, and its tasks run inside the calls that say so.
// The same calls give the same order each time. One thread only.
#pragma once

#include "runtime/strand.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <utility>

namespace morgan::runtime {

class SimulatedStrand final : public Strand {
 public:
  using Duration = TimePoint::duration;

  void post(Task task) override { queue_.push_back({0, std::move(task)}); }

  TimerId post_at(TimePoint when, Task task) override {
    const TimerId id = ++last_id_;
    if (when <= now_) {
      queue_.push_back({id, std::move(task)});
    } else {
      timers_.emplace(std::pair(when, id), std::move(task));
    }
    return id;
  }

  void cancel(TimerId timer) override {
    if (timer == 0) return;
    const auto waiting =
        std::find_if(timers_.begin(), timers_.end(), [&](const auto& t) { return t.first.second == timer; });
    if (waiting != timers_.end()) timers_.erase(waiting);
    const auto queued =
        std::find_if(queue_.begin(), queue_.end(), [&](const Item& item) { return item.timer == timer; });
    if (queued != queue_.end()) queue_.erase(queued);
  }

  TimePoint now() const override { return now_; }

  /// Runs what was posted, and what that posts, until nothing is left but timers that are not due. Time stands still.
  void run_until_idle() {
    constexpr int kRunaway = 1'000'000;
    for (int tasks = 0; !queue_.empty(); ++tasks) {
      if (tasks == kRunaway) {
        std::fputs("the simulated strand's tasks post each other for ever\n", stderr);
        std::abort();
      }
      const Task task = std::move(queue_.front().task);
      queue_.pop_front();
      task();
    }
  }

  /// Runs what was posted, then moves time on; each timer runs at its own time, and all that it posts before the next.
  void advance(Duration duration) {
    const TimePoint end = now_ + duration;
    run_until_idle();
    while (!timers_.empty() && timers_.begin()->first.first <= end) {
      const auto first = timers_.begin();
      now_ = first->first.first;
      queue_.push_back({first->first.second, std::move(first->second)});
      timers_.erase(first);
      run_until_idle();
    }
    now_ = end;
  }

  /// Timers that are not due yet.
  std::size_t timers() const { return timers_.size(); }
  bool idle() const { return queue_.empty(); }

 private:
  struct Item {
    TimerId timer = 0;
    Task task;
  };

  // Not the clock's beginning, so that a test may look back.
  TimePoint now_ = TimePoint{} + std::chrono::hours(1);
  TimerId last_id_ = 0;
  std::deque<Item> queue_;
  std::map<std::pair<TimePoint, TimerId>, Task> timers_;
};

}  // namespace morgan::runtime
