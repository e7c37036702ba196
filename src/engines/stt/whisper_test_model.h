// Whisper base and real recordings, for the tests that need them. Test code.
#pragma once

#include "engines/stt/whisper_cpp_stt.h"
#include "engines/vad/silero_vad.h"
#include "test_support/wav_file.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace morgan::engines {

/// Loads the models once for a suite; skips where they are not.
class WhisperModelTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const char* home = std::getenv("MORGAN_HOME");
    if (home == nullptr || std::getenv("MORGAN_TEST_AUDIO") == nullptr) return;
    const std::filesystem::path models = std::filesystem::path(home) / "models";
    auto vad = load_silero_vad(models / "silero-vad/silero_vad.onnx");
    ASSERT_TRUE(vad) << vad.error().message;
    vad_ = std::move(*vad);
    auto stt = load_whisper({models / "whisper-base/ggml-base-q8_0.bin", "whisper-base", 2}, vad_.get());
    ASSERT_TRUE(stt) << stt.error().message;
    stt_ = std::move(*stt);
  }

  static void TearDownTestSuite() {
    stt_.reset();
    vad_.reset();
  }

  void SetUp() override {
    if (!stt_) GTEST_SKIP() << "MORGAN_HOME or MORGAN_TEST_AUDIO is not set";
  }

  static audio::PcmBuffer clip(const std::string& name) {
    auto pcm = test_support::read_test_wav(name);
    EXPECT_TRUE(pcm) << name;
    return pcm.value_or(audio::PcmBuffer{});
  }

  static const std::vector<std::string>& librivox() {
    static const std::vector<std::string> kClips{"0870", "0880", "0890", "0920", "0930"};
    return kClips;
  }

  static std::string clip_name(const std::string& number) {
    return "librivox/sense_and_sensibility_01_austen_64kb-" + number + ".wav";
  }

  /// What is said in it.
  static std::string clip_text(const std::string& number) {
    std::filesystem::path path = std::getenv("MORGAN_TEST_AUDIO");
    path /= clip_name(number);
    std::ifstream file(path.replace_extension(".txt"));
    return {std::istreambuf_iterator<char>(file), {}};
  }

  static inline std::unique_ptr<VadEngine> vad_;
  static inline std::unique_ptr<SttEngine> stt_;
};

}  // namespace morgan::engines
