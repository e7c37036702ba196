#include "app/version.h"

#include "app/version_values.h"
#include "engines/onnx/ort_session.h"

namespace morgan::app {

std::string_view version() {
  return MORGAN_VERSION;
}

std::string_view commit() {
  return MORGAN_COMMIT;
}

BuildTarget build_target() {
  return {MORGAN_PROFILE, MORGAN_CPU_FLAGS, MORGAN_CUDA_ARCHITECTURES};
}

OrderedJson library_versions() {
  const std::string loaded = engines::onnx::runtime_version();
  return {{"llama.cpp", "llama-cpp-python " MORGAN_LLAMA_CPP_PACKAGE},
          {"whisper.cpp", "pywhispercpp " MORGAN_WHISPER_CPP_PACKAGE},
          {"onnxruntime", loaded.empty() ? MORGAN_ONNXRUNTIME_PACKAGE : loaded},
          {"compiler", "g++ " __VERSION__}};
}

}  // namespace morgan::app
