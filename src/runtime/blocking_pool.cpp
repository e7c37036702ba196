#include "runtime/blocking_pool.h"

#include "runtime/guarded_call.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace morgan::runtime {

namespace {

class BlockingPoolImpl final : public BlockingPool {
 public:
  BlockingPoolImpl(std::size_t max_threads, std::size_t max_waiting)
      : max_threads_(std::max<std::size_t>(max_threads, 1)), max_waiting_(max_waiting) {}

  ~BlockingPoolImpl() override { BlockingPoolImpl::stop(); }

  Result<void> run(std::function<void()> task) override {
    const std::lock_guard lock(mutex_);
    if (stopping_) return fail(ErrorCode::kOverloaded, "no more work is taken: the pool has stopped");
    // Idle threads have taken, in effect, the first tasks of the queue already.
    const bool has_thread = queue_.size() < idle_;
    const bool can_grow = threads_.size() < max_threads_;
    if (!has_thread && !can_grow && queue_.size() - idle_ >= max_waiting_) {
      return fail(ErrorCode::kOverloaded, "too many calls are waiting for a thread; try again later");
    }
    queue_.push_back(std::move(task));
    if (!has_thread && can_grow) {
      ++idle_;  // counted from now, so that tasks which come before it runs are not refused for its sake
      threads_.emplace_back([this] { work(); });
    }
    wake_.notify_one();
    return {};
  }

  void stop() override {
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

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      --idle_;
      if (queue_.empty()) return;
      std::function<void()> task = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      guarded_call(std::move(task));
      lock.lock();
      ++idle_;
    }
  }

  const std::size_t max_threads_;
  const std::size_t max_waiting_;
  std::mutex mutex_;  // guards everything below
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace

std::unique_ptr<BlockingPool> BlockingPool::create(std::size_t max_threads, std::size_t max_waiting) {
  return std::make_unique<BlockingPoolImpl>(max_threads, max_waiting);
}

}  // namespace morgan::runtime
