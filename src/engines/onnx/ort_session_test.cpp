#include "engines/onnx/ort_session.h"

#include "base/file.h"

#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>

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

TEST(OrtSession, KeepsTheOptimizedGraphAndMakesADamagedOneAnew) {
  const char* home = std::getenv("MORGAN_HOME");
  if (home == nullptr) GTEST_SKIP() << "MORGAN_HOME is not set";
  const fs::path model = fs::path(home) / "models/smart-turn/smart-turn-v3.2-cpu.onnx";
  const fs::path folder = fs::path(testing::TempDir()) / ("graphs-" + std::to_string(::getpid()));
  const auto graphs = [&] { return std::vector<fs::path>(fs::directory_iterator(folder), fs::directory_iterator()); };
  const NamedTensor input{"input_features", {std::vector<float>(80 * 800, 0.3F), {1, 80, 800}}};
  const auto probability = [&](const SessionOptions& options) {
    const auto session = Session::open(model, options);
    EXPECT_TRUE(session);
    static constexpr const char* kOutputs[] = {"logits"};
    const auto result = (*session)->run({&input, 1}, kOutputs);
    EXPECT_TRUE(result) << result.error().message;
    return result ? std::get<std::vector<float>>((*result)[0].data).at(0) : -1.0F;
  };
  const float plain = probability({});
  const SessionOptions cached{.threads = 1, .graph_cache = folder};
  EXPECT_FLOAT_EQ(probability(cached), plain);
  ASSERT_EQ(graphs().size(), 1U);
  const auto made = fs::last_write_time(graphs()[0]);
  EXPECT_FLOAT_EQ(probability(cached), plain);
  EXPECT_EQ(fs::last_write_time(graphs().at(0)), made);
  fs::resize_file(graphs()[0], fs::file_size(graphs()[0]) / 2);
  EXPECT_FLOAT_EQ(probability(cached), plain);
  ASSERT_EQ(graphs().size(), 1U);
  EXPECT_GT(fs::file_size(graphs()[0]), fs::file_size(model) / 2);
  fs::remove_all(folder);
}

TEST(OrtSession, IsComputedOnTheCpuWhenThereIsNoGpu) {
  const char* home = std::getenv("MORGAN_HOME");
  if (home == nullptr) GTEST_SKIP() << "MORGAN_HOME is not set";
  const auto session =
      Session::open(fs::path(home) / "models/smart-turn/smart-turn-v3.2-cpu.onnx", {.threads = 1, .gpu = true});
  ASSERT_TRUE(session) << session.error().message;
  static constexpr const char* kOutputs[] = {"logits"};
  const NamedTensor input{"input_features", {std::vector<float>(80 * 800, 0.3F), {1, 80, 800}}};
  EXPECT_TRUE((*session)->run({&input, 1}, kOutputs));
}

TEST(OrtSession, GivesAValueFromInsideTheGraph) {
  const char* home = std::getenv("MORGAN_HOME");
  if (home == nullptr) GTEST_SKIP() << "MORGAN_HOME is not set";
  const fs::path model = fs::path(home) / "models/piper-joe/en_US-joe-medium.onnx";
  const fs::path folder = fs::path(testing::TempDir()) / ("graphs-more-" + std::to_string(::getpid()));
  const auto graphs = [&] { return std::distance(fs::directory_iterator(folder), fs::directory_iterator()); };
  SessionOptions options{.threads = 1, .graph_cache = folder, .part = {.outputs = {"output", "/Ceil_output_0"}}};
  for (const char* load : {"anew", "kept"}) {
    const auto session = Session::open(model, options);
    ASSERT_TRUE(session) << load;
    EXPECT_EQ((*session)->output_names(), (std::vector<std::string>{"output", "/Ceil_output_0"})) << load;
    const std::vector<NamedTensor> inputs{{"input", {std::vector<std::int64_t>{1, 0, 20, 0, 21, 0, 2}, {1, 7}}},
                                          {"input_lengths", {std::vector<std::int64_t>{7}, {1}}},
                                          {"scales", {std::vector<float>{0.667F, 1.0F, 0.8F}, {3}}}};
    static constexpr const char* kOutputs[] = {"output", "/Ceil_output_0"};
    const auto result = (*session)->run(inputs, kOutputs);
    ASSERT_TRUE(result) << load << ": " << result.error().message;
    const auto& frames = std::get<std::vector<float>>((*result)[1].data);
    EXPECT_EQ(frames.size(), 7U);
    float sum = 0;
    for (const float count : frames)
      sum += count;
    EXPECT_EQ(static_cast<std::size_t>(sum) * 256, std::get<std::vector<float>>((*result)[0].data).size()) << load;
    EXPECT_EQ(graphs(), 1) << load;
  }
  // The plain model has a graph of its own, and an output that no model has is left out.
  for (const char* name : {"", "/Ceil_output_7"}) {
    options.part = {};
    if (*name != '\0') options.part.outputs = {"output", name};
    const auto session = Session::open(model, options);
    ASSERT_TRUE(session) << name;
    EXPECT_EQ((*session)->output_names(), std::vector<std::string>{"output"}) << name;
  }
  fs::remove_all(folder);
}

