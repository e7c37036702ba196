// The threads on which one server's handlers block. Threads appear as work does, so an idle server costs
// none; what waits for a thread is bounded.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace morgan::net {

class WorkerPool {
 public:
  WorkerPool(std::size_t max_threads, std::size_t queue_limit);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// @return false when every thread is busy and the queue is full: nothing was taken
  bool try_submit(std::function<void()> job);

  /// Runs what is queued, then joins. Later jobs are refused. Idempotent.
  void stop();

 private:
  void work();

  const std::size_t max_threads_;
  const std::size_t queue_limit_;
  std::mutex mutex_;  // guards everything below
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace morgan::net
