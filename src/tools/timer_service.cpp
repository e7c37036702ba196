#include "tools/timer_service.h"

#include "base/ids.h"
#include "base/json_util.h"
#include "base/log.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace morgan::tools {

namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock::time_point;

const std::string kItemKind = "timer";
constexpr std::chrono::hours kLongest{24 * 3'660};
/// Smaller steps of the wall clock are its being kept right.
constexpr std::chrono::seconds kClockStep{2};

long long unix_ms(WallTime at) {
  return std::chrono::duration_cast<milliseconds>(at.time_since_epoch()).count();
}

stores::StoredItem item_of(const Timer& timer) {
  const Json body{{"kind", std::string(to_string(timer.kind))},
                  {"label", timer.label},
                  {"length", timer.length_seconds},
                  {"due_ms", unix_ms(timer.due)},
                  {"rung", timer.rung}};
  return {kItemKind, timer.id, timer.user_id, dump_json(body), ""};
}

Result<Timer> timer_of(const stores::StoredItem& item) {
  MORGAN_TRY(const Json body, parse_json_object(item.body));
  MORGAN_TRY(const auto kind, json_string(body, "kind"));
  MORGAN_TRY(const auto label, json_string(body, "label"));
  MORGAN_TRY(const auto length, json_number(body, "length"));
  MORGAN_TRY(const auto due, json_integer(body, "due_ms"));
  MORGAN_TRY(const auto rung, json_bool(body, "rung"));
  if (!kind || !due) return fail(ErrorCode::kCorrupt, "a stored timer has no time");
  Timer timer;
  timer.id = item.id;
  timer.user_id = item.user_id;
  timer.kind = *kind == to_string(TimerKind::kTimer) ? TimerKind::kTimer : TimerKind::kReminder;
  timer.label = label.value_or("");
  timer.length_seconds = length.value_or(0);
  timer.due = WallTime(milliseconds(*due));
  timer.rung = rung.value_or(false);
  return timer;
}

}  // namespace

std::string_view to_string(TimerKind kind) {
  return kind == TimerKind::kTimer ? "timer" : "reminder";
}

TimerClock TimerClock::real() {
  return {[] { return std::chrono::system_clock::now(); }, [] { return std::chrono::steady_clock::now(); }};
}

TimerService::TimerService(stores::ItemStore& store, TimerClock clock,
                           std::function<std::string(const Timer&, WallTime)> words)
    : store_(store),
      clock_(std::move(clock)),
      words_(std::move(words)),
      wall_ahead_(clock_.wall().time_since_epoch() - clock_.steady().time_since_epoch()) {}

TimerService::~TimerService() {
  stop();
}

Result<std::unique_ptr<TimerService>> TimerService::open(stores::ItemStore& store, TimerClock clock,
                                                         std::function<std::string(const Timer&, WallTime)> words) {
  std::unique_ptr<TimerService> service(new TimerService(store, std::move(clock), std::move(words)));
  MORGAN_TRY(const auto items, store.list(kItemKind, ""));
  for (const stores::StoredItem& item : items) {
    auto timer = timer_of(item);
    if (timer) {
      service->add_locked(std::move(*timer));
    } else {
      log::warn("tools", "a stored timer cannot be read, and is left out", {{"why", timer.error().message}});
    }
  }
  return service;
}

void TimerService::add_locked(Timer timer) {
  Entry entry;
  entry.due = clock_.steady() + (timer.due - clock_.wall());
  entry.try_at = clock_.steady();
  entry.timer = std::move(timer);
  std::string id = entry.timer.id;
  entries_.insert_or_assign(std::move(id), std::move(entry));
}

