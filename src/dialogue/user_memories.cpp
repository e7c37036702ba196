#include "dialogue/user_memories.h"

#include "base/strings.h"
#include "tools/spoken_form.h"

#include <algorithm>
#include <set>
#include <utility>

namespace morgan::dialogue {

namespace {

using Kind = MemoryCommand::Kind;

/// MiniLM's cosines, measured with the questions of docs/memory.md: above, a fact belongs to a question.
constexpr float kFits = 0.35F;
/// Above, a fact is what "forget ..." means.
constexpr float kMeant = 0.6F;
/// Two ways to write one sentence; other names or numbers are further apart.
constexpr float kSame = 0.985F;
/// Told in one breath.
constexpr long long kMostTold = 8;
/// Looked through when there are no vectors.
constexpr long long kMostByWords = 500;

std::set<std::string> words_of(std::string_view text) {
  std::string plain = to_lower_ascii(text);
  for (char& c : plain) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80U;
    if (!letter) c = ' ';
  }
  const std::vector<std::string> words = split(plain, ' ');
  std::set<std::string> found(words.begin(), words.end());
  found.erase("");
  return found;
}

/// Share of the query's words that are in the text; short words say little.
float shared_words(const std::set<std::string>& query, std::string_view text) {
  const std::set<std::string> words = words_of(text);
  float all = 0;
  float shared = 0;
  for (const std::string& word : query) {
    if (word.size() < 3) continue;
    all += 1;
    if (words.contains(word)) shared += 1;
  }
  return all > 0 ? shared / all : 0;
}

Result<std::string> checked(const std::string& text) {
  const std::string_view trimmed = trim(text);
  if (trimmed.empty()) return fail({ErrorCode::kInvalidArgument, "there is nothing to remember", "", "text"});
  if (!is_valid_utf8(trimmed)) return fail({ErrorCode::kInvalidArgument, "the text is not valid UTF-8", "", "text"});
  if (trimmed.size() > UserMemories::kMostChars) {
    return fail({ErrorCode::kInvalidArgument, "what is remembered has at most 2000 bytes", "", "text"});
  }
  return std::string(trimmed);
}

/// In the user's own voice, as the message that it stands behind.
std::string as_facts(const std::vector<stores::FoundMemory>& found) {
  std::string facts;
  for (const stores::FoundMemory& each : found) {
    std::string_view text = each.memory.content;
    while (text.ends_with('.'))
      text.remove_suffix(1);
    facts += " " + tools::sentence(std::string(text)) + ".";
  }
  return facts.empty() ? "" : "(What I told you before:" + facts + ")";
}

}  // namespace

Result<std::optional<stores::MemoryVector>> UserMemories::vector_of(const std::string& text,
                                                                    const StopToken& stop) const {
  if (embed_ == nullptr) return std::optional<stores::MemoryVector>();
  MORGAN_TRY(engines::Embeddings embedded, embed_->embed(std::array{text}, stop));
  if (embedded.vectors.empty()) return fail(ErrorCode::kInternal, "the embedding model answered no vector");
  return std::optional(stores::MemoryVector{embed_->info().model, std::move(embedded.vectors.front())});
}

Result<Remembered> UserMemories::remember(const std::string& user_id, const std::string& text,
                                          const std::string& source, const StopToken& stop) {
  MORGAN_TRY(std::string content, checked(text));
  MORGAN_TRY(const auto vector, vector_of(content, stop));
  std::vector<stores::FoundMemory> known;
  if (vector) {
    MORGAN_TRY(known, store_.nearest(user_id, *vector, 1));
  } else {
    MORGAN_TRY(known, by_words(user_id, content, 1));
  }
  if (!known.empty()) {
    const bool same = words_of(known[0].memory.content) == words_of(content) || (vector && known[0].score >= kSame);
    if (same) return Remembered{std::move(known[0].memory), false};
  }
  stores::StoredMemory memory;
  memory.user_id = user_id;
  memory.category = category_of(content);
  memory.content = std::move(content);
  memory.source = source;
  MORGAN_TRY(stores::StoredMemory kept, store_.add(std::move(memory), vector));
  return Remembered{std::move(kept), true};
}

Result<stores::StoredMemory> UserMemories::change(const std::string& user_id, const std::string& memory_id,
                                                  const std::string& text, int importance, const StopToken& stop) {
  MORGAN_TRY(stores::StoredMemory memory, store_.get(user_id, memory_id));
  MORGAN_TRY(memory.content, checked(text));
  memory.category = category_of(memory.content);
  if (importance > 0) memory.importance = importance;
  MORGAN_TRY(const auto vector, vector_of(memory.content, stop));
  return store_.change(memory, vector);
}

