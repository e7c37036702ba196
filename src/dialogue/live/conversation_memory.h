// One live conversation's view of the store: what was said before, for the prompt, and what is said now, written in
// order behind the conversation's back. The store is never waited for.
#pragma once

#include "dialogue/live/live_memory.h"
#include "dialogue/prompt.h"
#include "dialogue/user_memories.h"
#include "runtime/blocking_pool.h"
#include "runtime/strand.h"
#include "stores/conversation_store.h"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace morgan::dialogue::live {

struct MemoryOptions {
  std::string system_prompt;
  int max_history_messages = 20;
  int max_prompt_tokens = 0;         ///< 0: no limit known
  UserMemories* memories = nullptr;  ///< outlives what is written; null: "remember that" is a sentence like others
};

/// @thread the strand's
class ConversationMemory final : public LiveMemory, public std::enable_shared_from_this<ConversationMemory> {
 public:
  /// Writes that may wait; beyond, the store is broken and on_trouble says so.
  static constexpr std::size_t kMostWaiting = 64;
  /// Pauses that are added once the profile can be read; the mean forgets older ones anyway.
  static constexpr std::size_t kMostEarlyPauses = 100;

  /// The store and the pool outlive what is written.
  ConversationMemory(std::shared_ptr<runtime::Strand> strand, runtime::BlockingPool& pool,
                     stores::ConversationStore& store, MemoryOptions options, std::string user_id,
                     std::function<void(const Error&)> on_trouble);

  /// Reads history and profile anew, soon: another session may have written.
  void refresh() override;

  std::vector<engines::ChatMessage> prompt(const std::string& user_text) const override;
  std::vector<engines::ChatMessage> prompt_for_last() const override;
  std::vector<engines::ChatMessage> prompt_behind(const std::string& answer,
                                                  const std::string& recalled) const override;
  void remember_user(const std::string& text, const std::string& metadata) override;
  void reopen() override { amend_next_ = true; }
  void keep() override { amend_next_ = false; }
  void remember_assistant(const std::string& text, const std::string& metadata) override;
  void remember_recalled(const std::string& facts) override;
  const SpeakerPauses& pauses() const override { return pauses_; }
  /// It is written with the next message, once the profile could be read.
  void add_pause(Ms pause) override;
  void when_written(std::function<void()> then) override;
  /// Messages kept for the prompt.
  std::size_t remembered() const { return history_.size(); }

 private:
  using Write = std::function<Result<void>(stores::ConversationStore&)>;
  void queue(Write write);
  void carry_out(const std::string& text, bool amended);
  void write_next();
  void try_again(const Error& why);
  void forget_oldest();
  void write_pauses();
  PromptOptions prompt_options() const;
  /// @param profile  nullopt: it could not be read
  void loaded(std::vector<stores::StoredMessage> history, const std::optional<std::string>& profile);
  void know_pauses(const std::string& profile);

  std::shared_ptr<runtime::Strand> strand_;
  runtime::BlockingPool& pool_;
  stores::ConversationStore& store_;
  const MemoryOptions options_;
  const std::string user_id_;
  const std::function<void(const Error&)> on_trouble_;

  std::vector<stores::StoredMessage> history_;
  bool amend_next_ = false;
  std::shared_ptr<std::string> user_message_;  // id of the last one; written by the pool's thread, in order
  std::shared_ptr<std::string> told_memory_;   // what that message made be remembered; likewise
  std::deque<Write> waiting_;
  bool writing_ = false;  // or waiting for room in the pool
  bool refused_ = false;  // the pool has had no room since the last write
  bool reading_ = false;
  std::vector<std::function<void()>> when_written_;
  SpeakerPauses pauses_;
  bool pauses_changed_ = false;
  bool pauses_known_ = false;     // what was learned in other conversations is in them
  std::vector<Ms> early_pauses_;  // heard before that
};

}  // namespace morgan::dialogue::live
