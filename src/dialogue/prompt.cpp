#include "dialogue/prompt.h"

#include "base/json_util.h"

#include <algorithm>

namespace morgan::dialogue {

namespace {

/// English takes about four bytes a token, most other scripts about three.
constexpr long long kBytesPerToken = 3;
/// The chat template's marks around one message.
constexpr long long kTokensPerMessage = 8;

long long step_of(int max_history_messages) {
  return std::max(1, max_history_messages / 2);
}

long long estimated_tokens(const std::string& content) {
  return static_cast<long long>(content.size()) / kBytesPerToken + kTokensPerMessage;
}

/// The message as the model was shown it.
std::string shown_content(const stores::StoredMessage& message) {
  // Most have none, and parsing all would take longer than the rest.
  if (message.metadata.find("\"recalled\"") == std::string::npos) return message.content;
  const auto metadata = parse_json_object(message.metadata);
  if (!metadata) return message.content;
  const auto facts = json_string(*metadata, "recalled");
  return facts && *facts ? with_facts(message.content, **facts) : message.content;
}

bool in_window(const stores::StoredMessage& message, long long dropped, long long user_sequence) {
  return message.sequence > dropped && message.sequence < user_sequence &&
         (message.role == "user" || message.role == "assistant");
}

}  // namespace

std::string with_facts(const std::string& user_text, const std::string& facts) {
  return facts.empty() ? user_text : user_text + "\n" + facts;
}

long long dropped_messages(long long earlier, int max_history_messages) {
  if (max_history_messages <= 0) return earlier;
  const long long excess = earlier - max_history_messages;
  if (excess <= 0) return 0;
  const long long step = step_of(max_history_messages);
  return (excess + step - 1) / step * step;
}

std::vector<engines::ChatMessage> build_prompt(const PromptOptions& options,
                                               const std::vector<stores::StoredMessage>& history,
                                               long long user_sequence, const std::string& user_text) {
  const long long earlier = user_sequence - 1;
  long long dropped = dropped_messages(earlier, options.max_history_messages);
  if (options.max_prompt_tokens > 0) {
    const long long room =
        options.max_prompt_tokens - estimated_tokens(options.system_prompt) - estimated_tokens(user_text);
    const auto needed = [&] {
      long long tokens = 0;
      for (const auto& message : history) {
        if (in_window(message, dropped, user_sequence)) tokens += estimated_tokens(shown_content(message));
      }
      return tokens;
    };
    // By the same steps: the start of the window still moves seldom.
    while (dropped < earlier && needed() > room)
      dropped += step_of(options.max_history_messages);
  }

  std::vector<engines::ChatMessage> prompt;
  if (!options.system_prompt.empty()) prompt.push_back({"system", options.system_prompt});
  const std::size_t before_history = prompt.size();
  const auto add = [&](const std::string& role, const std::string& content) {
    if (prompt.size() == before_history && role != "user") return;
    if (prompt.size() > before_history && prompt.back().role == role) {
      prompt.back().content += "\n" + content;
    } else {
      prompt.push_back({role, content});
    }
  };
  for (const auto& message : history) {
    if (in_window(message, dropped, user_sequence)) add(message.role, shown_content(message));
  }
  add("user", user_text);
  return prompt;
}

}  // namespace morgan::dialogue