Result<Timer> TimerService::set(const std::string& user_id, TimerKind kind, const std::string& label, WallTime due) {
  const std::scoped_lock writing(write_mutex_);
  const WallTime now = clock_.wall();
  if (due <= now) return fail({ErrorCode::kInvalidArgument, "That time has passed already.", "", "when"});
  if (due - now > kLongest) return fail({ErrorCode::kInvalidArgument, "That is more than ten years away.", "", "when"});
  if (list(user_id).size() >= kMostTimers)
    return fail(ErrorCode::kOverloaded, "There are too many timers and reminders already. Cancel some first.");
  Timer timer;
  timer.id = random_id("timer_");
  timer.user_id = user_id;
  timer.kind = kind;
  timer.label = label;
  timer.length_seconds = std::round(std::chrono::duration<double>(due - now).count());
  timer.due = due;
  MORGAN_CHECK_OK(store_.put({item_of(timer)}));
  std::vector<Timer> moved;
  {
    const std::scoped_lock lock(mutex_);
    // A step of the clock that nobody has looked at yet is none of the new timer's.
    follow_clock_locked(moved);
    add_locked(timer);
    poked_ = true;
  }
  changed_.notify_all();
  write_behind_locked(std::move(moved), {});
  return timer;
}

Result<void> TimerService::put_back(const std::vector<Timer>& timers) {
  std::vector<stores::StoredItem> items;
  for (const Timer& timer : timers)
    items.push_back(item_of(timer));
  const std::scoped_lock writing(write_mutex_);
  MORGAN_CHECK_OK(store_.put(items));
  std::vector<Timer> moved;
  {
    const std::scoped_lock lock(mutex_);
    follow_clock_locked(moved);
    for (const Timer& timer : timers)
      add_locked(timer);
    poked_ = true;
  }
  changed_.notify_all();
  write_behind_locked(std::move(moved), {});
  return {};
}

std::vector<Timer> TimerService::list(const std::string& user_id) const {
  std::vector<Timer> timers;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [id, entry] : entries_) {
      if (entry.timer.user_id == user_id) timers.push_back(entry.timer);
    }
  }
  std::sort(timers.begin(), timers.end(), [](const Timer& a, const Timer& b) { return a.due < b.due; });
  return timers;
}

Result<Timer> TimerService::cancel(const std::string& user_id, const std::string& id) {
  const std::scoped_lock writing(write_mutex_);
  Timer timer;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = entries_.find(id);
    if (found == entries_.end() || found->second.timer.user_id != user_id)
      return fail({ErrorCode::kNotFound, "there is no such timer", "", "id"});
    timer = found->second.timer;
  }
  MORGAN_CHECK_OK(store_.remove(kItemKind, {id}));
  const std::scoped_lock lock(mutex_);
  entries_.erase(id);
  return timer;
}

Result<long long> TimerService::forget(const std::string& user_id) {
  const std::scoped_lock writing(write_mutex_);
  std::vector<std::string> ids;
  for (const Timer& timer : list(user_id))
    ids.push_back(timer.id);
  MORGAN_CHECK_OK(store_.remove(kItemKind, ids));
  const std::scoped_lock lock(mutex_);
  for (const std::string& id : ids)
    entries_.erase(id);
  return static_cast<long long>(ids.size());
}

bool TimerService::is_ringing(const std::string& id) const {
  const std::scoped_lock lock(mutex_);
  return is_ringing_locked(id);
}

bool TimerService::is_ringing_locked(const std::string& id) const {
  const auto entry = entries_.find(id);
  return entry != entries_.end() && entry->second.timer.rung &&
         std::find(heard_.begin(), heard_.end(), id) == heard_.end();
}

// --- Ringing -------------------------------------------------------------------------------------------------------

/// A timer goes on for as long as it was set, whatever the wall clock is set to; its time on that clock moves along.
void TimerService::follow_clock_locked(std::vector<Timer>& changed) {
  const auto ahead = clock_.wall().time_since_epoch() - clock_.steady().time_since_epoch();
  const auto step = ahead - wall_ahead_;
  if (std::chrono::abs(step) < kClockStep) return;
  wall_ahead_ = ahead;
  for (auto& [id, entry] : entries_) {
    if (entry.timer.kind != TimerKind::kTimer || entry.timer.rung) continue;
    entry.timer.due += std::chrono::duration_cast<WallTime::duration>(step);
    changed.push_back(entry.timer);
  }
}

