#include "engines/onnx/graph_part.h"

#include "engines/onnx/model_fields.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

namespace morgan::engines::onnx {

namespace {

std::string float_value(std::string_view name) {
  constexpr std::string_view kElementIsFloat{"\x08\x01", 2};
  return field_of(1, name) + field_of(2, field_of(1, kElementIsFloat));
}

struct Node {
  std::string_view whole;
  std::vector<std::string_view> inputs;
  std::vector<std::string_view> outputs;
  bool has_graph = false;
};

Node read_node(const Field& field) {
  Node node;
  node.whole = field.whole;
  Fields fields(field.content);
  while (const auto part = fields.next()) {
    if (part->number == 1) node.inputs.push_back(part->content);
    if (part->number == 2) node.outputs.push_back(part->content);
    if (part->number == 5 && (!content_of(part->content, 6).empty() || !content_of(part->content, 11).empty()))
      node.has_graph = true;
  }
  return node;
}

class Graph {
 public:
  static std::optional<Graph> read(std::string_view content) {
    Graph graph;
    Fields fields(content);
    while (const auto field = fields.next()) {
      if (field->number == 1) {
        graph.nodes_.push_back(read_node(*field));
        if (graph.nodes_.back().has_graph) return std::nullopt;
      } else if (field->number != 13) {
        graph.others_.push_back(*field);
      }
    }
    if (!fields.done()) return std::nullopt;
    return graph;
  }

  std::optional<std::string> part(std::span<const std::string> inputs, std::span<const std::string> outputs) const {
    const std::set<std::string_view> given(inputs.begin(), inputs.end());
    std::set<std::string_view> needed(outputs.begin(), outputs.end());
    std::set<std::string_view> made;
    std::vector<bool> kept(nodes_.size());
    // Nodes stand behind those whose values they use.
    for (std::size_t i = nodes_.size(); i-- > 0;) {
      const Node& node = nodes_[i];
      made.insert(node.outputs.begin(), node.outputs.end());
      kept[i] = std::any_of(node.outputs.begin(), node.outputs.end(), [&](std::string_view name) {
        return !name.empty() && needed.contains(name) && !given.contains(name);
      });
      if (kept[i]) needed.insert(node.inputs.begin(), node.inputs.end());
    }
    const auto is_made = [&made](const std::string& name) { return made.contains(name); };
    if (!std::all_of(inputs.begin(), inputs.end(), is_made) || !std::all_of(outputs.begin(), outputs.end(), is_made))
      return std::nullopt;
    std::string out;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (kept[i]) out += nodes_[i].whole;
    }
    for (const std::string& name : inputs)
      out += field_of(11, float_value(name));
    append_others(out, needed, outputs);
    return out;
  }

 private:
  /// Weights and inputs that are needed, outputs in the order that was asked for, names and remarks.
  void append_others(std::string& out, const std::set<std::string_view>& needed,
                     std::span<const std::string> outputs) const {
    for (const Field& field : others_) {
      if (field.number == 12) continue;
      const bool named = field.number == 5 || field.number == 11;
      if (!named || needed.contains(content_of(field.content, field.number == 5 ? 8 : 1))) out += field.whole;
    }
    for (const std::string& name : outputs) {
      const auto own = std::find_if(others_.begin(), others_.end(), [&name](const Field& field) {
        return field.number == 12 && content_of(field.content, 1) == name;
      });
      out += own != others_.end() ? std::string(own->whole) : field_of(12, float_value(name));
    }
  }

  std::vector<Node> nodes_;
  std::vector<Field> others_;
};

}  // namespace

std::optional<std::string> part_of_model(std::string_view model, std::span<const std::string> inputs,
                                         std::span<const std::string> outputs) {
  constexpr std::uint64_t kGraph = 7;
  std::string out;
  bool found = false;
  Fields fields(model);
  while (const auto field = fields.next()) {
    if (field->number != kGraph) {
      out += field->whole;
      continue;
    }
    const auto graph = Graph::read(field->content);
    const auto part = graph && !found ? graph->part(inputs, outputs) : std::nullopt;
    if (!part) return std::nullopt;
    out += field_of(kGraph, *part);
    found = true;
  }
  if (!fields.done() || !found) return std::nullopt;
  return out;
}

}  // namespace morgan::engines::onnx
