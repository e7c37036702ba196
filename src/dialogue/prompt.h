// What the language model is shown: system prompt, a window of the history, the user's words. The window
// moves in steps, not with every turn, so that most prompts begin as the one before and its KV cache hits.
#pragma once

#include "engines/llm/llm_engine.h"
#include "stores/conversation_store.h"

#include <string>
#include <vector>

namespace morgan::dialogue {

struct PromptOptions {
  std::string system_prompt;  ///< "": none
  int max_history_messages = 20;
  /// What the whole prompt may take, by a careful estimate; 0: no limit known.
  int max_prompt_tokens = 0;
};

/// The user's words with what memory adds to them. Behind, so that what was computed of the words stays valid.
std::string with_facts(const std::string& user_text, const std::string& facts);

/// How many of the oldest of `earlier` messages are left out: a multiple of half the maximum (at least one).
long long dropped_messages(long long earlier, int max_history_messages);

/// @param history       the conversation's last messages, oldest first; those from `user_sequence` on are ignored
/// @param user_sequence number under which `user_text` was stored
/// A message of the history whose metadata has "recalled" comes with those facts, as when it was asked: the prompt then
/// begins like the one before, and its KV cache hits.
/// Starts with a user message after the system prompt. Neighbours of one role (an unanswered question and
/// the next) become one message, for some chat templates refuse them otherwise.
std::vector<engines::ChatMessage> build_prompt(const PromptOptions& options,
                                               const std::vector<stores::StoredMessage>& history,
                                               long long user_sequence, const std::string& user_text);

}  // namespace morgan::dialogue
