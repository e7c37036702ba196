#include "runtime/guarded_call.h"
#include "runtime/strand.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace morgan::runtime {

namespace {

// So many tasks of one strand run before the next strand has its turn.
constexpr int kTasksInARow = 16;

class PoolStrand;

// Strands whose tasks wait for a thread. A strand is in it once at most, so it is as long as there are strands.
// Locked after a strand's own mutex, never before.
class ReadyQueue {
 public:
  /// @return false once closed: the strand will not run
  bool push(std::shared_ptr<PoolStrand> strand) {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    strands_.push_back(std::move(strand));
    wake_.notify_one();
    return true;
  }

  /// A worker puts back what it has not worked off; it comes for it again itself, closed or not.
  void push_back(std::shared_ptr<PoolStrand> strand) {
    const std::lock_guard lock(mutex_);
    strands_.push_back(std::move(strand));
    wake_.notify_one();
  }

  /// Waits. @return null once it is closed and empty
  std::shared_ptr<PoolStrand> pop() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return closed_ || !strands_.empty(); });
    if (strands_.empty()) return nullptr;
    std::shared_ptr<PoolStrand> strand = std::move(strands_.front());
    strands_.pop_front();
    return strand;
  }

  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    wake_.notify_all();
  }

  bool closed() const { return closed_; }

 private:
  std::atomic<bool> closed_{false};  // set with the mutex held
  std::mutex mutex_;                 // guards everything below
  std::condition_variable wake_;
  std::deque<std::shared_ptr<PoolStrand>> strands_;  // shared with those who post to them
};

// The timers of all strands, in the order in which they are due. Locked before a strand's mutex: between leaving
// this list and entering the strand's queue no timer is out of cancel()'s sight.
class TimerList {
 public:
  TimerId add(const std::shared_ptr<PoolStrand>& strand, TimePoint when, Task task);
  void cancel(PoolStrand& strand, TimerId id);
  /// Fires timers until stop(). @thread the one that watches
  void watch();
  /// Drops all timers, and what is added later.
  void stop();

 private:
  using Key = std::pair<TimePoint, TimerId>;
  struct Entry {
    std::weak_ptr<PoolStrand> strand;
    Task task;
  };

  std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  std::map<Key, Entry> entries_;
  std::unordered_map<TimerId, TimePoint> due_;  // of each entry
  TimerId last_id_ = 0;
  bool stopped_ = false;
};

// What strands share and keep alive, so that one may outlive its pool.
struct PoolCore {
  ReadyQueue ready;
  TimerList timers;
};

class PoolStrand final : public Strand, public std::enable_shared_from_this<PoolStrand> {
 public:
  explicit PoolStrand(std::shared_ptr<PoolCore> core) : core_(std::move(core)) {}

  void post(Task task) override { enqueue(0, std::move(task)); }
  TimerId post_at(TimePoint when, Task task) override {
    return core_->timers.add(shared_from_this(), when, std::move(task));
  }
  void cancel(TimerId timer) override {
    if (timer != 0) core_->timers.cancel(*this, timer);
  }
  TimePoint now() const override { return std::chrono::steady_clock::now(); }

  /// @param timer  what cancel() knows the task by, or 0
  void enqueue(TimerId timer, Task task);
  /// Takes a timer's task out of the queue. @return it, to be destroyed where no mutex is held; or nothing
  Task withdraw(TimerId timer);
  /// Runs some of the tasks. @thread a worker, one at a time
  void run();

 private:
  struct Item {
    TimerId timer = 0;
    Task task;
  };

  const std::shared_ptr<PoolCore> core_;  // shared by the pool and its strands
  std::mutex mutex_;                      // guards everything below
  std::deque<Item> queue_;
  bool scheduled_ = false;  // in the ready queue, or on a worker
};

