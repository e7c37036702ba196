#include "tools/phrase_pattern.h"

#include "tools/units.h"

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <utility>

namespace morgan::tools {

struct PhrasePattern::Node {
  enum class Kind : std::uint8_t { kWord, kChoice, kText, kNumber, kDuration, kMoment, kUnit };
  Kind kind = Kind::kWord;
  std::string text;                        // of a word; the name of a slot
  std::vector<std::vector<Node>> choices;  // of a choice; an empty one may be left out
};

namespace {

using Node = PhrasePattern::Node;
using Nodes = std::vector<Node>;

constexpr std::size_t kMostTextWords = 12;
/// Tries of one match, so that no sentence can cost more.
constexpr int kMostSteps = 2'000;

[[noreturn]] void malformed(std::string_view pattern) {
  std::fprintf(stderr, "malformed pattern of a request: %.*s\n", static_cast<int>(pattern.size()), pattern.data());
  std::abort();
}

class PatternReader {
 public:
  explicit PatternReader(std::string_view pattern) : pattern_(pattern) {}

  Nodes whole() {
    Nodes nodes = sequence();
    if (at_ != pattern_.size()) malformed(pattern_);
    return nodes;
  }

 private:
  Nodes sequence() {
    Nodes nodes;
    while (at_ < pattern_.size()) {
      const char c = pattern_[at_];
      if (c == ' ') {
        ++at_;
      } else if (c == '[' || c == '(') {
        nodes.push_back(choice(c == '[' ? ']' : ')'));
      } else if (c == '{') {
        nodes.push_back(slot());
      } else if (c == '|' || c == ']' || c == ')') {
        break;
      } else {
        const std::size_t end = std::min(pattern_.find_first_of(" []()|{}", at_), pattern_.size());
        nodes.push_back({Node::Kind::kWord, std::string(pattern_.substr(at_, end - at_)), {}});
        at_ = end;
      }
    }
    return nodes;
  }

  Node choice(char closing) {
    ++at_;
    Node node;
    node.kind = Node::Kind::kChoice;
    node.choices.push_back(sequence());
    while (at_ < pattern_.size() && pattern_[at_] == '|') {
      ++at_;
      node.choices.push_back(sequence());
    }
    if (at_ >= pattern_.size() || pattern_[at_] != closing) malformed(pattern_);
    ++at_;
    if (closing == ']') node.choices.push_back({});
    return node;
  }

  Node slot() {
    const std::size_t end = pattern_.find('}', at_);
    const std::size_t colon = pattern_.find(':', at_);
    if (end == std::string_view::npos || colon == std::string_view::npos || colon > end) malformed(pattern_);
    Node node;
    node.text = pattern_.substr(at_ + 1, colon - at_ - 1);
    const std::string_view kind = pattern_.substr(colon + 1, end - colon - 1);
    if (kind == "text") {
      node.kind = Node::Kind::kText;
    } else if (kind == "number") {
      node.kind = Node::Kind::kNumber;
    } else if (kind == "duration") {
      node.kind = Node::Kind::kDuration;
    } else if (kind == "moment") {
      node.kind = Node::Kind::kMoment;
    } else if (kind == "unit") {
      node.kind = Node::Kind::kUnit;
    } else {
      malformed(pattern_);
    }
    at_ = end + 1;
    return node;
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
};

/// One attempt, with backtracking: each element calls what follows it.
class Matching {
 public:
  Matching(SpokenWords words, cctz::civil_second now) : words_(words), now_(now) {}

  bool run(const Nodes& nodes) {
    return sequence(nodes, 0, 0, [this](std::size_t at) { return at == words_.size(); });
  }
  int steps() const { return steps_; }
  PhraseValues values;

 private:
  using Next = std::function<bool(std::size_t at)>;

  bool sequence(const Nodes& nodes, std::size_t node, std::size_t at, const Next& next) {
    if (++steps_ > kMostSteps) return false;
    if (node == nodes.size()) return next(at);
    const auto rest = [&](std::size_t after) { return sequence(nodes, node + 1, after, next); };
    return element(nodes[node], at, rest);
  }

  bool element(const Node& node, std::size_t at, const Next& rest) {
    switch (node.kind) {
      case Node::Kind::kWord:
        return at < words_.size() && words_[at].text == node.text && rest(at + 1);
      case Node::Kind::kChoice:
        for (const Nodes& choice : node.choices) {
          if (sequence(choice, 0, at, rest)) return true;
        }
        return false;
      case Node::Kind::kText:
        for (std::size_t count = 1; count <= kMostTextWords && at + count <= words_.size(); ++count) {
          if (rest(at + count)) return keep(node, at, count, {});
        }
        return false;
      default:
        return value(node, at, rest);
    }
  }

  bool value(const Node& node, std::size_t at, const Next& rest) {
    const SpokenWords left = words_.subspan(at);
    PhraseValue found;
    std::size_t count = 0;
    if (node.kind == Node::Kind::kNumber) {
      if (const auto number = number_at(left)) {
        found.number = number->value;
        count = number->words;
      }
    } else if (node.kind == Node::Kind::kDuration) {
      if (const auto length = duration_at(left)) {
        found.number = length->seconds;
        count = length->words;
      }
    } else if (node.kind == Node::Kind::kMoment) {
      if (const auto moment = moment_at(left, now_)) {
        count = moment->words;
        found.moment = *moment;
      }
    } else if (const auto unit = unit_at(left)) {
      found.text = unit->name;
      count = unit->words;
    }
    return count > 0 && rest(at + count) && keep(node, at, count, std::move(found));
  }

  /// On the way back from a match.
  bool keep(const Node& node, std::size_t at, std::size_t count, PhraseValue found) {
    found.words = words_.subspan(at, count);
    values[node.text] = std::move(found);
    return true;
  }

  SpokenWords words_;
  cctz::civil_second now_;
  int steps_ = 0;
};

}  // namespace

PhrasePattern::PhrasePattern(std::string_view pattern) : nodes_(PatternReader(pattern).whole()) {}
PhrasePattern::~PhrasePattern() = default;
PhrasePattern::PhrasePattern(PhrasePattern&&) noexcept = default;
PhrasePattern& PhrasePattern::operator=(PhrasePattern&&) noexcept = default;

std::optional<PhraseValues> PhrasePattern::match(SpokenWords words, cctz::civil_second now, long long* steps) const {
  Matching matching(words, now);
  const bool fits = matching.run(nodes_);
  if (steps != nullptr) *steps += matching.steps();
  if (!fits) return std::nullopt;
  return std::move(matching.values);
}

}  // namespace morgan::tools
