#include "engines/stt/int8_backend.h"

#include <ggml-backend.h>
#include <ggml-cpu.h>

#include <gtest/gtest.h>

#include <array>
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
  void operator()(ggml_backend_sched* scheduler) const { ggml_backend_sched_free(scheduler); }
};

/// x * weights + 1, as a model computes it: by whichever backend takes what.
class Int8Backend : public testing::Test {
 protected:
  static constexpr std::int64_t kInputs = 64;
  static constexpr std::int64_t kOutputs = 96;

  void SetUp() override {
    int8_.reset(make_int8_backend());
    if (int8_ == nullptr) GTEST_SKIP() << "this processor has no AVX-512 VNNI";
    std::mt19937 random(2);
    std::normal_distribution<float> values(0, 1);
    std::vector<float> weights(kInputs * kOutputs);
    for (float& value : weights)
      value = values(random);
    for (float& value : input_)
      value = values(random);
    context_.reset(ggml_init({ggml_tensor_overhead(), nullptr, true}));
    weights_ = ggml_new_tensor_2d(context_.get(), GGML_TYPE_Q8_0, kInputs, kOutputs);
    buffer_.reset(ggml_backend_alloc_ctx_tensors(context_.get(), cpu_.get()));
    ggml_backend_buffer_set_usage(buffer_.get(), GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
    ggml_quantize_chunk(GGML_TYPE_Q8_0, weights.data(), weights_->data, 0, kOutputs, kInputs, nullptr);
  }

  struct Outcome {
    std::vector<float> values;
    int splits = 0;  // 1: one backend did it all
  };

  Outcome run(std::int64_t rows, bool with_int8) {
    const std::unique_ptr<ggml_context, Free> context(
        ggml_init({16 * ggml_tensor_overhead() + ggml_graph_overhead(), nullptr, true}));
    ggml_tensor* x = ggml_new_tensor_2d(context.get(), GGML_TYPE_F32, kInputs, rows);
    ggml_set_input(x);
    ggml_tensor* product = ggml_mul_mat(context.get(), weights_, x);
    ggml_tensor* end = ggml_scale_bias(context.get(), product, 1, 1);
    ggml_set_output(end);
    ggml_cgraph* graph = ggml_new_graph(context.get());
    ggml_build_forward_expand(graph, end);
    std::array backends{int8_.get(), cpu_.get()};
    const std::unique_ptr<ggml_backend_sched, Free> scheduler(
        with_int8 ? ggml_backend_sched_new(backends.data(), nullptr, 2, 64, false, true)
                  : ggml_backend_sched_new(backends.data() + 1, nullptr, 1, 64, false, true));
    EXPECT_TRUE(ggml_backend_sched_alloc_graph(scheduler.get(), graph));
    ggml_backend_tensor_set(x, input_.data(), 0, ggml_nbytes(x));
    EXPECT_EQ(ggml_backend_sched_graph_compute(scheduler.get(), graph), GGML_STATUS_SUCCESS);
    Outcome outcome{std::vector<float>(static_cast<std::size_t>(kOutputs * rows)), 0};
    ggml_backend_tensor_get(end, outcome.values.data(), 0, ggml_nbytes(end));
    outcome.splits = ggml_backend_sched_get_n_splits(scheduler.get());
    return outcome;
  }

  std::unique_ptr<ggml_backend, Free> cpu_{ggml_backend_cpu_init()};
  std::unique_ptr<ggml_backend, Free> int8_;
  std::unique_ptr<ggml_context, Free> context_;
  std::unique_ptr<ggml_backend_buffer, Free> buffer_;
  ggml_tensor* weights_ = nullptr;
  std::vector<float> input_ = std::vector<float>(kInputs * 300);
};

TEST_F(Int8Backend, TakesTheLargeProductAndLeavesTheRest) {
  const Outcome mixed = run(300, true);
  const Outcome alone = run(300, false);
  EXPECT_EQ(mixed.splits, 2);
  ASSERT_EQ(mixed.values.size(), alone.values.size());
  double worst = 0;
  for (std::size_t i = 0; i < alone.values.size(); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(mixed.values[i]) - alone.values[i]));
  EXPECT_GT(worst, 0) << "the backend was not asked";
  EXPECT_LT(worst, 0.6);  // the products' deviation is 8
  EXPECT_EQ(run(300, true).values, mixed.values);
}

TEST_F(Int8Backend, LeavesAFewRowsToTheProcessor) {
  const Outcome mixed = run(8, true);
  EXPECT_EQ(mixed.splits, 1);
  EXPECT_EQ(mixed.values, run(8, false).values);
}

}  // namespace
}  // namespace morgan::engines
