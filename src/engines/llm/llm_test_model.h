// SmolLM2-135M for the tests of this folder: the smallest model with a chat template, loaded once per
// set of options.
#pragma once

#include "base/file.h"
#include "engines/llm/llama_cpp_llm.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace morgan::engines::testing_model {

inline constexpr const char* kName = "smollm2-135m";
inline constexpr int kContext = 1024;

inline std::filesystem::path path() {
  return morgan_home() / "models/smollm2-135m/smollm2-135m-instruct-q4_1.gguf";
}

inline LlamaOptions options(int slots, std::size_t queue_limit = 16) {
  LlamaOptions made;
  made.model = path();
  made.model_name = kName;
  made.threads = 2;
  made.context_tokens = kContext;
  made.slots = slots;
  made.queue_limit = queue_limit;
  return made;
}

inline std::unique_ptr<LlmEngine> load(const LlamaOptions& wanted) {
  auto made = load_llama(wanted);
  if (!made) {
    ADD_FAILURE() << made.error().message;
    return nullptr;
  }
  return std::move(*made);
}

/// Two slots, shared by the tests.
inline LlmEngine* shared() {
  static const std::unique_ptr<LlmEngine> loaded = load(options(2));
  return loaded.get();
}

/// A question that the small model answers at great length.
inline ChatRequest endless_request() {
  ChatRequest request;
  request.messages = {{"user", "Write a very long story about a ship, with many chapters."}};
  request.max_tokens = kContext;
  request.seed = 1;
  return request;
}

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

class Smollm : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(path())) GTEST_SKIP() << "no model file " << path();
  }
};

}  // namespace morgan::engines::testing_model
