// An ONNX model's graph as nodes and the rest, for those who change it. Private to onnx/.
#pragma once

#include "engines/onnx/model_fields.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::engines::onnx {

/// Views into the model's bytes.
struct Node {
  std::string_view whole;
  std::string_view name;
  std::string_view type;
  std::string_view domain;
  std::vector<std::string_view> inputs;
  std::vector<std::string_view> outputs;
  std::vector<Field> attributes;
};

struct GraphFields {
  std::vector<Node> nodes;  ///< each behind those whose values it uses
  std::vector<Field> others;
};

/// @param content  of the field that holds the graph
/// @return nothing when a node has a graph inside it, which may use any value, or for bytes that are no graph
/// @source onnx.proto: GraphProto.node 1; NodeProto.input 1, output 2, name 3, op_type 4, attribute 5, domain 7;
///         AttributeProto.g 6, graphs 11
std::optional<GraphFields> read_graph(std::string_view content);

/// The model with what `edit` makes of its graph in the graph's place.
/// @return nothing when `edit` returns nothing, or for bytes that are no model
/// @source onnx.proto: ModelProto.graph 7
std::optional<std::string> with_graph(std::string_view model,
                                      const std::function<std::optional<std::string>(std::string_view content)>& edit);

}  // namespace morgan::engines::onnx
