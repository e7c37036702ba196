// Puts Morgan's own operators (own_operators.h) into a model's graph, each in the place of the nodes whose work it
// does: fewer passes over memory, and a convolution that uses the processor's 8 bit products. Private to onnx/.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace morgan::engines::onnx {

/// The domain of Morgan's operators in a graph.
inline constexpr const char* kOwnDomain = "morgan";

/// The model, with
///   ConvInteger, Add of a bias or none, Cast, Mul of a scale    as QuantizedConv, where it is one-dimensional, of one
///                                                               group and without strides
///   x + Mul(r, Pow(Sin(Mul(a, x)), 2))                          as Snake
/// Kokoro's STFT stays: at half the rate its imaginary part is rounding alone, of which the model takes the phase's
/// sign. With one of exact angles it spoke 2 dB softer.
/// @return nothing when there is none of them, when a node has a graph inside it, or for bytes that are no model
/// @source onnx.proto: ModelProto.opset_import 8; GraphProto.initializer 5, output 12; AttributeProto.name 1, i 3, s 4,
///         t 5, ints 8; TensorProto.name 8, raw_data 9; OperatorSetIdProto.domain 1, version 2. Snake: Liu et al. 2020,
///         arXiv:2006.08195
std::optional<std::string> with_own_operators(std::string_view model);

}  // namespace morgan::engines::onnx
