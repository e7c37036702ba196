#include "engines/onnx/own_operators.h"

#include "engines/onnx/graph_fusion.h"
#include "engines/onnx/quantized_conv.h"
#include "engines/onnx/snake.h"

#define ORT_API_MANUAL_INIT
#include <onnxruntime_cxx_api.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace morgan::engines::onnx {

namespace {

constexpr ONNXTensorElementDataType kFloat = ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
constexpr ONNXTensorElementDataType kByte = ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8;
constexpr ONNXTensorElementDataType kInt = ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32;

/// What a computation finds wrong with what it is given.
[[noreturn]] void refuse(const std::string& why) {
  throw Ort::Exception("Morgan's operator: " + why, ORT_INVALID_ARGUMENT);
}

std::vector<std::int64_t> shape_of(const Ort::ConstValue& value) {
  return value.GetTensorTypeAndShapeInfo().GetShape();
}

/// The only element.
template <typename T>
T scalar_of(const Ort::ConstValue& value) {
  if (value.GetTensorTypeAndShapeInfo().GetElementCount() != 1) refuse("a number is expected, not a tensor");
  return *value.GetTensorData<T>();
}

/// The session's own threads.
ParallelFor threads_of(const Ort::KernelContext& context) {
  return [&context](std::size_t count, const std::function<void(std::size_t)>& task) {
    using Task = std::function<void(std::size_t)>;
    const auto call = [](void* given, std::size_t i) { (*static_cast<const Task*>(given))(i); };
    context.ParallelFor(call, count, 0, const_cast<Task*>(&task));  // the interface is C's
  };
}

class ConvKernel {
 public:
  explicit ConvKernel(const Ort::ConstKernelInfo& info)
      : pads_(info.GetAttributes<std::int64_t>("pads")), dilations_(info.GetAttributes<std::int64_t>("dilations")) {
    if (pads_.size() != 2 || dilations_.size() != 1) refuse("a convolution over one dimension is expected");
  }

  void run(const Ort::KernelContext& context) const {
    const auto x = shape_of(context.GetInput(0));
    const auto weights = shape_of(context.GetInput(1));
    if (x.size() != 3 || weights.size() != 3 || x[0] != 1 || x[1] != weights[1]) refuse("shapes that do not fit");
    ConvShape shape;
    shape.in_channels = static_cast<std::size_t>(x[1]);
    shape.in_length = static_cast<std::size_t>(x[2]);
    shape.out_channels = static_cast<std::size_t>(weights[0]);
    shape.taps = static_cast<std::size_t>(weights[2]);
    shape.dilation = static_cast<std::size_t>(dilations_[0]);
    shape.pad_begin = static_cast<std::size_t>(pads_[0]);
    shape.pad_end = static_cast<std::size_t>(pads_[1]);
    QuantizedConv conv;
    conv.x = context.GetInput(0).GetTensorData<std::uint8_t>();
    conv.weights = context.GetInput(1).GetTensorData<std::uint8_t>();
    conv.x_zero = scalar_of<std::uint8_t>(context.GetInput(2));
    conv.weights_zero = scalar_of<std::uint8_t>(context.GetInput(3));
    conv.scale = scalar_of<float>(context.GetInput(4));
    if (context.GetInputCount() > 5) {
      const Ort::ConstValue bias = context.GetInput(5);
      if (bias.GetTensorTypeAndShapeInfo().GetElementCount() != shape.out_channels) refuse("a bias that does not fit");
      conv.bias = bias.GetTensorData<std::int32_t>();
    }
    const std::array<std::int64_t, 3> made{1, weights[0], static_cast<std::int64_t>(shape.out_length())};
    float* out = context.GetOutput(0, made.data(), made.size()).GetTensorMutableData<float>();
    convolve(conv, shape, out, threads_of(context));
  }

 private:
  std::vector<std::int64_t> pads_;
  std::vector<std::int64_t> dilations_;
};

class SnakeKernel {
 public:
  explicit SnakeKernel(const Ort::ConstKernelInfo& /*info*/) {}

  void run(const Ort::KernelContext& context) const {
    const auto shape = shape_of(context.GetInput(0));
    if (shape.size() != 3 || shape[0] != 1) refuse("channels of one signal are expected");
    const auto channels = static_cast<std::size_t>(shape[1]);
    const auto size = static_cast<std::size_t>(shape[2]);
    for (const std::size_t input : {1U, 2U}) {
      if (context.GetInput(input).GetTensorTypeAndShapeInfo().GetElementCount() != channels)
        refuse("one number is expected for each channel");
    }
    const float* x = context.GetInput(0).GetTensorData<float>();
    const float* frequencies = context.GetInput(1).GetTensorData<float>();
    const float* factors = context.GetInput(2).GetTensorData<float>();
    float* out = context.GetOutput(0, shape.data(), shape.size()).GetTensorMutableData<float>();
    threads_of(context)(channels,
                        [&](std::size_t c) { snake(x + c * size, frequencies[c], factors[c], size, out + c * size); });
  }
};

/// No exception may go across the runtime's interface.
template <typename Call>
OrtStatusPtr status_of(const Call& call) {
  try {
    call();
    return nullptr;
  } catch (const Ort::Exception& error) {
    return Ort::Status(error).release();
  } catch (const std::exception& error) {
    return Ort::Status(error.what(), ORT_FAIL).release();
  }
}

template <typename Kernel>
struct Computation {
  Kernel kernel;

  OrtStatusPtr ComputeV2(OrtKernelContext* context) {
    return status_of([&] { kernel.run(Ort::KernelContext{context}); });
  }
};

struct Signature {
  const char* name;
  std::vector<ONNXTensorElementDataType> inputs;
  std::size_t required;  // of the inputs
};

template <typename Kernel>
struct Operator : Ort::CustomOpBase<Operator<Kernel>, Computation<Kernel>, true> {
  explicit Operator(Signature made) : signature(std::move(made)) {}

  OrtStatusPtr CreateKernelV2(const OrtApi& /*api*/, const OrtKernelInfo* info, void** kernel) const {
    return status_of([&] { *kernel = new Computation<Kernel>{Kernel(Ort::ConstKernelInfo{info})}; });
  }
  const char* GetName() const { return signature.name; }
  std::size_t GetInputTypeCount() const { return signature.inputs.size(); }
  ONNXTensorElementDataType GetInputType(std::size_t i) const { return signature.inputs[i]; }
  OrtCustomOpInputOutputCharacteristic GetInputCharacteristic(std::size_t i) const {
    return i < signature.required ? INPUT_OUTPUT_REQUIRED : INPUT_OUTPUT_OPTIONAL;
  }
  std::size_t GetOutputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetOutputType(std::size_t /*i*/) const { return kFloat; }

  Signature signature;
};

/// Outlives every session, which only refers to it.
struct OwnOperators {
  Operator<ConvKernel> conv{{"QuantizedConv", {kByte, kByte, kByte, kByte, kFloat, kInt}, 5}};
  Operator<SnakeKernel> snake{{"Snake", {kFloat, kFloat, kFloat}, 3}};
  Ort::CustomOpDomain domain{kOwnDomain};

  OwnOperators() {
    domain.Add(&conv);
    domain.Add(&snake);
  }
};

}  // namespace

bool own_operators_run() {
  return can_convolve();
}

void add_own_operators(Ort::SessionOptions& options) {
  static OwnOperators& operators = *new OwnOperators;  // sessions may outlive main
  options.Add(operators.domain);
}

}  // namespace morgan::engines::onnx
