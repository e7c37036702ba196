// What tests of tools share: a database of their own, a clock that they turn, and a registry. Test code.
#pragma once

#include "stores/sqlite/sqlite_item_store.h"
#include "test_support/temporary_folder.h"
#include "tools/builtin_tools.h"
#include "tools/local_time.h"
#include "tools/timer_words.h"
#include "tools/tool_runner.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace morgan::tools {

class ToolWorld : public ::testing::Test {
 protected:
  void SetUp() override {
    auto zone = zone_named("Europe/Berlin");
    ASSERT_TRUE(zone);
    zone_ = *zone;
    wall_ = wall_time(cctz::civil_second(2026, 3, 11, 15, 10, 0), zone_);
    reopen();
    ASSERT_TRUE(add_builtin_tools(registry_, {zone_, items_.get(), timers_.get()}));
  }
  void TearDown() override {
    timers_.reset();
    items_.reset();
  }
  /// As after a crash: nothing but the file is left.
  void reopen() {
    timers_.reset();
    items_.reset();
    auto items = stores::open_sqlite_items(folder_ / "morgan.db");
    ASSERT_TRUE(items) << items.error().message;
    items_ = std::move(*items);
    auto timers =
        TimerService::open(*items_, {[this] { return wall_; }, [this] { return steady_; }},
                           [this](const Timer& timer, WallTime now) { return ring_words(timer, now, zone_); });
    ASSERT_TRUE(timers) << timers.error().message;
    timers_ = std::move(*timers);
  }
  void pass(std::chrono::seconds time) {
    wall_ += time;
    steady_ += time;
  }

  test_support::TemporaryFolder folder_;
  cctz::time_zone zone_;
  WallTime wall_;
  std::chrono::steady_clock::time_point steady_{std::chrono::hours(5)};
  std::unique_ptr<stores::ItemStore> items_;
  std::unique_ptr<TimerService> timers_;
  ToolRegistry registry_;
  Metrics metrics_;
};

}  // namespace morgan::tools
