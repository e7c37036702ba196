#include "engines/onnx/ort_session.h"

#include "base/file.h"
#include "base/log.h"
#include "engines/onnx/graph_cache.h"
#include "engines/onnx/graph_fusion.h"
#include "engines/onnx/graph_part.h"
#include "engines/onnx/own_operators.h"

#define ORT_API_MANUAL_INIT
#include <dlfcn.h>
#include <onnxruntime_cxx_api.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <optional>

namespace morgan::engines::onnx {

namespace fs = std::filesystem;

namespace {

void forward_log(void* /*param*/, OrtLoggingLevel severity, const char* /*category*/, const char* /*id*/,
                 const char* /*where*/, const char* message) {
  if (severity >= ORT_LOGGING_LEVEL_WARNING) log::debug("onnxruntime", message);
}

/// The folder's libonnxruntime.so or libonnxruntime.so.N, or "".
std::string library_in(const fs::path& folder) {
  std::error_code status;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, status)) {
    if (entry.path().filename().string().starts_with("libonnxruntime.so")) return entry.path().string();
  }
  return {};
}

std::vector<std::string> candidates() {
  std::vector<std::string> paths;
  if (const char* named = std::getenv("MORGAN_ONNXRUNTIME"); named != nullptr && *named != '\0') return {named};
  std::error_code status;
  const fs::path binary = fs::read_symlink("/proc/self/exe", status);
  if (!status) paths.push_back(library_in(binary.parent_path().parent_path() / "lib"));
  paths.emplace_back(MORGAN_ONNXRUNTIME_LIBRARY);
  paths.emplace_back("libonnxruntime.so.1");
  std::erase(paths, "");
  return paths;
}

/// The process's one runtime. Never unloaded: its threads may outlive main.
struct Runtime {
  std::string version;
  std::unique_ptr<Ort::Env> environment;
};

Result<Runtime*> open_runtime() {
  std::string tried;
  for (const std::string& path : candidates()) {
    void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      tried += "\n  " + path + ": " + ::dlerror();
      continue;
    }
    using GetApiBase = const OrtApiBase* (*)();
    const auto get_api_base = reinterpret_cast<GetApiBase>(::dlsym(library, "OrtGetApiBase"));
    const OrtApi* api = get_api_base != nullptr ? get_api_base()->GetApi(ORT_API_VERSION) : nullptr;
    if (api == nullptr) {
      tried += "\n  " + path + ": is older than the headers that Morgan was built with";
      continue;
    }
    Ort::InitApi(api);
    static Runtime runtime;
    runtime.version = get_api_base()->GetVersionString();
    runtime.environment = std::make_unique<Ort::Env>(ORT_LOGGING_LEVEL_WARNING, "morgan", forward_log, nullptr);
    return &runtime;
  }
  return fail(ErrorCode::kUnavailable,
              "ONNX Runtime could not be loaded; `make build` puts it beside the binary, MORGAN_ONNXRUNTIME names "
              "another. Tried:" +
                  tried);
}

Result<Runtime*>& runtime_once() {
  static Result<Runtime*> result = [] {
    try {
      return open_runtime();
    } catch (const Ort::Exception& error) {
      return Result<Runtime*>(
          fail(ErrorCode::kUnavailable, std::string("ONNX Runtime does not start: ") + error.what()));
    }
  }();
  return result;
}

Ort::Value to_value(const Ort::MemoryInfo& memory, const Tensor& tensor) {
  return std::visit(
      [&](const auto& data) {
        using Element = typename std::decay_t<decltype(data)>::value_type;
        // The runtime only reads its inputs, but its interface takes them mutable.
        return Ort::Value::CreateTensor<Element>(memory, const_cast<Element*>(data.data()), data.size(),
                                                 tensor.shape.data(), tensor.shape.size());
      },
      tensor.data);
}

Tensor from_value(const Ort::Value& value) {
  const Ort::TensorTypeAndShapeInfo info = value.GetTensorTypeAndShapeInfo();
  const std::size_t count = info.GetElementCount();
  Tensor tensor;
  tensor.shape = info.GetShape();
  if (info.GetElementType() == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64) {
    const std::int64_t* data = value.GetTensorData<std::int64_t>();
    tensor.data = std::vector<std::int64_t>(data, data + count);
  } else {
    const float* data = value.GetTensorData<float>();
    tensor.data = std::vector<float>(data, data + count);
  }
  return tensor;
}

