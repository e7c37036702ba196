#include "base/file.h"

#include <unistd.h>

#include <fstream>

namespace morgan {
namespace {

namespace fs = std::filesystem;

class FileTest : public testing::Test {
 protected:
  FileTest() { fs::create_directories(folder_); }
  ~FileTest() override { fs::remove_all(folder_); }
  fs::path folder_ = fs::temp_directory_path() / ("morgan-file-" + std::to_string(::getpid()));
};

TEST_F(FileTest, WrittenContentReadsBackAndLeavesNothingElse) {
  const std::string content("a\0b", 3);
  ASSERT_TRUE(write_file_atomically(folder_ / "x", content));
  ASSERT_TRUE(write_file_atomically(folder_ / "x", content + "c"));
  EXPECT_EQ(*read_file(folder_ / "x", 100), content + "c");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST_F(FileTest, ReadRefusesMoreThanTheLimitAndMissingFiles) {
  ASSERT_TRUE(write_file_atomically(folder_ / "x", "12345"));
  EXPECT_EQ(read_file(folder_ / "x", 4).error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(read_file(folder_ / "y", 4).error().code, ErrorCode::kNotFound);
}

TEST_F(FileTest, WriteToAFullDeviceSaysSo) {
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full";
  EXPECT_NE(describe_errno(ENOSPC, folder_).find("free"), std::string::npos);
  const Result<void> written = write_file_atomically("/proc/morgan-cannot", "x");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kUnavailable);
}

TEST_F(FileTest, FreeSpaceOfAFolderThatDoesNotExistYetIsItsFileSystems) {
  EXPECT_GT(free_bytes(folder_ / "not" / "yet"), 0U);
}

}  // namespace
}  // namespace morgan
