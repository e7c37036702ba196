// One thread that computes for many callers. OpenMP keeps a team of workers for every thread that ever opened a
// parallel region, and with more of them than processors it waits by sleeping (docs/gotchas.md); so each ggml context
// computes on one thread, whoever asks.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace morgan::engines {

/// @thread one caller at a time
class ComputeThread {
 public:
  ComputeThread() : thread_([this] { serve(); }) {}
  ~ComputeThread() {
    {
      const std::scoped_lock lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  ComputeThread(const ComputeThread&) = delete;
  ComputeThread& operator=(const ComputeThread&) = delete;

  /// Returns when `work` has run.
  void run(const std::function<void()>& work) {
    std::unique_lock lock(mutex_);
    work_ = &work;
    changed_.notify_all();
    changed_.wait(lock, [this] { return work_ == nullptr; });
  }

 private:
  void serve() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return ending_ || work_ != nullptr; });
      if (work_ == nullptr) return;
      (*work_)();
      work_ = nullptr;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void()>* work_ = nullptr;  // guarded by mutex_; the caller's
  bool ending_ = false;                          // guarded by mutex_
  std::thread thread_;                           // last: it uses what is above
};

}  // namespace morgan::engines