class OrtSession final : public Session {
 public:
  explicit OrtSession(Ort::Session session) : session_(std::move(session)) {
    const Ort::AllocatorWithDefaultOptions allocator;
    for (std::size_t i = 0; i < session_.GetInputCount(); ++i)
      input_names_.emplace_back(session_.GetInputNameAllocated(i, allocator).get());
    for (std::size_t i = 0; i < session_.GetOutputCount(); ++i)
      output_names_.emplace_back(session_.GetOutputNameAllocated(i, allocator).get());
  }

  Result<std::vector<Tensor>> run(std::span<const NamedTensor> inputs, std::span<const char* const> outputs) override {
    try {
      std::vector<const char*> names;
      std::vector<Ort::Value> values;
      for (const NamedTensor& input : inputs) {
        names.push_back(input.name);
        values.push_back(to_value(memory_, input.tensor));
      }
      std::vector<Ort::Value> results = session_.Run(Ort::RunOptions{nullptr}, names.data(), values.data(),
                                                     values.size(), outputs.data(), outputs.size());
      std::vector<Tensor> tensors;
      tensors.reserve(results.size());
      for (const Ort::Value& result : results)
        tensors.push_back(from_value(result));
      return tensors;
    } catch (const Ort::Exception& error) {
      return fail(ErrorCode::kInternal, std::string("the model could not be run: ") + error.what());
    }
  }

  std::vector<std::string> input_names() const override { return input_names_; }
  std::vector<std::string> output_names() const override { return output_names_; }

 private:
  Ort::Session session_;
  Ort::MemoryInfo memory_ = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  std::vector<std::string> input_names_;
  std::vector<std::string> output_names_;
};

Ort::SessionOptions make_options(const SessionOptions& options) {
  Ort::SessionOptions made;
  made.SetIntraOpNumThreads(options.threads);
  made.SetInterOpNumThreads(1);
  made.SetExecutionMode(ORT_SEQUENTIAL);
  made.SetGraphOptimizationLevel(ORT_ENABLE_ALL);
  // A thread waits busily for the next operator, but not for the next run: other engines need the core.
  made.AddConfigEntry("session.intra_op.allow_spinning", "1");
  made.AddConfigEntry("session.intra_op.spin_duration_us", "1000");
  made.AddConfigEntry("session.force_spinning_stop", "1");
  // Smaller shares of an operator for each thread: one that was interrupted holds the others up less.
  made.AddConfigEntry("session.dynamic_block_base", "4");
  // The arena keeps the largest run's memory for ever; speech models vary in length with each sentence.
  made.DisableCpuMemArena();
  made.DisableMemPattern();
  if (options.gpu) made.AppendExecutionProvider_CUDA(OrtCUDAProviderOptions{});
  if (options.own_operators) add_own_operators(made);
  return made;
}

/// Whether this library has CUDA and it starts. When not, one line in the log says why.
bool cuda_starts() {
  static const bool kStarts = [] {
    try {
      Ort::SessionOptions probe;
      probe.AppendExecutionProvider_CUDA(OrtCUDAProviderOptions{});
      return true;
    } catch (const Ort::Exception& error) {
      log::warn("onnxruntime", "voices are computed on the CPU: CUDA does not start", {{"why", error.what()}});
      return false;
    }
  }();
  return kStarts;
}

/// The graph that an earlier load has kept, when there is one and it is whole.
std::optional<Ort::Session> load_kept(const Runtime& runtime, const fs::path& graph, const SessionOptions& options) {
  std::error_code status;
  if (!fs::is_regular_file(graph, status)) return std::nullopt;
  Ort::SessionOptions as_it_is = make_options(options);
  as_it_is.SetGraphOptimizationLevel(ORT_DISABLE_ALL);
  try {
    return Ort::Session(*runtime.environment, graph.c_str(), as_it_is);
  } catch (const Ort::Exception& error) {
    log::debug("onnxruntime", "an optimized graph is damaged and made anew", {{"why", error.what()}});
    fs::remove(graph, status);
    return std::nullopt;
  }
}

/// Optimizes `model` and keeps the result at `graph`; "" keeps nothing.
/// @param bytes  of a part of the model; "" leaves the reading of the whole to the runtime
Ort::Session load_anew(const Runtime& runtime, const fs::path& model, std::string_view bytes, const fs::path& graph,
                       const SessionOptions& options) {
  const auto open = [&](const Ort::SessionOptions& made) {
    if (bytes.empty()) return Ort::Session(*runtime.environment, model.c_str(), made);
    return Ort::Session(*runtime.environment, bytes.data(), bytes.size(), made);
  };
  std::error_code status;
  if (!graph.empty()) fs::create_directories(graph.parent_path(), status);
  if (graph.empty() || status) return open(make_options(options));
  Ort::SessionOptions made = make_options(options);
  const fs::path written = graph.string() + "." + std::to_string(::getpid());
  made.SetOptimizedModelFilePath(written.c_str());
  made.SetLogSeverityLevel(ORT_LOGGING_LEVEL_ERROR);  // it warns that such a graph is for this processor only
  try {
    Ort::Session session = open(made);
    keep_graph(written, graph);
    return session;
  } catch (const Ort::Exception&) {
    // No space for the graph, or no model: the load without a graph says which.
    fs::remove(written, status);
    return open(make_options(options));
  }
}

