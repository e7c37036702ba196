#include "engines/onnx/model_graph.h"

#include <algorithm>

namespace morgan::engines::onnx {

namespace {

Node read_node(const Field& field) {
  Node node;
  node.whole = field.whole;
  Fields fields(field.content);
  while (const auto part = fields.next()) {
    if (part->number == 1) node.inputs.push_back(part->content);
    if (part->number == 2) node.outputs.push_back(part->content);
    if (part->number == 3) node.name = part->content;
    if (part->number == 4) node.type = part->content;
    if (part->number == 5) node.attributes.push_back(*part);
    if (part->number == 7) node.domain = part->content;
  }
  return node;
}

bool has_graph(const Node& node) {
  return std::any_of(node.attributes.begin(), node.attributes.end(), [](const Field& attribute) {
    return !content_of(attribute.content, 6).empty() || !content_of(attribute.content, 11).empty();
  });
}

}  // namespace

std::optional<GraphFields> read_graph(std::string_view content) {
  GraphFields graph;
  Fields fields(content);
  while (const auto field = fields.next()) {
    if (field->number != 1) {
      graph.others.push_back(*field);
      continue;
    }
    graph.nodes.push_back(read_node(*field));
    if (has_graph(graph.nodes.back())) return std::nullopt;
  }
  if (!fields.done()) return std::nullopt;
  return graph;
}

std::optional<std::string> with_graph(std::string_view model,
                                      const std::function<std::optional<std::string>(std::string_view content)>& edit) {
  constexpr std::uint64_t kGraph = 7;
  std::string out;
  bool found = false;
  Fields fields(model);
  while (const auto field = fields.next()) {
    if (field->number != kGraph) {
      out += field->whole;
      continue;
    }
    const auto edited = found ? std::nullopt : edit(field->content);
    if (!edited) return std::nullopt;
    out += field_of(kGraph, *edited);
    found = true;
  }
  if (!fields.done() || !found) return std::nullopt;
  return out;
}

}  // namespace morgan::engines::onnx
