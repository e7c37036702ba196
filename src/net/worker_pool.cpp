#include "net/worker_pool.h"

#include <algorithm>

namespace morgan::net {

WorkerPool::WorkerPool(std::size_t max_threads, std::size_t queue_limit)
    : max_threads_(std::max<std::size_t>(max_threads, 1)), queue_limit_(queue_limit) {}

WorkerPool::~WorkerPool() {
  stop();
}

bool WorkerPool::try_submit(std::function<void()> job) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return false;
  // Idle threads have taken, in effect, the first jobs of the queue already.
  const bool has_thread = queue_.size() < idle_;
  const bool can_grow = threads_.size() < max_threads_;
  if (!has_thread && !can_grow && queue_.size() - idle_ >= queue_limit_) return false;
  queue_.push_back(std::move(job));
  if (!has_thread && can_grow) {
    ++idle_;  // counted from now, so that jobs which come before it runs are not refused for its sake
    threads_.emplace_back(&WorkerPool::work, this);
  }
  wake_.notify_one();
  return true;
}

void WorkerPool::stop() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads)
    thread.join();
}

void WorkerPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    --idle_;
    if (queue_.empty()) return;
    std::function<void()> job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    job();
    job = nullptr;  // what it holds must not outlive it in an idle thread
    lock.lock();
    ++idle_;
  }
}

}  // namespace morgan::net
