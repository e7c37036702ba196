#include "engines/onnx/graph_fusion.h"

#include "engines/onnx/model_graph.h"

#include <algorithm>
#include <map>
#include <vector>

namespace morgan::engines::onnx {

namespace {

const Field* attribute_of(const Node& node, std::string_view name) {
  const auto found = std::find_if(node.attributes.begin(), node.attributes.end(),
                                  [name](const Field& field) { return content_of(field.content, 1) == name; });
  return found == node.attributes.end() ? nullptr : &*found;
}

/// How many numbers a list has, and whether all of them are 1.
struct ListShape {
  std::size_t size = 0;
  bool all_ones = true;
};

ListShape list_of(const Field& attribute) {
  ListShape shape;
  Fields fields(attribute.content);
  while (const auto part = fields.next()) {
    if (part->number != 8) continue;
    ++shape.size;
    shape.all_ones = shape.all_ones && part->whole == std::string_view("\x40\x01", 2);
  }
  return shape;
}

class Fusion {
 public:
  explicit Fusion(GraphFields graph) : nodes_(std::move(graph.nodes)), dropped_(nodes_.size()) {
    for (const Field& field : graph.others) {
      if (field.number == 12) ++uses_[content_of(field.content, 1)];
      if (field.number == 5) weights_.emplace(content_of(field.content, 8), field.content);
      others_ += field.whole;
    }
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      for (const std::string_view output : nodes_[i].outputs)
        makers_[output] = i;
      for (const std::string_view input : nodes_[i].inputs) {
        ++uses_[input];
        users_[input] = i;
      }
    }
  }

