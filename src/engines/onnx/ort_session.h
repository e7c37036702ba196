// ONNX Runtime, loaded with dlopen at run time so that one binary takes the CPU or the GPU library.
// The only users are the engines beside this folder; no other file includes its headers.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace morgan::engines::onnx {

/// Where libonnxruntime is: $MORGAN_ONNXRUNTIME, the binary's lib/ folder, the build's, the system's.
/// Loads once per process. @error kUnavailable  says where it looked and how to get it
Result<void> load_runtime();
/// "1.32.0"; "" before load_runtime.
std::string runtime_version();
/// "CPUExecutionProvider", "CUDAExecutionProvider": what this library was built with. Empty when it does not load.
std::vector<std::string> runtime_providers();

/// One tensor in or out, row-major.
struct Tensor {
  std::variant<std::vector<float>, std::vector<std::int64_t>> data;
  std::vector<std::int64_t> shape;
};

struct NamedTensor {
  const char* name;  ///< static string
  Tensor tensor;
};

/// Names of values inside a graph, all tensors of floats, or of the model's own outputs. The part is what makes the
/// outputs of the inputs; without inputs it begins where the model does. Both empty: the whole model.
struct GraphPart {
  std::vector<std::string> inputs = {};
  std::vector<std::string> outputs = {};
};

struct SessionOptions {
  int threads = 1;
  /// By CUDA, when this library has it and it starts; else on the CPU, told once in the log.
  bool gpu = false;
  /// Folder for optimized graphs (graph_cache.h), made when it is not there; "": each load optimizes anew.
  std::filesystem::path graph_cache = {};
  /// With Morgan's own operators in the places of several of the model's, where this processor can run them.
  bool own_operators = false;
  /// Only a part of the model. One that has no such values is opened as a whole: output_names() tells.
  GraphPart part = {};
};

/// @thread run() from any thread, concurrently
class Session {
 public:
  /// @error kNotFound  no file   @error kCorrupt  not a model that the runtime can load
  static Result<std::unique_ptr<Session>> open(const std::filesystem::path& model, const SessionOptions& options);
  virtual ~Session() = default;
  /// @param outputs static names; the results come in this order
  /// @error kInternal  with the runtime's message
  virtual Result<std::vector<Tensor>> run(std::span<const NamedTensor> inputs,
                                          std::span<const char* const> outputs) = 0;
  virtual std::vector<std::string> input_names() const = 0;
  virtual std::vector<std::string> output_names() const = 0;
};

}  // namespace morgan::engines::onnx
