// Takes a part out of a model's graph, or makes a value inside it an output, without a protobuf library: a model is a
// list of fields, and the fields that stay are copied as they are. Private to onnx/.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace morgan::engines::onnx {

/// A model of the nodes that are needed to make `outputs` of `inputs` and of the model's own inputs. A value that is
/// no input or output of the model becomes one as a tensor of floats of any shape.
/// @return nothing when no node makes one of the values, when a node has a graph inside it, or for bytes that are no
///         model
/// @source onnx.proto: ModelProto.graph 7; GraphProto.node 1, initializer 5, input 11, output 12, value_info 13;
///         NodeProto.input 1, output 2, attribute 5; AttributeProto.g 6, graphs 11; TensorProto.name 8;
///         ValueInfoProto.name 1, type 2; TypeProto.tensor_type 1; Tensor.elem_type 1, FLOAT is 1
std::optional<std::string> part_of_model(std::string_view model, std::span<const std::string> inputs,
                                         std::span<const std::string> outputs);

}  // namespace morgan::engines::onnx
