#include "app/entrance.h"

#include "access/key_store.h"
#include "test_support/temporary_folder.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace morgan::app {
namespace {

class EntranceTest : public testing::Test {
 protected:
  EntranceTest() { ::setenv("MORGAN_HOME", folder_.path().c_str(), 1); }
  ~EntranceTest() override { ::unsetenv("MORGAN_HOME"); }

  void make_key() {
    access::ApiKey wanted;
    wanted.user = "anna";
    wanted.scopes = {"core"};
    const auto made = access::KeyStore(access::KeyStore::file_of(folder_.path())).create(wanted, std::time(nullptr));
    ASSERT_TRUE(made) << made.error().message;
  }

  /// What is told, "" when it opens.
  std::string refusal(bool serves_wyoming = true) const {
    const auto entrance = open_entrance(config_, serves_wyoming);
    if (entrance) return "";
    EXPECT_EQ(entrance.error().code, ErrorCode::kInvalidArgument);
    return entrance.error().message;
  }

  test_support::TemporaryFolder folder_;
  AppConfig config_;
};

TEST_F(EntranceTest, ThisMachineAloneNeedsNothing) {
  EXPECT_EQ(refusal(), "");
}

TEST_F(EntranceTest, AnOpenHostNeedsAKey) {
  config_.server.host = "0.0.0.0";
  EXPECT_NE(refusal().find("server.host is 0.0.0.0"), std::string::npos) << refusal();
  make_key();
  EXPECT_EQ(refusal(), "");
  EXPECT_EQ(wyoming_host(config_), "127.0.0.1");
}

TEST_F(EntranceTest, AnOpenHostOfWyomingNeedsAKeyToo) {
  config_.wyoming.host = "192.168.1.20";
  EXPECT_NE(refusal().find("wyoming.host is 192.168.1.20"), std::string::npos) << refusal();
  make_key();
  EXPECT_EQ(refusal(), "");
}

TEST_F(EntranceTest, InsecureOpensBoth) {
  config_.server.host = "0.0.0.0";
  config_.server.insecure = true;
  EXPECT_EQ(refusal(), "");
  EXPECT_EQ(wyoming_host(config_), "0.0.0.0");
}

TEST_F(EntranceTest, WhoDoesNotServeWyomingIsNotAskedAboutIt) {
  config_.wyoming.host = "0.0.0.0";
  EXPECT_EQ(refusal(false), "");
}

}  // namespace
}  // namespace morgan::app
