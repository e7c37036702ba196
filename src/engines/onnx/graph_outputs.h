// Makes a value inside a model's graph an output of it, without a protobuf library: two messages of one type,
// written one behind the other, are read as one message, with their repeated fields joined. Private to onnx/.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace morgan::engines::onnx {

/// Whether a node of the model makes a value of that name. A name as long as that appears nowhere by chance.
bool makes_value(std::string_view model, std::string_view name);

/// What to write behind a model so that the graph has these outputs too, all of them tensors of floats.
/// @source onnx.proto: ModelProto.graph 7, GraphProto.output 12, ValueInfoProto.name 1 and type 2,
/// TypeProto.tensor_type 1, Tensor.elem_type 1 with FLOAT 1
std::string float_outputs(std::span<const std::string> names);

}  // namespace morgan::engines::onnx
