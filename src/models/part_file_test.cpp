#include "models/part_file.h"

#include "base/file.h"

#include <gtest/gtest.h>

namespace morgan::models {
namespace {

namespace fs = std::filesystem;

class PartFileTest : public testing::Test {
 protected:
  void SetUp() override { fs::remove_all(folder_); }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_ = fs::path(testing::TempDir()) / "part_file_test";
  fs::path path_ = folder_ / "sub" / "file";
};

TEST_F(PartFileTest, AppearsOnlyWhenCommitted) {
  {
    Result<PartFile> file = PartFile::create(path_);
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->write("hello"));
    EXPECT_FALSE(fs::exists(path_));
    ASSERT_TRUE(file->commit());
  }
  EXPECT_EQ(*read_file(path_, 100), "hello");
  EXPECT_FALSE(fs::exists(path_.string() + ".part"));
}

TEST_F(PartFileTest, AbandonedLeavesNothing) {
  {
    ASSERT_TRUE(PartFile::create(path_)->write("hello"));
  }
  EXPECT_TRUE(fs::is_empty(path_.parent_path()));
}

TEST_F(PartFileTest, KeptIsResumed) {
  {
    Result<PartFile> file = PartFile::create(path_);
    file->keep();
    ASSERT_TRUE(file->write("hel"));
  }
  Result<PartFile> file = PartFile::resume(path_);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->size(), 3U);
  ASSERT_TRUE(file->write("lo"));
  ASSERT_TRUE(file->commit());
  EXPECT_EQ(*read_file(path_, 100), "hello");
}

TEST_F(PartFileTest, TwoWritersDoNotMix) {
  Result<PartFile> first = PartFile::create(path_);
  ASSERT_TRUE(first);
  ASSERT_TRUE(first->write("first"));
  const Result<PartFile> second = PartFile::create(path_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  ASSERT_TRUE(first->commit());
  EXPECT_EQ(*read_file(path_, 100), "first");
}

TEST_F(PartFileTest, FullDiskIsUnavailable) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  fs::create_directories(path_.parent_path());
  fs::create_symlink("/dev/full", path_.string() + ".part");
  Result<PartFile> file = PartFile::create(path_);
  // A device cannot be truncated on every kernel; either call has to fail, and never with success at the end.
  Result<void> written = file ? file->write("x") : fail(file.error());
  if (written) written = file->commit();
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(fs::exists(path_));
}

}  // namespace
}  // namespace morgan::models
