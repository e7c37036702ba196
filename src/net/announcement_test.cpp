#include "net/announcement.h"

#include <cstdlib>

namespace morgan::net {
namespace {

TEST(Announcement, WithoutABusItIsOnlyNotMade) {
  ::setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere/at/all", 1);
  auto announcement = Announcement::start({"Morgan", "_wyoming._tcp", 10300});
  EXPECT_NE(announcement, nullptr);
  announcement.reset();  // its thread reads the environment
  ::unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
}

}  // namespace
}  // namespace morgan::net
