#include "dialogue/live/conversation_memory.h"

#include "base/ids.h"
#include "base/json_util.h"
#include "base/log.h"

#include <utility>

namespace morgan::dialogue::live {

namespace {

/// The pool has no room: how long until it is asked again.
constexpr std::chrono::milliseconds kAskAgain{200};

std::string with_recalled(const std::string& metadata, const std::string& facts) {
  const auto parsed = parse_json_object(metadata);
  Json changed = parsed ? *parsed : Json::object();
  changed["recalled"] = facts;
  return dump_json(changed);
}

}  // namespace

ConversationMemory::ConversationMemory(std::shared_ptr<runtime::Strand> strand, runtime::BlockingPool& pool,
                                       stores::ConversationStore& store, MemoryOptions options, std::string user_id,
                                       std::function<void(const Error&)> on_trouble)
    : strand_(std::move(strand)),
      pool_(pool),
      store_(store),
      options_(std::move(options)),
      user_id_(std::move(user_id)),
      on_trouble_(std::move(on_trouble)),
      user_message_(std::make_shared<std::string>()),
      told_memory_(std::make_shared<std::string>()) {}

void ConversationMemory::refresh() {
  // What is still to be written is in history_ already and would be missing in what is read.
  if (reading_ || writing_ || !waiting_.empty()) return;
  const int limit = std::max(0, options_.max_history_messages) + 1;
  auto task = [weak = weak_from_this(), strand = strand_, &store = store_, user = user_id_, limit] {
    auto history = store.recent(user, limit);
    auto profile = store.profile(user);
    strand->post([weak, history = std::move(history), profile = std::move(profile)] {
      const auto self = weak.lock();
      if (!self) return;
      self->reading_ = false;
      if (history) self->loaded(*history, profile ? std::optional(*profile) : std::nullopt);
    });
  };
  reading_ = pool_.run(std::move(task)).has_value();
}

void ConversationMemory::loaded(std::vector<stores::StoredMessage> history, const std::optional<std::string>& profile) {
  if (writing_ || !waiting_.empty()) return;
  history_ = std::move(history);
  if (profile && !std::exchange(pauses_known_, true)) know_pauses(*profile);
}

void ConversationMemory::know_pauses(const std::string& profile) {
  pauses_ = {};
  if (const auto parsed = parse_json(profile)) {
    const auto mean = json_number(*parsed, "pause_mean_ms");
    const auto seen = json_number(*parsed, "pauses_seen");
    if (mean && *mean && seen && *seen) pauses_ = {**mean, static_cast<int>(**seen)};
  }
  // What was heard before it was known comes after it.
  for (const Ms pause : std::exchange(early_pauses_, {}))
    pauses_.add(pause);
}

PromptOptions ConversationMemory::prompt_options() const {
  return {options_.system_prompt, std::max(0, options_.max_history_messages), options_.max_prompt_tokens};
}

std::vector<engines::ChatMessage> ConversationMemory::prompt(const std::string& user_text) const {
  long long next = history_.empty() ? 1 : history_.back().sequence + 1;
  if (amend_next_ && !history_.empty() && history_.back().role == "user") --next;
  return build_prompt(prompt_options(), history_, next, user_text);
}

std::vector<engines::ChatMessage> ConversationMemory::prompt_for_last() const {
  if (history_.empty()) return build_prompt(prompt_options(), history_, 1, "");
  return build_prompt(prompt_options(), history_, history_.back().sequence, history_.back().content);
}

std::vector<engines::ChatMessage> ConversationMemory::prompt_behind(const std::string& answer,
                                                                    const std::string& recalled) const {
  if (answer.empty() || history_.empty() || history_.back().role != "user") return {};
  std::vector<stores::StoredMessage> history = history_;
  if (!recalled.empty()) history.back().metadata = with_recalled(history.back().metadata, recalled);
  history.push_back({"assistant", answer, "", history.back().sequence + 1, ""});
  return build_prompt(prompt_options(), history, history.back().sequence + 1, "");
}

void ConversationMemory::remember_user(const std::string& text, const std::string& metadata) {
  const bool amend = std::exchange(amend_next_, false) && !history_.empty() && history_.back().role == "user";
  if (amend) {
    history_.back().content = text;
    history_.back().metadata = metadata;
  } else {
    history_.push_back({"user", text, "", history_.empty() ? 1 : history_.back().sequence + 1, metadata});
  }
  forget_oldest();
  queue([user = user_id_, text, metadata, amend, id = user_message_](stores::ConversationStore& store) -> Result<void> {
    if (amend && !id->empty()) {
      auto amended = store.amend(user, *id, text, metadata);
      // Reset meanwhile: then it begins the new conversation.
      if (amended || amended.error().code != ErrorCode::kNotFound) return amended;
    }
    *id = random_id("msg_");
    MORGAN_TRY(const auto conversation, store.append(user, {{"user", text, "", 0, metadata, *id}}));
    return {};
  });
  if (options_.memories != nullptr) carry_out(text, amend);
  write_pauses();
}

/// The user's turn is over, so what it says about the memory is meant. When it goes on, the whole counts.
void ConversationMemory::carry_out(const std::string& text, bool amended) {
  queue([memories = options_.memories, user = user_id_, text, amended,
         told = told_memory_](stores::ConversationStore&) -> Result<void> {
    MORGAN_TRY(*told, memories->carry_out(user, text, amended ? *told : "", {}));
    return {};
  });
}

void ConversationMemory::remember_recalled(const std::string& facts) {
  if (facts.empty() || history_.empty() || history_.back().role != "user") return;
  stores::StoredMessage& message = history_.back();
  message.metadata = with_recalled(message.metadata, facts);
  queue([user = user_id_, text = message.content, json = message.metadata,
         id = user_message_](stores::ConversationStore& store) -> Result<void> {
    auto amended = store.amend(user, *id, text, json);
    // Reset meanwhile: then nobody needs it.
    if (!amended && amended.error().code == ErrorCode::kNotFound) return {};
    return amended;
  });
}

void ConversationMemory::forget_oldest() {
  // The prompt's window needs no more; a conversation may last for days.
  const auto most = static_cast<std::size_t>(std::max(0, options_.max_history_messages)) * 2 + 8;
  if (history_.size() > most) history_.erase(history_.begin(), history_.end() - static_cast<std::ptrdiff_t>(most));
}

void ConversationMemory::remember_assistant(const std::string& text, const std::string& metadata) {
  if (text.empty()) return;
  history_.push_back({"assistant", text, "", history_.empty() ? 1 : history_.back().sequence + 1, metadata});
  forget_oldest();
  queue([user = user_id_, text, metadata](stores::ConversationStore& store) -> Result<void> {
    MORGAN_TRY(const auto conversation, store.append(user, {{"assistant", text, "", 0, metadata}}));
    return {};
  });
}

void ConversationMemory::add_pause(Ms pause) {
  pauses_.add(pause);
  pauses_changed_ = true;
  if (!pauses_known_ && early_pauses_.size() < kMostEarlyPauses) early_pauses_.push_back(pause);
}

void ConversationMemory::write_pauses() {
  // While it is not known what was learned before, that would be written over.
  if (!pauses_known_ || !std::exchange(pauses_changed_, false)) return;
  const Json profile{{"pause_mean_ms", pauses_.mean_ms}, {"pauses_seen", pauses_.seen}};
  queue([user = user_id_, json = dump_json(profile)](stores::ConversationStore& store) {
    return store.set_profile(user, json);
  });
}

void ConversationMemory::when_written(std::function<void()> then) {
  when_written_.push_back(std::move(then));
  if (!writing_) write_next();
}

void ConversationMemory::queue(Write write) {
  if (waiting_.size() >= kMostWaiting) {
    on_trouble_({ErrorCode::kUnavailable, "the conversation cannot be stored: too much is waiting to be written"});
    return;
  }
  waiting_.push_back(std::move(write));
  if (!writing_) write_next();
}

void ConversationMemory::write_next() {
  if (waiting_.empty()) {
    for (auto& then : std::exchange(when_written_, {}))
      strand_->post(std::move(then));
    return;
  }
  writing_ = true;
  // The write lives in the task, so that it happens even when the conversation has ended.
  auto task = [self = shared_from_this(), write = waiting_.front()] {
    auto written = write(self->store_);
    self->strand_->post([self, written = std::move(written)] {
      self->writing_ = false;
      if (!written) {
        log::error("dialogue", "a message could not be stored", {{"why", written.error().message}});
        self->on_trouble_(written.error());
      }
      self->write_next();
    });
  };
  if (auto taken = pool_.run(std::move(task)); !taken) return try_again(taken.error());
  waiting_.pop_front();
  refused_ = false;
}

/// What was said is not lost because many speak at once.
void ConversationMemory::try_again(const Error& why) {
  if (!std::exchange(refused_, true)) on_trouble_(why);
  strand_->post_at(strand_->now() + kAskAgain, [self = shared_from_this()] {
    self->writing_ = false;
    self->write_next();
  });
}

}  // namespace morgan::dialogue::live
