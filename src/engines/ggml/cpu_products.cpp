#include "engines/ggml/cpu_products.h"

#include "engines/ggml/block_product.h"

#include <ggml-backend.h>
// ggml's own: how its repacked weights are multiplied within the threads of its CPU backend.
#include <ggml-cpu/traits.h>

#include <algorithm>
#include <optional>

namespace morgan::engines {

namespace {

/// Rows that a thread takes at a time: 64 of them are some 40 kB of weights.
constexpr int kChunkRows = 64;
static_assert(kChunkRows % kRowsAtOnce == 0);

/// Fewer vectors ggml multiplies as fast or faster.
constexpr std::int64_t kLeastVectors5 = 1;
constexpr std::int64_t kLeastVectors8 = 1;
constexpr std::int64_t kLeastVectors6 = 2;

std::optional<BlockFormat> format_of(ggml_type type, std::int64_t vectors) {
  if (type == GGML_TYPE_Q5_0 && vectors >= kLeastVectors5) return BlockFormat::kQ5_0;
  if (type == GGML_TYPE_Q8_0 && vectors >= kLeastVectors8) return BlockFormat::kQ8_0;
  if (type == GGML_TYPE_Q6_K && vectors >= kLeastVectors6) return BlockFormat::kQ6_K;
  return std::nullopt;
}

/// A matrix of weights as the file has them, times vectors one after the other.
bool is_ours(const ggml_tensor* op) {
  if (op->op != GGML_OP_MUL_MAT) return false;
  const ggml_tensor* weights = op->src[0];
  const ggml_tensor* x = op->src[1];
  const auto format = format_of(weights->type, x->ne[1]);
  return format && ggml_is_matrix(weights) && ggml_is_contiguous(weights) &&
         weights->ne[1] >= static_cast<std::int64_t>(kRowsAtOnce) &&
         weights->ne[0] % static_cast<std::int64_t>(block_length(*format)) == 0 && x->type == GGML_TYPE_F32 &&
         ggml_is_matrix(x) && x->nb[0] == sizeof(float) && op->nb[0] == sizeof(float) &&
         (weights->buffer == nullptr || ggml_backend_buffer_is_host(weights->buffer));
}

constexpr std::size_t kCacheLine = 64;

std::byte* aligned(void* memory) {
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  return static_cast<std::byte*>(memory) + (kCacheLine - address % kCacheLine) % kCacheLine;
}

struct Shapes {
  explicit Shapes(const ggml_tensor* op)
      : rows(static_cast<std::size_t>(op->src[0]->ne[1])),
        columns(static_cast<std::size_t>(op->src[0]->ne[0])),
        vectors(static_cast<std::size_t>(op->src[1]->ne[1])) {}

  std::size_t rows;
  std::size_t columns;
  std::size_t vectors;
};

class BlockTraits final : public ggml::cpu::tensor_traits {
 public:
  bool work_size(int threads, const ggml_tensor* op, std::size_t& size) override {
    const Shapes shapes(op);
    size = kCacheLine + QuantizedVectors::bytes(shapes.vectors, shapes.columns) +
           static_cast<std::size_t>(threads) * product_scratch_bytes(shapes.columns);
    return true;
  }

  bool compute_forward(ggml_compute_params* params, ggml_tensor* op) override {
    const Shapes shapes(op);
    const ggml_tensor* weights = op->src[0];
    const ggml_tensor* x = op->src[1];
    const auto thread = static_cast<std::size_t>(params->ith);
    const auto threads = static_cast<std::size_t>(params->nth);
    const BlockMatrix matrix{*format_of(weights->type, x->ne[1]), static_cast<const std::byte*>(weights->data),
                             shapes.rows, shapes.columns, weights->nb[1]};
    std::byte* memory = aligned(params->wdata);
    const std::size_t quantized = QuantizedVectors::bytes(shapes.vectors, shapes.columns);
    const std::size_t scratch = product_scratch_bytes(shapes.columns);
    QuantizedVectors vectors({memory, quantized}, shapes.vectors, shapes.columns);
    vectors.quantize(matrix.format, static_cast<const float*>(x->data), x->nb[1] / sizeof(float),
                     shapes.vectors * thread / threads, shapes.vectors * (thread + 1) / threads);
    if (thread == 0) ggml_threadpool_chunk_set(params->threadpool, 0);
    ggml_barrier(params->threadpool);
    const std::span<std::byte> own{memory + quantized + thread * scratch, scratch};
    while (true) {
      const auto chunk = static_cast<std::size_t>(ggml_threadpool_chunk_add(params->threadpool, 1));
      const std::size_t first = chunk * kChunkRows;
      if (first >= shapes.rows) return true;
      multiply_blocks(matrix, vectors, first, std::min(first + kChunkRows, shapes.rows), static_cast<float*>(op->data),
                      op->nb[1] / sizeof(float), own);
    }
  }
};

/// ggml asks each of its special kinds of memory whether it knows better how to compute an operator. This one has no
/// memory: it is asked, and nothing is ever put into it.
class BlockProducts final : public ggml::cpu::extra_buffer_type {
 public:
  bool supports_op(ggml_backend_dev_t, const ggml_tensor*) override { return false; }
  ggml::cpu::tensor_traits* get_tensor_traits(const ggml_tensor* op) override {
    return is_ours(op) ? &traits_ : nullptr;
  }

 private:
  BlockTraits traits_;
};

const char* name_of(ggml_backend_buffer_type_t) {
  return "block products";
}

ggml_backend_buffer_t no_buffer(ggml_backend_buffer_type_t, std::size_t) {
  return nullptr;
}

std::size_t alignment_of(ggml_backend_buffer_type_t) {
  return kCacheLine;
}

bool add_to_ggml() {
  if (!has_block_products()) return false;
  static BlockProducts products;
  static ggml_backend_buffer_type type = [] {
    ggml_backend_buffer_type made{};
    made.iface.get_name = name_of;
    made.iface.alloc_buffer = no_buffer;
    made.iface.get_alignment = alignment_of;
    made.device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
    made.context = &products;
    return made;
  }();
  ggml_backend_cpu_get_extra_buffer_types().push_back(&type);
  return true;
}

}  // namespace

void use_block_products() {
  static const bool kAdded = add_to_ggml();
  static_cast<void>(kAdded);
}

}  // namespace morgan::engines
