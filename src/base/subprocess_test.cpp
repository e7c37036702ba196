#include "base/subprocess.h"

namespace morgan {
namespace {

TEST(Subprocess, GivesExitCodeAndBothOutputs) {
  const Result<ProcessResult> result = run_process({"sh", "-c", "echo out; echo err >&2; exit 3"}, "/", {});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->exit_code, 3);
  EXPECT_EQ(result->output, "out\nerr\n");
}

TEST(Subprocess, KeepsOnlyTheTailOfLongOutput) {
  const Result<ProcessResult> result = run_process({"sh", "-c", "seq 1 100000; echo end"}, "/", {});
  ASSERT_TRUE(result);
  EXPECT_LE(result->output.size(), 64U * 1024);
  EXPECT_TRUE(result->output.ends_with("end\n"));
}

TEST(Subprocess, MissingProgramIsNotFound) {
  const Result<ProcessResult> result = run_process({"morgan-no-such-program"}, "/", {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kNotFound);
}

TEST(Subprocess, StopKillsTheWholeGroup) {
  const StopSource source(std::chrono::steady_clock::now() + std::chrono::milliseconds(200));
  const auto begin = std::chrono::steady_clock::now();
  const Result<ProcessResult> result = run_process({"sh", "-c", "sleep 60 & wait"}, "/", source.token());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

TEST(Subprocess, FindsProgramsInPath) {
  EXPECT_TRUE(program_exists("sh"));
  EXPECT_FALSE(program_exists("morgan-no-such-program"));
}

}  // namespace
}  // namespace morgan
