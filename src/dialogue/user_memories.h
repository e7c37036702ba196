// What Morgan knows of its users, for a conversation and for whoever looks after it: told facts are kept without
// doubles, the few that fit a question are found by meaning, and "remember that", "forget" and "what do you know about
// me" are answered here, without the language model.
#pragma once

#include "base/result.h"
#include "base/stop.h"
#include "dialogue/memory_command.h"
#include "engines/embed/embed_engine.h"
#include "stores/memory_store.h"

#include <optional>
#include <string>
#include <vector>

namespace morgan::dialogue {

/// What memory has to say to a message. Nothing was changed yet.
struct Recollection {
  std::string answer;  ///< the whole answer, when the message is about the memory itself; else ""
  std::string facts;   ///< to be put behind the message in the prompt; "" when nothing fits
};

struct Remembered {
  stores::StoredMemory memory;
  bool is_new = true;  ///< false: it was known already
};

/// @thread any, concurrently; every call may block
class UserMemories {
 public:
  static constexpr std::size_t kMostChars = 2'000;
  /// Put into one prompt.
  static constexpr std::size_t kMostRecalled = 3;

  /// Both outlive it. @param embed  null: facts are found by their words
  UserMemories(stores::MemoryStore& store, engines::EmbedEngine* embed) : store_(store), embed_(embed) {}

  /// Keeps a fact. @param source  the sentence that it was taken from
  /// @error kInvalidArgument, param "text"  empty or too long   @error kTooLarge  the user has too many
  Result<Remembered> remember(const std::string& user_id, const std::string& text, const std::string& source,
                              const StopToken& stop);
  /// Replaces the text. @param importance  1 to 10; 0: as it was   @error kNotFound
  Result<stores::StoredMemory> change(const std::string& user_id, const std::string& memory_id, const std::string& text,
                                      int importance, const StopToken& stop);
  /// The best first.
  Result<std::vector<stores::FoundMemory>> recall(const std::string& user_id, const std::string& query,
                                                  std::size_t limit, const StopToken& stop);

  /// Looks, and changes nothing: the message may not be meant yet.
  Result<Recollection> recollect(const std::string& user_id, const std::string& message, const StopToken& stop);
  /// Does what the message says about the memory, if it does: now it is meant.
  /// @param replaced  memory that an earlier form of the same message made, or ""; @return what this one made, or ""
  Result<std::string> carry_out(const std::string& user_id, const std::string& message, const std::string& replaced,
                                const StopToken& stop);

  stores::MemoryStore& store() { return store_; }

 private:
  Result<std::optional<stores::MemoryVector>> vector_of(const std::string& text, const StopToken& stop) const;
  Result<std::vector<stores::FoundMemory>> by_words(const std::string& user_id, const std::string& query,
                                                    std::size_t limit);
  Result<std::vector<stores::StoredMemory>> meant_by(const std::string& user_id, const std::string& about,
                                                     const StopToken& stop);
  Result<std::string> answer_to(const std::string& user_id, const MemoryCommand& command);
  Result<std::string> all_that_is_known(const std::string& user_id);

  stores::MemoryStore& store_;
  engines::EmbedEngine* embed_;  // not owned; may be null
};

}  // namespace morgan::dialogue