TEST(OrtSession, TwoPartsOfAModelGiveWhatTheWholeGives) {
  const char* home = std::getenv("MORGAN_HOME");
  if (home == nullptr) GTEST_SKIP() << "MORGAN_HOME is not set";
  const fs::path model = fs::path(home) / "models/piper-joe/en_US-joe-medium.onnx";
  const fs::path folder = fs::path(testing::TempDir()) / ("graphs-parts-" + std::to_string(::getpid()));
  const std::string middle = "/dec/conv_pre/Conv_output_0";
  const auto front = Session::open(model, {.graph_cache = folder, .part = {.outputs = {middle}}});
  const auto back = Session::open(model, {.graph_cache = folder, .part = {.inputs = {middle}, .outputs = {"output"}}});
  const auto whole = Session::open(model, {.graph_cache = folder});
  ASSERT_TRUE(front && back && whole);
  EXPECT_EQ((*front)->output_names(), std::vector<std::string>{middle});
  EXPECT_EQ((*back)->input_names(), std::vector<std::string>{middle});
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 3);
  // Without noise a run gives the same each time.
  const std::vector<NamedTensor> inputs{{"input", {std::vector<std::int64_t>{1, 0, 20, 0, 21, 0, 2}, {1, 7}}},
                                        {"input_lengths", {std::vector<std::int64_t>{7}, {1}}},
                                        {"scales", {std::vector<float>{0.0F, 1.0F, 0.0F}, {3}}}};
  static constexpr const char* kMiddle[] = {"/dec/conv_pre/Conv_output_0"};
  static constexpr const char* kOutput[] = {"output"};
  auto half = (*front)->run(inputs, kMiddle);
  ASSERT_TRUE(half) << half.error().message;
  const NamedTensor between{kMiddle[0], std::move((*half)[0])};
  const auto joined = (*back)->run({&between, 1}, kOutput);
  ASSERT_TRUE(joined) << joined.error().message;
  const auto once = (*whole)->run(inputs, kOutput);
  ASSERT_TRUE(once) << once.error().message;
  const auto& expected = std::get<std::vector<float>>((*once)[0].data);
  const auto& samples = std::get<std::vector<float>>((*joined)[0].data);
  ASSERT_EQ(samples.size(), expected.size());
  for (std::size_t i = 0; i < samples.size(); ++i)
    ASSERT_NEAR(samples[i], expected[i], 1e-4) << i;
  fs::remove_all(folder);
}

TEST(OrtSession, AFolderThatCannotBeWrittenOnlyCostsTime) {
  const char* home = std::getenv("MORGAN_HOME");
  if (home == nullptr) GTEST_SKIP() << "MORGAN_HOME is not set";
  EXPECT_TRUE(Session::open(fs::path(home) / "models/silero-vad/silero_vad.onnx",
                            {.threads = 1, .graph_cache = "/proc/no/such/folder"}));
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

TEST(OrtSession, MorgansOperatorsSayWhatTheRuntimesSay) {
  const char* home = std::getenv("MORGAN_HOME");
  if (home == nullptr) GTEST_SKIP() << "MORGAN_HOME is not set";
  const fs::path folder = fs::path(home) / "models/kokoro";
  constexpr std::size_t kWidth = 256;
  const std::vector<std::int64_t> hello{0, 50, 83, 54, 156, 31, 16, 81, 156, 86, 123, 4, 0};  // "Hello there."
  std::vector<float> style(kWidth);
  std::ifstream voices(folder / "voices/af_heart.bin", std::ios::binary);
  const std::size_t row = kWidth * sizeof(float);
  voices.seekg(static_cast<std::streamoff>((hello.size() - 2) * row));
  ASSERT_TRUE(voices.read(reinterpret_cast<char*>(style.data()), static_cast<std::streamsize>(row)));
  const std::array<NamedTensor, 3> inputs{NamedTensor{"tokens", {hello, {1, static_cast<std::int64_t>(hello.size())}}},
                                          NamedTensor{"style", {style, {1, kWidth}}},
                                          NamedTensor{"speed", {std::vector<float>{1.0F}, {1}}}};
  const auto spoken = [&](bool own) {
    const SessionOptions options{.threads = 2, .own_operators = own, .part = {.outputs = {"audio"}}};
    const auto session = Session::open(folder / "kokoro-82m-int8.onnx", options);
    EXPECT_TRUE(session);
    static constexpr const char* kOutputs[] = {"audio"};
    auto result = (*session)->run(inputs, kOutputs);
    EXPECT_TRUE(result) << result.error().message;
    return result ? std::get<std::vector<float>>(result->at(0).data) : std::vector<float>{};
  };
  const std::vector<float> theirs = spoken(false);
  const std::vector<float> ours = spoken(true);
  ASSERT_EQ(ours.size(), theirs.size());
  double signal = 0;
  double difference = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    signal += std::pow(theirs[i], 2);
    difference += std::pow(ours[i] - theirs[i], 2);
  }
  EXPECT_GT(signal / static_cast<double>(ours.size()), 1e-3);
  EXPECT_LT(difference, 1e-2 * signal);  // 20 dB below: the sine is rounded otherwise, and the model adds noise
}

}  // namespace
}  // namespace morgan::engines::onnx
