#include "services/mcp_sessions.h"

#include <gtest/gtest.h>

namespace morgan::services {

namespace {

using std::chrono::hours;
using std::chrono::minutes;

const McpSessions::Clock::time_point kStart = McpSessions::Clock::now();

TEST(McpSessions, FindsWhatWasOpenedUntilItIsClosed) {
  McpSessions sessions;
  const std::string id = sessions.open("2025-06-18").value();
  ASSERT_NE(sessions.find(id), nullptr);
  EXPECT_EQ(sessions.find(id)->version(), "2025-06-18");
  EXPECT_EQ(sessions.find("mcp_of_somebody_else"), nullptr);
  EXPECT_TRUE(sessions.close(id));
  EXPECT_FALSE(sessions.close(id));
  EXPECT_EQ(sessions.find(id), nullptr);
}

TEST(McpSessions, HasRoomForAThousandAndThenForWhoeverComesAfterASilentOne) {
  McpSessions sessions;
  const std::string silent = sessions.open("2025-11-25", kStart).value();
  for (std::size_t i = 1; i < McpSessions::kMost; ++i)
    ASSERT_TRUE(sessions.open("2025-11-25", kStart + minutes(4)));
  const auto refused = sessions.open("2025-11-25", kStart + minutes(4));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kOverloaded);
  EXPECT_TRUE(sessions.open("2025-11-25", kStart + minutes(6)));
  EXPECT_EQ(sessions.size(), McpSessions::kMost);
  EXPECT_EQ(sessions.find(silent, kStart + minutes(6)), nullptr);
}

TEST(McpSessions, ForgetsASessionThatWasSilentForADay) {
  McpSessions sessions;
  const std::string used = sessions.open("2025-11-25", kStart).value();
  const std::string silent = sessions.open("2025-11-25", kStart).value();
  EXPECT_NE(sessions.find(used, kStart + hours(23)), nullptr);
  EXPECT_NE(sessions.find(used, kStart + hours(25)), nullptr);
  EXPECT_EQ(sessions.find(silent, kStart + hours(25)), nullptr);
  EXPECT_EQ(sessions.size(), 1U);
}

TEST(McpSession, CancelsTheCallOfThatIdAndTypeOnly) {
  McpSession session("2025-11-25");
  const auto number = session.begin(1).value();
  const auto text = session.begin("1").value();
  EXPECT_FALSE(session.begin(1));
  session.cancel(2);
  session.cancel("1");
  EXPECT_FALSE(number->load());
  EXPECT_TRUE(text->load());
  session.end(1);
  EXPECT_TRUE(session.begin(1));
}

TEST(McpSessions, CancelsWhatASessionWasDoingWhenItEnds) {
  McpSessions sessions;
  const std::string id = sessions.open("2025-11-25").value();
  const auto session = sessions.find(id);
  const auto flag = session->begin(7).value();
  sessions.close(id);
  EXPECT_TRUE(flag->load());
}

}  // namespace

}  // namespace morgan::services
