#include "engines/embed/llama_runtime.h"

#include "base/log.h"
#include "base/strings.h"
#include "engines/ggml/cpu_products.h"

#include <llama.h>

#include <mutex>
#include <string_view>
#include <utility>

namespace morgan::engines {

namespace {

// Loading runs on the caller's thread, so two engines that load at once keep their errors apart.
std::string& last_error() {
  thread_local std::string error;
  return error;
}

void on_log(ggml_log_level level, const char* text, void*) {
  // Its debug lines are thousands per load.
  if (level < GGML_LOG_LEVEL_INFO || level > GGML_LOG_LEVEL_ERROR) return;
  const std::string_view line = trim(text == nullptr ? "" : text);
  if (line.empty()) return;
  if (level == GGML_LOG_LEVEL_ERROR) last_error() = line;
  if (log::enabled(log::Level::kDebug)) log::debug("llama.cpp", line);
}

}  // namespace

void start_llama_runtime() {
  static std::once_flag once;
  std::call_once(once, [] {
    llama_log_set(on_log, nullptr);
    llama_backend_init();
    use_block_products();
  });
}

Result<std::string> find_gpu() {
  start_llama_runtime();
  if (ggml_backend_dev_t device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_GPU)) {
    return std::string(ggml_backend_dev_description(device));
  }
  if (ggml_backend_reg_by_name("CUDA") == nullptr)
    return fail(ErrorCode::kUnavailable, "this program was built for the CPU (MORGAN_PROFILE chooses another build)");
  const std::string why = take_llama_error();
  return fail(ErrorCode::kUnavailable, "CUDA sees no GPU" + (why.empty() ? "" : ": " + why));
}

std::string take_llama_error() {
  return std::exchange(last_error(), {});
}

}  // namespace morgan::engines
