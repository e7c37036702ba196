#include "access/key_store.h"

#include "base/file.h"
#include "base/sha256.h"

#include <unistd.h>

#include <thread>

namespace morgan::access {
namespace {

namespace fs = std::filesystem;

constexpr std::time_t kNow = 1'800'000'000;

class KeyStoreTest : public testing::Test {
 protected:
  ~KeyStoreTest() override { fs::remove_all(folder_); }
  static ApiKey wanted(std::string user, std::vector<std::string> scopes = {"all"}) {
    ApiKey key;
    key.user = std::move(user);
    key.scopes = std::move(scopes);
    return key;
  }
  fs::path folder_ = fs::temp_directory_path() / ("morgan-keys-" + std::to_string(::getpid()));
  fs::path file_ = KeyStore::file_of(folder_);
  KeyStore store_{file_};
};

TEST_F(KeyStoreTest, AKeyIsKnownAgainAndOnlyItsHashIsKept) {
  const auto made = store_.create(wanted("anna", {"core", "tts"}), kNow);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(KeyStore::is_key(made->text));
  const auto found = store_.check(made->text, kNow);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->user, "anna");
  EXPECT_TRUE(found->is_good_for("tts"));
  EXPECT_FALSE(found->is_good_for("llm"));
  EXPECT_TRUE(found->is_good_for(""));
  const std::string text = *read_file(file_, 100'000);
  EXPECT_EQ(text.find(made->text.substr(made->text.rfind('_') + 1)), std::string::npos);
  EXPECT_NE(text.find(sha256_hex(made->text)), std::string::npos);
  EXPECT_EQ(fs::status(file_).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(KeyStoreTest, AnythingElseIsNot) {
  EXPECT_EQ(store_.check("morgan_abc_def", kNow).error().code, ErrorCode::kUnauthorized);
  const auto made = store_.create(wanted("anna"), kNow);
  ASSERT_TRUE(made);
  for (const std::string& other :
       {made->text + "x", made->text.substr(0, made->text.size() - 1), "morgan_" + made->key.id + "_",
        std::string("morgan_"), std::string(), "morgan_" + made->key.id + "_" + sha256_hex(made->text)}) {
    EXPECT_EQ(store_.check(other, kNow).error().code, ErrorCode::kUnauthorized) << other;
  }
}

TEST_F(KeyStoreTest, AllMeansEveryScope) {
  const auto made = store_.create(wanted("", {"all"}), kNow);
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->key.is_good_for("metrics"));
}

TEST_F(KeyStoreTest, TheTimeOfAKeyEnds) {
  ApiKey key = wanted("anna");
  key.expires_at = kNow + 10;
  const auto made = store_.create(key, kNow);
  ASSERT_TRUE(made);
  EXPECT_TRUE(store_.check(made->text, kNow + 9));
  const auto late = store_.check(made->text, kNow + 10);
  ASSERT_FALSE(late);
  EXPECT_NE(late.error().message.find("over"), std::string::npos);
}

TEST_F(KeyStoreTest, AnotherProcessSeesChangesAtOnce) {
  KeyStore other(file_);
  EXPECT_TRUE((*other.keys())->empty());
  const auto made = store_.create(wanted("anna"), kNow);
  ASSERT_TRUE(made);
  EXPECT_TRUE(other.check(made->text, kNow));
  ASSERT_TRUE(store_.revoke(made->key.id));
  EXPECT_EQ(other.check(made->text, kNow).error().code, ErrorCode::kUnauthorized);
}

TEST_F(KeyStoreTest, WritersDoNotLoseEachOthersKeys) {
  std::vector<std::thread> writers;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([this] {
      KeyStore own(file_);
      for (int n = 0; n < 5; ++n)
        EXPECT_TRUE(own.create(wanted("anna"), kNow));
    });
  }
  for (std::thread& writer : writers)
    writer.join();
  EXPECT_EQ((*store_.keys())->size(), 20U);
}

TEST_F(KeyStoreTest, WrongWishesAreTold) {
  const auto scope = store_.create(wanted("anna", {"cor"}), kNow);
  ASSERT_FALSE(scope);
  EXPECT_NE(scope.error().message.find("did you mean 'core'"), std::string::npos) << scope.error().message;
  EXPECT_FALSE(store_.create(wanted("anna", {}), kNow));
  EXPECT_EQ(store_.revoke("nobody").error().code, ErrorCode::kNotFound);
}

TEST_F(KeyStoreTest, AFileThatIsNotItsOwnLetsNobodyIn) {
  fs::create_directories(folder_);
  for (const char* text : {"", "{", "[]", "{}", R"({"keys": [1]})", R"({"keys": [{"id": "a"}]})",
                           R"({"keys": [{"id": "a", "name": "", "user": "", "sha256": "", "scopes": [1]}]})"}) {
    ASSERT_TRUE(write_file_atomically(file_, text));
    const auto checked = store_.check("morgan_a_b", kNow);
    ASSERT_FALSE(checked) << text;
    EXPECT_EQ(checked.error().code, ErrorCode::kCorrupt) << text;
    EXPECT_NE(checked.error().message.find(file_.string()), std::string::npos);
  }
}

}  // namespace
}  // namespace morgan::access