  /// @return the graph; nothing when there is nothing to fuse
  std::optional<std::string> fused() {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      const Node& node = nodes_[i];
      if (!node.domain.empty()) continue;
      if (node.type == "ConvInteger") fuse_convolution(i);
      if (node.type == "Sin") fuse_snake(i);
    }
    if (written_.empty()) return std::nullopt;
    std::string out;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (const auto own = written_.find(i); own != written_.end()) {
        out += field_of(1, own->second);
      } else if (!dropped_[i]) {
        out += nodes_[i].whole;
      }
    }
    return out + others_;
  }

 private:
  /// The node of that type that alone uses node i's output.
  std::optional<std::size_t> only_user(std::size_t i, std::string_view type) const {
    const std::string_view output = nodes_[i].outputs.front();
    const auto uses = uses_.find(output);
    if (uses == uses_.end() || uses->second != 1 || !users_.contains(output)) return std::nullopt;
    const std::size_t user = users_.at(output);
    if (nodes_[user].type != type || !nodes_[user].domain.empty()) return std::nullopt;
    return user;
  }

  /// What node i is given beside `value`; nothing when it has not two inputs.
  std::optional<std::string_view> other_input(std::size_t i, std::string_view value) const {
    const Node& node = nodes_[i];
    if (node.inputs.size() != 2) return std::nullopt;
    if (node.inputs[0] == value) return node.inputs[1];
    if (node.inputs[1] == value) return node.inputs[0];
    return std::nullopt;
  }

  void fuse_convolution(std::size_t i) {
    const Node& convolution = nodes_[i];
    const Field* strides = attribute_of(convolution, "strides");
    const Field* group = attribute_of(convolution, "group");
    const Field* padding = attribute_of(convolution, "auto_pad");
    if (convolution.inputs.size() != 4 || strides == nullptr) return;
    const ListShape stride = list_of(*strides);
    const bool one_group =
        group == nullptr || group->content.find(std::string_view("\x18\x01", 2)) != std::string_view::npos;
    const bool padded_by_list = padding == nullptr || content_of(padding->content, 4) == "NOTSET";
    if (stride.size != 1 || !stride.all_ones || !one_group || !padded_by_list) return;
    std::size_t last = i;
    std::string_view bias;
    if (const auto add = only_user(last, "Add")) {
      const auto given = other_input(*add, nodes_[last].outputs.front());
      if (!given) return;
      bias = *given;
      last = *add;
    }
    const std::size_t add = last;
    const auto cast = only_user(last, "Cast");
    if (!cast) return;
    const auto scaled = only_user(*cast, "Mul");
    if (!scaled) return;
    const auto scale = other_input(*scaled, nodes_[*cast].outputs.front());
    if (!scale) return;
    std::string own = field_of(1, convolution.inputs[0]) + field_of(1, convolution.inputs[1]) +
                      field_of(1, convolution.inputs[2]) + field_of(1, convolution.inputs[3]) + field_of(1, *scale);
    if (!bias.empty()) own += field_of(1, bias);
    own += field_of(2, nodes_[*scaled].outputs.front()) + header(convolution, "QuantizedConv");
    for (const std::string_view name : {"dilations", "pads"}) {
      if (const Field* attribute = attribute_of(convolution, name)) own += attribute->whole;
    }
    put(*scaled, std::move(own), {i, add, *cast});
  }

  void fuse_snake(std::size_t i) {
    const auto maker = makers_.find(nodes_[i].inputs.front());
    if (maker == makers_.end() || nodes_[maker->second].type != "Mul") return;
    const std::size_t inner = maker->second;
    if (uses_[nodes_[inner].outputs.front()] != 1 || nodes_[inner].inputs.size() != 2) return;
    const auto squared = only_user(i, "Pow");
    if (!squared || nodes_[*squared].inputs.size() != 2 || !is_two(nodes_[*squared].inputs[1])) return;
    const auto outer = only_user(*squared, "Mul");
    if (!outer) return;
    const auto sum = only_user(*outer, "Add");
    if (!sum) return;
    const auto factor = other_input(*outer, nodes_[*squared].outputs.front());
    const auto x = other_input(*sum, nodes_[*outer].outputs.front());
    if (!factor || !x) return;
    const auto frequency = other_input(inner, *x);
    if (!frequency) return;
    put(*sum,
        field_of(1, *x) + field_of(1, *frequency) + field_of(1, *factor) + field_of(2, nodes_[*sum].outputs.front()) +
            header(nodes_[i], "Snake"),
        {inner, i, *squared, *outer});
  }

  /// A constant of one float or whole number, 2.
  bool is_two(std::string_view name) const {
    std::string_view tensor;
    if (const auto weight = weights_.find(name); weight != weights_.end()) tensor = weight->second;
    if (const auto maker = makers_.find(name); maker != makers_.end() && nodes_[maker->second].type == "Constant") {
      if (const Field* value = attribute_of(nodes_[maker->second], "value")) tensor = content_of(value->content, 5);
    }
    const std::string_view raw = content_of(tensor, 9);
    return raw == std::string_view("\0\0\0\x40", 4) || raw == std::string_view("\2\0\0\0\0\0\0\0", 8);
  }

  static std::string header(const Node& like, std::string_view type) {
    return field_of(3, like.name) + field_of(4, type) + field_of(7, kOwnDomain);
  }

  /// `node` in the place of node `at`, which stands last, and of `others`.
  void put(std::size_t at, std::string node, std::initializer_list<std::size_t> others) {
    written_[at] = std::move(node);
    for (const std::size_t other : others)
      dropped_[other] = true;
  }

  const std::vector<Node> nodes_;
  std::vector<bool> dropped_;
  std::string others_;
  std::map<std::string_view, std::string_view> weights_;
  std::map<std::string_view, std::size_t> makers_;  // of a value: the node that makes it
  std::map<std::string_view, std::size_t> users_;   // ... a node that uses it
  std::map<std::string_view, int> uses_;            // ... how often it is used, as an output of the model, too
  std::map<std::size_t, std::string> written_;
};

}  // namespace

std::optional<std::string> with_own_operators(std::string_view model) {
  auto fused = with_graph(model, [](std::string_view content) -> std::optional<std::string> {
    auto graph = read_graph(content);
    if (!graph) return std::nullopt;
    return Fusion(std::move(*graph)).fused();
  });
  if (fused) *fused += field_of(8, field_of(1, kOwnDomain) + std::string("\x10\x01", 2));
  return fused;
}

}  // namespace morgan::engines::onnx
