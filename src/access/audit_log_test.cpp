#include "access/audit_log.h"

#include "base/file.h"
#include "base/strings.h"

#include <unistd.h>

namespace morgan::access {
namespace {

namespace fs = std::filesystem;

class AuditLogTest : public testing::Test {
 protected:
  AuditLogTest() { fs::create_directories(folder_); }
  ~AuditLogTest() override { fs::remove_all(folder_); }
  std::vector<Json> lines(const fs::path& file) const {
    std::vector<Json> parsed;
    for (const std::string& line : split(*read_file(file, 10'000'000), '\n')) {
      if (!line.empty()) parsed.push_back(*parse_json(line));
    }
    return parsed;
  }
  fs::path folder_ = fs::temp_directory_path() / ("morgan-audit-" + std::to_string(::getpid()));
  fs::path file_ = AuditFile::file_of(folder_);
};

TEST_F(AuditLogTest, WritesWhatItWasToldBeforeItEnds) {
  {
    AuditLog log(file_, 1'000'000);
    for (int i = 0; i < 100; ++i)
      log.record(OrderedJson{{"event", "request"}, {"number", i}});
  }
  const auto written = lines(file_);
  ASSERT_EQ(written.size(), 100U);
  EXPECT_EQ(written[42]["number"], 42);
  EXPECT_TRUE(written[42]["time"].get<std::string>().ends_with("Z"));
  EXPECT_EQ(fs::status(file_).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(AuditLogTest, FullFilesMoveOnAndTheOldestGoes) {
  AuditFile file(file_, 1'000);
  for (int i = 0; i < 400; ++i)
    ASSERT_TRUE(file.append(OrderedJson{{"event", "request"}, {"number", i}}));
  std::uintmax_t bytes = 0;
  int files = 0;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    if (entry.path().extension() == ".lock") continue;
    bytes += entry.file_size();
    ++files;
  }
  EXPECT_EQ(files, 1 + AuditFile::kKept);
  EXPECT_LT(bytes, (1 + AuditFile::kKept) * 1'200U);
  EXPECT_EQ(lines(file_).back()["number"], 399);
}

TEST_F(AuditLogTest, TwoWritersOfOneFileLoseNothing) {
  AuditFile one(file_, 2'000);
  AuditFile other(file_, 2'000);
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(one.append(OrderedJson{{"writer", 1}, {"number", i}}));
    ASSERT_TRUE(other.append(OrderedJson{{"writer", 2}, {"number", i}}));
  }
  std::size_t all = 0;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    if (entry.path().extension() != ".lock") all += lines(entry.path()).size();
  }
  EXPECT_EQ(all, 100U);
}

TEST_F(AuditLogTest, AFileThatCannotBeWrittenIsAnErrorAndNotTheEnd) {
  AuditFile file(folder_ / "nowhere" / "audit.jsonl", 1'000);
  EXPECT_EQ(file.append(OrderedJson{{"event", "x"}}).error().code, ErrorCode::kUnavailable);
  AuditLog log(folder_ / "nowhere" / "audit.jsonl", 1'000);
  log.record(OrderedJson{{"event", "x"}});
}

}  // namespace
}  // namespace morgan::access