Result<std::vector<stores::FoundMemory>> UserMemories::by_words(const std::string& user_id, const std::string& query,
                                                                std::size_t limit) {
  const std::set<std::string> wanted = words_of(query);
  MORGAN_TRY(stores::MemoryPage page, store_.page(user_id, kMostByWords, 0));
  std::vector<stores::FoundMemory> found;
  for (stores::StoredMemory& memory : page.memories) {
    const float score = shared_words(wanted, memory.content);
    if (score > 0) found.push_back({std::move(memory), score});
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  if (found.size() > limit) found.resize(limit);
  return found;
}

Result<std::vector<stores::FoundMemory>> UserMemories::recall(const std::string& user_id, const std::string& query,
                                                              std::size_t limit, const StopToken& stop) {
  MORGAN_TRY(const auto vector, vector_of(query, stop));
  return vector ? store_.nearest(user_id, *vector, limit) : by_words(user_id, query, limit);
}

Result<std::vector<stores::StoredMemory>> UserMemories::meant_by(const std::string& user_id, const std::string& about,
                                                                 const StopToken& stop) {
  MORGAN_TRY(const auto found, recall(user_id, about, 5, stop));
  const std::set<std::string> wanted = words_of(about);
  std::vector<stores::StoredMemory> meant;
  for (const stores::FoundMemory& each : found) {
    // "my birthday" is short, and yet names what it means.
    if (each.score >= kMeant || shared_words(wanted, each.memory.content) >= 1) meant.push_back(each.memory);
  }
  return meant;
}

Result<std::string> UserMemories::all_that_is_known(const std::string& user_id) {
  MORGAN_TRY(const stores::MemoryPage page, store_.page(user_id, kMostTold, 0));
  if (page.total == 0) return std::string("I do not know anything about you yet. Tell me to remember something.");
  std::string told = "You told me this.";
  for (const stores::StoredMemory& memory : page.memories)
    told += " " + tools::sentence(tools::to_second_person(memory.content)) + ".";
  const long long more = page.total - static_cast<long long>(page.memories.size());
  if (more > 0) told += " And " + std::to_string(more) + " more.";
  return told;
}

Result<std::string> UserMemories::answer_to(const std::string& user_id, const MemoryCommand& command) {
  switch (command.kind) {
    case Kind::kNone:
      return std::string();
    case Kind::kRemember:
      return "I will remember that " + tools::to_second_person(command.content) + ".";
    case Kind::kTell:
      return all_that_is_known(user_id);
    case Kind::kForgetAllForSure:
      return std::string("I have forgotten everything that you told me to remember.");
    case Kind::kForget:
      // Whether it is still there or already gone: this may be asked before carry_out(), or after it.
      return "I have forgotten what you told me about this: " + tools::to_second_person(command.content) + ".";
    case Kind::kForgetAll: {
      MORGAN_TRY(const stores::MemoryPage page, store_.page(user_id, 1, 0));
      if (page.total == 0) return std::string("I do not remember anything about you.");
      return "That would erase " + std::to_string(page.total) + (page.total == 1 ? " thing" : " things") +
             " that you told me. If you mean it, say: yes, forget everything.";
    }
  }
  return std::string();
}

Result<Recollection> UserMemories::recollect(const std::string& user_id, const std::string& message,
                                             const StopToken& stop) {
  const MemoryCommand command = parse_memory_command(message);
  if (command.kind != Kind::kNone) {
    MORGAN_TRY(std::string answer, answer_to(user_id, command));
    return Recollection{std::move(answer), ""};
  }
  // Most users have nothing, and a vector costs some milliseconds.
  MORGAN_TRY(const stores::MemoryPage page, store_.page(user_id, 1, 0));
  if (page.total == 0) return Recollection{};
  MORGAN_TRY(std::vector<stores::FoundMemory> found, recall(user_id, message, kMostRecalled, stop));
  std::erase_if(found, [](const stores::FoundMemory& each) { return each.score < kFits; });
  return Recollection{"", as_facts(found)};
}

Result<std::string> UserMemories::carry_out(const std::string& user_id, const std::string& message,
                                            const std::string& replaced, const StopToken& stop) {
  if (!replaced.empty()) MORGAN_CHECK_OK(store_.remove(user_id, replaced));
  const MemoryCommand command = parse_memory_command(message);
  if (command.kind == Kind::kRemember) {
    MORGAN_TRY(const Remembered remembered, remember(user_id, command.content, message, stop));
    return remembered.is_new ? remembered.memory.memory_id : std::string();
  }
  if (command.kind == Kind::kForgetAllForSure) MORGAN_CHECK_OK(store_.erase(user_id));
  if (command.kind == Kind::kForget) {
    MORGAN_TRY(const auto meant, meant_by(user_id, command.content, stop));
    for (const stores::StoredMemory& memory : meant)
      MORGAN_CHECK_OK(store_.remove(user_id, memory.memory_id));
  }
  return std::string();
}

}  // namespace morgan::dialogue
