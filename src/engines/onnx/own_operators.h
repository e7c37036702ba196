// Morgan's own operators, which ONNX Runtime runs in the place of several of its own (graph_fusion.h). Private to
// onnx/.
#pragma once

#include <cstddef>

namespace Ort {
struct SessionOptions;
}

namespace morgan::engines::onnx {

/// This processor has what they are made of: AVX-512 and its 8 bit products.
bool own_operators_run();

/// Makes a session know them. After load_runtime().
void add_own_operators(Ort::SessionOptions& options);

}  // namespace morgan::engines::onnx
