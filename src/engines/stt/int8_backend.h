// ggml's way to other kernels: a backend that takes the large matrix products of a model whose weights have 8 bits
// (Q8_0) and leaves everything else to the CPU backend beside it.
#pragma once

struct ggml_backend;

namespace morgan::engines {

/// Freed by ggml_backend_free(). It keeps an 8 bit copy of each weight that it has multiplied with, so it must not
/// outlive the model, and belongs to one model.
/// @return null where the processor gains nothing by it
ggml_backend* make_int8_backend();

}  // namespace morgan::engines
