// What a conversation knows of what was said before, and is told of what is said now: Morgan's own history
// (conversation_memory.h), or one that the client keeps.
#pragma once

#include "dialogue/live/endpoint_policy.h"
#include "engines/llm/llm_engine.h"

#include <functional>
#include <string>
#include <vector>

namespace morgan::dialogue::live {

/// @thread the conversation's strand
class LiveMemory {
 public:
  virtual ~LiveMemory() = default;

  /// Another conversation may have changed it: look soon.
  virtual void refresh() {}

  /// The prompt for these words of the user, with what was said before.
  virtual std::vector<engines::ChatMessage> prompt(const std::string& user_text) const = 0;
  /// The prompt for what has been remembered already.
  virtual std::vector<engines::ChatMessage> prompt_for_last() const = 0;
  /// How the next prompt will begin once `answer` has been heard, of which the facts `recalled` are a part. Empty: that
  /// is not known.
  virtual std::vector<engines::ChatMessage> prompt_behind(const std::string& answer,
                                                          const std::string& recalled) const {
    static_cast<void>(answer);
    static_cast<void>(recalled);
    return {};
  }

  /// The user's turn is over. @param metadata JSON object
  virtual void remember_user(const std::string& text, const std::string& metadata) = 0;
  /// It was not: what comes next replaces it.
  virtual void reopen() = 0;
  /// Nothing came of it: the message stays as it is.
  virtual void keep() = 0;
  virtual void remember_assistant(const std::string& text, const std::string& metadata) = 0;

  /// Facts that were added to the last message of the user in its prompt, and so belong to it in the next ones.
  virtual void remember_recalled(const std::string& facts) { static_cast<void>(facts); }

  /// How this speaker pauses within a turn.
  virtual const SpeakerPauses& pauses() const = 0;
  virtual void add_pause(Ms pause) = 0;

  /// Runs `then` on the strand when all that was remembered is safe.
  virtual void when_written(std::function<void()> then) = 0;
};

}  // namespace morgan::dialogue::live