std::optional<milliseconds> TimerService::until_next_locked() const {
  if (entries_.empty()) return std::nullopt;
  const Steady now = clock_.steady();
  std::chrono::nanoseconds next = kLookAtClock;
  for (const auto& [id, entry] : entries_) {
    std::chrono::nanoseconds left = entry.due - now;
    if (entry.timer.rung) {
      left = entry.try_at - now;
    } else if (entry.timer.kind == TimerKind::kReminder) {
      left = entry.timer.due - clock_.wall();
    }
    next = std::min(next, left);
  }
  return std::chrono::ceil<milliseconds>(std::max(next, std::chrono::nanoseconds(0)));
}

void TimerService::write_behind(std::vector<Timer> changed, const std::vector<std::string>& over) {
  const std::scoped_lock writing(write_mutex_);
  write_behind_locked(std::move(changed), over);
}

/// With write_mutex_ held.
void TimerService::write_behind_locked(std::vector<Timer> changed, const std::vector<std::string>& over) {
  {
    // Cancelled since `changed` was made: its row is gone, too.
    const std::scoped_lock lock(mutex_);
    std::erase_if(changed, [this](const Timer& timer) { return !entries_.contains(timer.id); });
  }
  std::vector<stores::StoredItem> items;
  for (const Timer& timer : changed)
    items.push_back(item_of(timer));
  Result<void> written;
  if (!items.empty()) written = store_.put(items);
  if (written && !over.empty()) {
    if (auto removed = store_.remove(kItemKind, over); !removed) written = fail(std::move(removed).error());
  }
  // It rings all the same; after a restart it may ring once more.
  if (!written) log::error("tools", "a timer could not be stored", {{"why", written.error().message}});
}

std::optional<milliseconds> TimerService::poll() {
  std::vector<Timer> changed;
  std::vector<Timer> ringing;
  std::vector<std::string> over;
  const WallTime wall = clock_.wall();
  {
    const std::scoped_lock lock(mutex_);
    const Steady now = clock_.steady();
    poked_ = false;
    over = std::exchange(heard_, {});
    for (const std::string& id : over)
      entries_.erase(id);
    follow_clock_locked(changed);
    for (auto& [id, entry] : entries_) {
      Timer& timer = entry.timer;
      const bool due = timer.kind == TimerKind::kTimer ? now >= entry.due : wall >= timer.due;
      if (!timer.rung && due) {
        timer.rung = true;
        entry.try_at = now;
        changed.push_back(timer);
      }
      if (!timer.rung || now < entry.try_at) continue;
      if (wall - timer.due > kToldFor) {
        over.push_back(id);
      } else {
        entry.try_at = now + kTryAgain;
        ringing.push_back(timer);
      }
    }
    for (const std::string& id : over)
      entries_.erase(id);
  }
  write_behind(std::move(changed), over);
  for (const Timer& timer : ringing) {
    if (!is_ringing(timer.id)) continue;  // cancelled meanwhile
    const auto heard = [this, id = timer.id] {
      {
        const std::scoped_lock lock(mutex_);
        heard_.push_back(id);
        poked_ = true;
      }
      changed_.notify_all();
    };
    if (!announce_ || !announce_(timer, words_(timer, wall), heard)) continue;
    const std::scoped_lock lock(mutex_);
    if (const auto entry = entries_.find(timer.id); entry != entries_.end())
      entry->second.try_at = clock_.steady() + kUnheardAfter;
  }
  const std::scoped_lock lock(mutex_);
  return until_next_locked();
}

void TimerService::run() {
  for (;;) {
    const auto wait = poll();
    std::unique_lock lock(mutex_);
    const auto woken = [this] { return stopping_ || poked_; };
    if (wait) {
      changed_.wait_for(lock, *wait, woken);
    } else {
      changed_.wait(lock, woken);
    }
    if (stopping_) return;
  }
}

void TimerService::start(Announce announce) {
  listen(std::move(announce));
  thread_ = std::thread([this] { run(); });
}

void TimerService::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

}  // namespace morgan::tools
