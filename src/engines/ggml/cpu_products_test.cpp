#include "engines/ggml/cpu_products.h"

#include "engines/ggml/block_product.h"

#include <ggml-backend.h>
#include <ggml-cpu.h>

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <random>
#include <vector>

namespace morgan::engines {
namespace {

struct Free {
  void operator()(ggml_context* context) const { ggml_free(context); }
  void operator()(ggml_backend* backend) const { ggml_backend_free(backend); }
  void operator()(ggml_backend_buffer* buffer) const { ggml_backend_buffer_free(buffer); }
};

/// Weights times x on ggml's CPU backend, as a model computes it.
std::vector<float> multiply(ggml_type type, std::int64_t columns, std::int64_t rows, std::int64_t vectors,
                            int threads) {
  const std::unique_ptr<ggml_backend, Free> cpu(ggml_backend_cpu_init());
  ggml_backend_cpu_set_n_threads(cpu.get(), threads);
  const std::unique_ptr<ggml_context, Free> context(
      ggml_init({8 * ggml_tensor_overhead() + ggml_graph_overhead(), nullptr, true}));
  ggml_tensor* weights = ggml_new_tensor_2d(context.get(), type, columns, rows);
  ggml_tensor* x = ggml_new_tensor_2d(context.get(), GGML_TYPE_F32, columns, vectors);
  ggml_tensor* product = ggml_mul_mat(context.get(), weights, x);
  ggml_cgraph* graph = ggml_new_graph(context.get());
  ggml_build_forward_expand(graph, product);
  const std::unique_ptr<ggml_backend_buffer, Free> buffer(ggml_backend_alloc_ctx_tensors(context.get(), cpu.get()));
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> values(static_cast<std::size_t>(columns * rows));
  for (float& value : values)
    value = normal(random);
  ggml_quantize_chunk(type, values.data(), weights->data, 0, rows, columns, nullptr);
  for (std::int64_t i = 0; i < columns * vectors; ++i)
    static_cast<float*>(x->data)[i] = normal(random);
  EXPECT_EQ(ggml_backend_graph_compute(cpu.get(), graph), GGML_STATUS_SUCCESS);
  const auto* out = static_cast<const float*>(product->data);
  return {out, out + rows * vectors};
}

double difference(const std::vector<float>& a, const std::vector<float>& b) {
  double wrong = 0;
  double all = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    wrong += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    all += std::pow(static_cast<double>(a[i]), 2);
  }
  return std::sqrt(wrong / all);
}

/// One test, for what is added to ggml stays there.
TEST(CpuProducts, TheSameAsGgmlsOwn) {
  struct Shape {
    ggml_type type;
    std::int64_t columns, rows, vectors;
  };
  const std::vector<Shape> shapes{
      {GGML_TYPE_Q5_0, 256, 192, 1},  {GGML_TYPE_Q5_0, 256, 200, 11},
      {GGML_TYPE_Q8_0, 512, 1001, 1}, {GGML_TYPE_Q8_0, 512, 333, 40},
      {GGML_TYPE_Q6_K, 512, 128, 5},  {GGML_TYPE_Q6_K, 512, 128, 1},  // ggml's, before and after
      {GGML_TYPE_Q8_0, 64, 8, 3},                                     // too few rows
      {GGML_TYPE_Q4_K, 256, 64, 4},                                   // not of these formats
  };
  std::vector<std::vector<float>> before;
  for (const Shape& shape : shapes)
    before.push_back(multiply(shape.type, shape.columns, shape.rows, shape.vectors, 2));
  use_block_products();
  use_block_products();
  int changed = 0;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const Shape& shape = shapes[i];
    const auto after = multiply(shape.type, shape.columns, shape.rows, shape.vectors, 2);
    EXPECT_LT(difference(before[i], after), shape.type == GGML_TYPE_Q6_K ? 0.012 : 0.001) << i;
    EXPECT_EQ(multiply(shape.type, shape.columns, shape.rows, shape.vectors, 1), after) << "whatever the threads";
    changed += before[i] == after ? 0 : 1;
  }
  EXPECT_EQ(changed, has_block_products() ? 5 : 0) << "who multiplied";
}

}  // namespace
}  // namespace morgan::engines
