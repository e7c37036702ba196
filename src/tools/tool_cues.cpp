#include "tools/tool_cues.h"

#include "tools/spoken_words.h"

#include <algorithm>
#include <array>

namespace morgan::tools {

std::vector<std::string> derived_cues(const Tool& tool) {
  static constexpr std::array<std::string_view, 24> kCommon{
      "with",  "from", "that",  "this",  "tool",  "into",  "when",  "which", "what", "have",    "your", "given",
      "using", "make", "about", "value", "input", "there", "these", "those", "will", "returns", "used", "name"};
  std::vector<std::string> cues;
  std::string text = tool.name.substr(tool.name.rfind('.') + 1) + " " + tool.description;
  std::replace(text.begin(), text.end(), '_', ' ');
  std::replace(text.begin(), text.end(), '-', ' ');
  for (const SpokenWord& word : words_of(text)) {
    const bool common = std::find(kCommon.begin(), kCommon.end(), word.text) != kCommon.end();
    if (word.text.size() < 4 || common || cues.size() >= 24) continue;
    cues.push_back(word.text);
    if (word.text.ends_with('s')) cues.back().pop_back();
  }
  return cues;
}

}  // namespace morgan::tools
