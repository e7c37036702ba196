#include "engines/onnx/ort_session.h"

#include "base/file.h"

#include <cstdlib>

namespace morgan::engines::onnx {
namespace {

namespace fs = std::filesystem;

TEST(OrtSession, MissingModelIsNotFound) {
  const auto session = Session::open("/nonexistent/model.onnx", {});
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code, ErrorCode::kNotFound);
}

TEST(OrtSession, GarbageIsCorruptAndNamesTheFile) {
  const fs::path file = fs::temp_directory_path() / ("morgan-garbage-" + std::to_string(::getpid()) + ".onnx");
  ASSERT_TRUE(write_file_atomically(file, std::string(1000, 'x')));
  const auto session = Session::open(file, {});
  fs::remove(file);
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(session.error().message.find(file.string()), std::string::npos);
}

TEST(OrtSession, RunsSileroAndRefusesWrongShapes) {
  const char* home = std::getenv("MORGAN_HOME");
  if (home == nullptr) GTEST_SKIP() << "MORGAN_HOME is not set";
  const auto session = Session::open(fs::path(home) / "models/silero-vad/silero_vad.onnx", {});
  ASSERT_TRUE(session) << session.error().message;
  EXPECT_FALSE(runtime_version().empty());
  const auto inputs = [](std::int64_t samples) {
    return std::vector<NamedTensor>{{"input", {std::vector<float>(static_cast<std::size_t>(samples)), {1, samples}}},
                                    {"state", {std::vector<float>(2 * 128), {2, 1, 128}}},
                                    {"sr", {std::vector<std::int64_t>{16000}, {}}}};
  };
  static constexpr const char* kOutputs[] = {"output", "stateN"};
  const auto result = (*session)->run(inputs(576), kOutputs);
  ASSERT_TRUE(result) << result.error().message;
  ASSERT_EQ(result->size(), 2U);
  EXPECT_LT(std::get<std::vector<float>>((*result)[0].data).at(0), 0.5F);  // silence
  static constexpr const char* kUnknown[] = {"nothing"};
  EXPECT_FALSE((*session)->run(inputs(576), kUnknown));
}

}  // namespace
}  // namespace morgan::engines::onnx
