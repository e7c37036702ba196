#include "models/sha256.h"

#include "base/file.h"

#include <gtest/gtest.h>

namespace morgan::models {
namespace {

namespace fs = std::filesystem;

TEST(Sha256, GivesTheStandardsExample) {
  Sha256 hash;
  hash.update("a");
  hash.update("bc");
  EXPECT_EQ(hash.finish(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, ReadsAFileInPieces) {
  const fs::path path = fs::path(testing::TempDir()) / "sha256_test.bin";
  const std::string million(1'000'000, 'a');
  ASSERT_TRUE(write_file_atomically(path, million + million));
  std::uint64_t done = 0;
  const Result<std::string> hash = sha256_of_file(path, StopToken(), [&](std::uint64_t bytes) { done = bytes; });
  Sha256 whole;
  whole.update(million + million);
  ASSERT_TRUE(hash);
  EXPECT_EQ(*hash, whole.finish());
  EXPECT_EQ(done, 2'000'000U);
  fs::remove(path);
}

TEST(Sha256, StopsWhenAsked) {
  const fs::path path = fs::path(testing::TempDir()) / "sha256_stop.bin";
  ASSERT_TRUE(write_file_atomically(path, "content"));
  StopSource source;
  source.request_stop(StopReason::kShutdown);
  const Result<std::string> hash = sha256_of_file(path, source.token());
  ASSERT_FALSE(hash);
  EXPECT_EQ(hash.error().code, ErrorCode::kCancelled);
  fs::remove(path);
}

TEST(Sha256, NamesAMissingFile) {
  const Result<std::string> hash = sha256_of_file("/nowhere/at/all", StopToken());
  ASSERT_FALSE(hash);
  EXPECT_EQ(hash.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace morgan::models
