#include "engines/stt/int8_backend.h"

#include "base/log.h"
#include "engines/stt/int8_matmul.h"

#include <ggml-backend-impl.h>
#include <ggml-cpu.h>

#include <cstring>
#include <memory>
#include <new>
#include <unordered_map>

namespace morgan::engines {

namespace {

/// Fewer rows are bound by reading the weights, which ggml does as fast. The encoder has 178 and more.
constexpr std::int64_t kLeastRows = 64;

struct Context {
  int threads = 1;
  std::unordered_map<const void*, Int8Matrix> weights;  // by where the model has them
};

Context& context_of(ggml_backend_t backend) {
  return *static_cast<Context*>(backend->context);
}

const Int8Matrix& weights_of(Context& context, const ggml_tensor& tensor) {
  if (const auto known = context.weights.find(tensor.data); known != context.weights.end()) return known->second;
  const auto rows = static_cast<std::size_t>(tensor.ne[1]);
  const auto columns = static_cast<std::size_t>(tensor.ne[0]);
  std::vector<float> values(rows * columns);
  ggml_get_type_traits(tensor.type)->to_float(tensor.data, values.data(), static_cast<std::int64_t>(values.size()));
  return context.weights.emplace(tensor.data, quantize_int8(values, rows, columns)).first->second;
}

bool multiply(Context& context, ggml_tensor& product) {
  const ggml_tensor& x = *product.src[1];
  return multiply_int8({static_cast<const float*>(x.data), static_cast<std::size_t>(ggml_nelements(&x))},
                       weights_of(context, *product.src[0]),
                       {static_cast<float*>(product.data), static_cast<std::size_t>(ggml_nelements(&product))},
                       context.threads);
}

bool is_layout(ggml_op op) {
  return op == GGML_OP_NONE || op == GGML_OP_RESHAPE || op == GGML_OP_VIEW || op == GGML_OP_PERMUTE ||
         op == GGML_OP_TRANSPOSE;
}

bool supports_op(ggml_backend_dev_t, const ggml_tensor* op) {
  if (is_layout(op->op)) return true;
  if (op->op != GGML_OP_MUL_MAT) return false;
  const ggml_tensor* weights = op->src[0];
  const ggml_tensor* x = op->src[1];
  return weights->type == GGML_TYPE_Q8_0 && weights->op == GGML_OP_NONE && ggml_is_matrix(weights) &&
         ggml_is_contiguous(weights) && x->type == GGML_TYPE_F32 && ggml_is_matrix(x) && ggml_is_contiguous(x) &&
         ggml_is_contiguous(op) && x->ne[1] >= kLeastRows;
}

ggml_status compute(ggml_backend_t backend, ggml_cgraph* graph) try {
  for (int i = 0; i < ggml_graph_n_nodes(graph); ++i) {
    ggml_tensor* node = ggml_graph_node(graph, i);
    const bool wanted = (node->flags & GGML_TENSOR_FLAG_COMPUTE) != 0;
    if (wanted && node->op == GGML_OP_MUL_MAT && !multiply(context_of(backend), *node)) return GGML_STATUS_ALLOC_FAILED;
  }
  return GGML_STATUS_SUCCESS;
} catch (const std::bad_alloc&) {  // of a weight's copy
  return GGML_STATUS_ALLOC_FAILED;
}

const char* name_of(ggml_backend_t) {
  return "int8";
}

void free_backend(ggml_backend_t backend) {
  const std::unique_ptr<Context> context(&context_of(backend));
  const std::unique_ptr<ggml_backend> owned(backend);
}

void set_threads(ggml_backend_t backend, int threads) {
  context_of(backend).threads = threads;
}

// --- The device and its registry, of which ggml asks the rest ------------------------------------------------------

ggml_backend_reg_t registry();
ggml_backend_dev_t device();

const char* device_name(ggml_backend_dev_t) {
  return "int8";
}

const char* device_description(ggml_backend_dev_t) {
  return "8 bit matrix products (oneDNN)";
}

void device_memory(ggml_backend_dev_t, std::size_t* free, std::size_t* total) {
  *free = *total = 0;
}

enum ggml_backend_dev_type device_type(ggml_backend_dev_t) {
  return GGML_BACKEND_DEVICE_TYPE_ACCEL;
}

void device_props(ggml_backend_dev_t, ggml_backend_dev_props* props) {
  *props = {};
  props->name = device_name(nullptr);
  props->description = device_description(nullptr);
  props->type = device_type(nullptr);
  props->caps.buffer_from_host_ptr = true;
}

ggml_backend_t init_backend(ggml_backend_dev_t, const char*) {
  return make_int8_backend();
}

// It works where the CPU's tensors are, so nothing is copied between the two.
ggml_backend_buffer_type_t buffer_type(ggml_backend_dev_t) {
  return ggml_backend_cpu_buffer_type();
}

ggml_backend_buffer_t buffer_from_host(ggml_backend_dev_t, void* bytes, std::size_t size, std::size_t) {
  return ggml_backend_cpu_buffer_from_ptr(bytes, size);
}

bool supports_buffer(ggml_backend_dev_t, ggml_backend_buffer_type_t type) {
  return ggml_backend_buft_is_host(type);
}

const char* registry_name(ggml_backend_reg_t) {
  return "int8";
}

std::size_t device_count(ggml_backend_reg_t) {
  return 1;
}

ggml_backend_dev_t device_at(ggml_backend_reg_t, std::size_t) {
  return device();
}

void* address_of(ggml_backend_reg_t, const char* name) {
  const bool known = std::strcmp(name, "ggml_backend_set_n_threads") == 0;
  return known ? reinterpret_cast<void*>(set_threads) : nullptr;
}

ggml_backend_reg_t registry() {
  static ggml_backend_reg entry = [] {
    ggml_backend_reg made{};
    made.api_version = GGML_BACKEND_API_VERSION;
    made.iface.get_name = registry_name;
    made.iface.get_device_count = device_count;
    made.iface.get_device = device_at;
    made.iface.get_proc_address = address_of;
    return made;
  }();
  return &entry;
}

ggml_backend_dev_t device() {
  static ggml_backend_device entry = [] {
    ggml_backend_device made{};
    made.iface.get_name = device_name;
    made.iface.get_description = device_description;
    made.iface.get_memory = device_memory;
    made.iface.get_type = device_type;
    made.iface.get_props = device_props;
    made.iface.init_backend = init_backend;
    made.iface.get_buffer_type = buffer_type;
    made.iface.buffer_from_host_ptr = buffer_from_host;
    made.iface.supports_op = supports_op;
    made.iface.supports_buft = supports_buffer;
    made.reg = registry();
    return made;
  }();
  return &entry;
}

/// Any; it tells this kind of backend from others.
ggml_guid_t guid() {
  static ggml_guid bytes = {0x6d, 0x6f, 0x72, 0x67, 0x61, 0x6e, 0x2d, 0x69,
                            0x6e, 0x74, 0x38, 0x2d, 0x30, 0x30, 0x30, 0x31};
  return &bytes;
}

}  // namespace

ggml_backend* make_int8_backend() {
  if (!has_fast_int8()) return nullptr;
  auto backend = std::make_unique<ggml_backend>();
  backend->guid = guid();
  backend->iface.get_name = name_of;
  backend->iface.free = free_backend;
  backend->iface.graph_compute = compute;
  backend->device = device();
  backend->context = std::make_unique<Context>().release();
  return backend.release();
}

}  // namespace morgan::engines