/// Where the graph that these options lead to is kept; "": nowhere.
fs::path kept_graph(const Runtime& runtime, const fs::path& model, const SessionOptions& options) {
  // What is optimized for a GPU is for the one that is there: nothing of it is kept.
  if (options.graph_cache.empty() || options.gpu) return {};
  GraphPart part = options.part;
  // Changed with what the operators compute, for a graph may have been kept by another Morgan.
  if (options.own_operators) part.outputs.emplace_back("morgan operators, 1");
  return graph_path(options.graph_cache, model, runtime.version, part);
}

/// options.part of the model, or all of it, with Morgan's operators when they are asked for; nothing when it has no
/// such part, or no place for them.
std::optional<Ort::Session> load_edited(const Runtime& runtime, const fs::path& model, const SessionOptions& options) {
  const fs::path graph = kept_graph(runtime, model, options);
  if (auto kept = load_kept(runtime, graph, options)) return kept;
  constexpr std::uint64_t kLargest = 2'000'000'000;  // what a protobuf message may have
  Result<std::string> read = read_file(model, kLargest);
  if (!read) return std::nullopt;
  std::optional<std::string> bytes = std::move(*read);
  if (!options.part.outputs.empty()) bytes = part_of_model(*bytes, options.part.inputs, options.part.outputs);
  if (bytes && options.own_operators) bytes = with_own_operators(*bytes);
  if (!bytes) return std::nullopt;
  try {
    return load_anew(runtime, model, *bytes, graph, options);
  } catch (const Ort::Exception& error) {
    log::debug("onnxruntime", "a model cannot be changed so", {{"why", error.what()}});
    return std::nullopt;
  }
}

Ort::Session load_model(const Runtime& runtime, const fs::path& model, const SessionOptions& options) {
  SessionOptions possible = options;
  possible.own_operators = options.own_operators && !options.gpu && own_operators_run();
  if (possible.own_operators) {
    if (auto session = load_edited(runtime, model, possible)) return std::move(*session);
  }
  possible.own_operators = false;
  if (!possible.part.outputs.empty()) {
    if (auto session = load_edited(runtime, model, possible)) return std::move(*session);
  }
  possible.part = {};
  const fs::path graph = kept_graph(runtime, model, possible);
  if (auto kept = load_kept(runtime, graph, possible)) return std::move(*kept);
  return load_anew(runtime, model, {}, graph, possible);
}

}  // namespace

Result<void> load_runtime() {
  const Result<Runtime*>& runtime = runtime_once();
  if (!runtime) return fail(runtime.error());
  return {};
}

std::string runtime_version() {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  const Result<Runtime*>& runtime = runtime_once();
  return runtime ? (*runtime)->version : "";
}

std::vector<std::string> runtime_providers() {
  if (!load_runtime()) return {};
  try {
    return Ort::GetAvailableProviders();
  } catch (const Ort::Exception&) {
    return {};
  }
}

Result<std::unique_ptr<Session>> Session::open(const fs::path& model, const SessionOptions& options) {
  const Result<Runtime*>& runtime = runtime_once();
  if (!runtime) return fail(runtime.error());
  if (!fs::is_regular_file(model)) return fail(ErrorCode::kNotFound, "there is no model file " + model.string());
  try {
    const auto begin = std::chrono::steady_clock::now();
    SessionOptions possible = options;
    possible.gpu = options.gpu && cuda_starts();
    Ort::Session session = load_model(**runtime, model, possible);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    log::debug("onnxruntime", "session open",
               {{"file", model.filename().string()}, {"ms", std::to_string(took.count())}});
    return std::unique_ptr<Session>(std::make_unique<OrtSession>(std::move(session)));
  } catch (const Ort::Exception& error) {
    log::debug("onnxruntime", error.what());
    return fail(ErrorCode::kCorrupt, "the model file " + model.string() +
                                         " is damaged or not an ONNX model; `morgan models verify` checks it");
  }
}

}  // namespace morgan::engines::onnx
