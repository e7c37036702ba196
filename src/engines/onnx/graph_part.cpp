#include "engines/onnx/graph_part.h"

#include "engines/onnx/model_graph.h"

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

class Graph {
 public:
  explicit Graph(GraphFields fields) : nodes_(std::move(fields.nodes)), others_(std::move(fields.others)) {}

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
      // Of the values inside, types that may not be right any more; of the outputs, those that were asked for follow.
      if (field.number == 12 || field.number == 13) continue;
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
  return with_graph(model, [&](std::string_view content) -> std::optional<std::string> {
    auto graph = read_graph(content);
    if (!graph) return std::nullopt;
    return Graph(std::move(*graph)).part(inputs, outputs);
  });
}

}  // namespace morgan::engines::onnx
