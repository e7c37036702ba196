#include "models/archive.h"

#include "base/file.h"
#include "models/test_archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace morgan::models {
namespace {

namespace fs = std::filesystem;

class Archive : public testing::TestWithParam<ArchiveKind> {
 protected:
  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path folder_ = fs::path(testing::TempDir()) / "archive_test";
  fs::path archive_ = folder_ / "package";
};

TEST_P(Archive, GivesOnlyWhatIsAskedFor) {
  const std::string large(700'000, 'x');
  make_archive(archive_, GetParam(), {{"a/one", "1"}, {"../../evil", "e"}, {"a/large", large}, {"a/empty", ""}});
  const Result<void> result =
      extract_members(archive_, {{"a/large", folder_ / "out/l"}, {"a/empty", folder_ / "out/e"}}, StopToken());
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(*read_file(folder_ / "out/l", 1'000'000), large);
  EXPECT_EQ(*read_file(folder_ / "out/e", 10), "");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "out"), fs::directory_iterator()), 2);
}

TEST_P(Archive, NamesAMissingMember) {
  make_archive(archive_, GetParam(), {{"a/one", "1"}});
  const Result<void> result = extract_members(archive_, {{"a/two", folder_ / "two"}}, StopToken());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(result.error().message, testing::HasSubstr("a/two"));
}

TEST_P(Archive, TruncatedGivesAnErrorAndNoFile) {
  std::string noise;
  for (unsigned i = 0; i < 300'000; ++i)
    noise.push_back(static_cast<char>((i * 2654435761U) >> 13U));
  make_archive(archive_, GetParam(), {{"a/noise", noise}});
  const std::uintmax_t size = fs::file_size(archive_);
  for (const std::uintmax_t kept : {size / 2, std::uintmax_t{10}, std::uintmax_t{0}}) {
    fs::resize_file(archive_, kept);
    const Result<void> result = extract_members(archive_, {{"a/noise", folder_ / "noise"}}, StopToken());
    ASSERT_FALSE(result) << kept;
    EXPECT_EQ(result.error().code, ErrorCode::kCorrupt) << kept;
    EXPECT_FALSE(fs::exists(folder_ / "noise")) << kept;
    EXPECT_FALSE(fs::exists(folder_ / "noise.part")) << kept;
  }
}

TEST_P(Archive, StopsWhenAsked) {
  make_archive(archive_, GetParam(), {{"a/one", "1"}});
  StopSource source;
  source.request_stop(StopReason::kClientGone);
  const Result<void> result = extract_members(archive_, {{"a/one", folder_ / "one"}}, source.token());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
}

INSTANTIATE_TEST_SUITE_P(Kinds, Archive, testing::Values(ArchiveKind::kZip, ArchiveKind::kTarGz));

}  // namespace
}  // namespace morgan::models