TimerId TimerList::add(const std::shared_ptr<PoolStrand>& strand, TimePoint when, Task task) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return 0;
  const TimerId id = ++last_id_;
  if (when <= std::chrono::steady_clock::now()) {
    strand->enqueue(id, std::move(task));
    return id;
  }
  const auto added = entries_.emplace(Key{when, id}, Entry{strand, std::move(task)}).first;
  due_.emplace(id, when);
  if (added == entries_.begin()) changed_.notify_one();
  return id;
}

void TimerList::cancel(PoolStrand& strand, TimerId id) {
  Task dropped;  // destroyed after the mutex is free: what it holds may come back here
  const std::lock_guard lock(mutex_);
  const auto due = due_.find(id);
  if (due == due_.end()) {
    dropped = strand.withdraw(id);
    return;
  }
  const auto entry = entries_.find(Key{due->second, id});
  dropped = std::move(entry->second.task);
  entries_.erase(entry);
  due_.erase(due);
}

void TimerList::watch() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    if (entries_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const auto first = entries_.begin();
    const TimePoint when = first->first.first;
    if (when > std::chrono::steady_clock::now()) {
      changed_.wait_until(lock, when);
      continue;
    }
    Entry entry = std::move(first->second);
    const TimerId id = first->first.second;
    entries_.erase(first);
    due_.erase(id);
    std::shared_ptr<PoolStrand> strand = entry.strand.lock();
    if (strand) strand->enqueue(id, std::move(entry.task));
    // The last owner may have left meanwhile, and what dies with the strand or the task may come back here.
    lock.unlock();
    entry = {};
    strand = nullptr;
    lock.lock();
  }
}

void TimerList::stop() {
  std::map<Key, Entry> dropped;  // destroyed after the mutex is free
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  dropped.swap(entries_);
  due_.clear();
  changed_.notify_all();
}

void PoolStrand::enqueue(TimerId timer, Task task) {
  const std::lock_guard lock(mutex_);
  if (core_->ready.closed()) return;  // the caller's `task` goes after the mutex
  if (!scheduled_) {
    if (!core_->ready.push(shared_from_this())) return;
    scheduled_ = true;
  }
  queue_.push_back({timer, std::move(task)});
}

Task PoolStrand::withdraw(TimerId timer) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(queue_.begin(), queue_.end(), [timer](const Item& i) { return i.timer == timer; });
  if (found == queue_.end()) return nullptr;
  Task task = std::move(found->task);
  queue_.erase(found);
  return task;
}

void PoolStrand::run() {
  for (int i = 0; i < kTasksInARow; ++i) {
    Task task;
    {
      const std::lock_guard lock(mutex_);
      if (queue_.empty()) {
        scheduled_ = false;
        return;
      }
      task = std::move(queue_.front().task);
      queue_.pop_front();
    }
    guarded_call(std::move(task));
  }
  core_->ready.push_back(shared_from_this());
}

class StrandPoolImpl final : public StrandPool {
 public:
  explicit StrandPoolImpl(std::size_t threads) {
    for (std::size_t i = 0; i < std::max<std::size_t>(threads, 1); ++i)
      workers_.emplace_back([core = core_] {
        while (const std::shared_ptr<PoolStrand> strand = core->ready.pop())
          strand->run();
      });
    watcher_ = std::thread([core = core_] { core->timers.watch(); });
  }

  ~StrandPoolImpl() override { StrandPoolImpl::stop(); }

  std::shared_ptr<Strand> make_strand() override { return std::make_shared<PoolStrand>(core_); }

  void stop() override {
    const std::lock_guard lock(life_);
    core_->timers.stop();
    core_->ready.close();
    for (std::thread& worker : workers_)
      worker.join();
    workers_.clear();
    if (watcher_.joinable()) watcher_.join();
  }

 private:
  const std::shared_ptr<PoolCore> core_ = std::make_shared<PoolCore>();  // shared with strands and threads
  std::mutex life_;                                                      // one stop at a time
  std::vector<std::thread> workers_;
  std::thread watcher_;
};

}  // namespace

std::unique_ptr<StrandPool> StrandPool::create(std::size_t threads) {
  return std::make_unique<StrandPoolImpl>(threads);
}

}  // namespace morgan::runtime
