#include "services/mcp_sessions.h"

#include <gtest/gtest.h>

namespace morgan::services {

namespace {

using std::chrono::hours;
using std::chrono::minutes;

const McpSessions::Clock::time_point kStart = McpSessions::Clock::now();

TEST(McpSessions, FindsWhatWasOpenedUntilItIsClosed) {
  McpSessions sessions;
  const std::string id = sessions.open("ann").value();
  ASSERT_NE(sessions.find(id, "ann"), nullptr);
  EXPECT_EQ(sessions.find(id, "ben"), nullptr) << "it is somebody else's";
  EXPECT_EQ(sessions.find("mcp_of_somebody_else", "ann"), nullptr);
  EXPECT_TRUE(sessions.close(id));
  EXPECT_FALSE(sessions.close(id));
  EXPECT_EQ(sessions.find(id, "ann"), nullptr);
}

TEST(McpSessions, HasRoomForAThousandAndThenForWhoeverComesAfterASilentOne) {
  McpSessions sessions;
  const std::string silent = sessions.open("ann", kStart).value();
  for (std::size_t i = 1; i < McpSessions::kMost; ++i)
    ASSERT_TRUE(sessions.open("ann", kStart + minutes(4)));
  const auto refused = sessions.open("ann", kStart + minutes(4));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kOverloaded);
  EXPECT_TRUE(sessions.open("ann", kStart + minutes(6)));
  EXPECT_EQ(sessions.size(), McpSessions::kMost);
  EXPECT_EQ(sessions.find(silent, "ann", kStart + minutes(6)), nullptr);
}

TEST(McpSessions, ForgetsASessionThatWasSilentForADay) {
  McpSessions sessions;
  const std::string used = sessions.open("ann", kStart).value();
  const std::string silent = sessions.open("ann", kStart).value();
  EXPECT_NE(sessions.find(used, "ann", kStart + hours(23)), nullptr);
  EXPECT_NE(sessions.find(used, "ann", kStart + hours(25)), nullptr);
  EXPECT_EQ(sessions.find(silent, "ann", kStart + hours(25)), nullptr);
  EXPECT_EQ(sessions.size(), 1U);
}

TEST(McpSession, CancelsTheCallOfThatIdAndTypeOnly) {
  McpSession session;
  const auto number = session.begin(1, {}).value();
  const auto text = session.begin("1", {}).value();
  EXPECT_FALSE(session.begin(1, {}));
  session.cancel(2);
  session.cancel("1");
  EXPECT_FALSE(number.stop_requested());
  EXPECT_TRUE(text.stop_requested());
  session.end(1);
  EXPECT_TRUE(session.begin(1, {}));
}

TEST(McpSessions, CancelsWhatASessionWasDoingWhenItEnds) {
  McpSessions sessions;
  const std::string id = sessions.open("ann").value();
  const auto session = sessions.find(id, "ann");
  const auto flag = session->begin(7, {}).value();
  sessions.close(id);
  EXPECT_TRUE(flag.stop_requested());
}

}  // namespace

}  // namespace morgan::services
