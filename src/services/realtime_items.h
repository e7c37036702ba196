// The conversation of one Realtime session: its items in order, as the client sees and changes them, and the prompt
// that follows from them. It lives with its session and is not stored.
#pragma once

#include "base/json_util.h"
#include "base/result.h"
#include "dialogue/live/live_memory.h"
#include "dialogue/live/output_pacer.h"
#include "runtime/strand.h"

#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace morgan::services {

struct RealtimePart {
  std::string type;  ///< GA's: input_text, input_audio, output_text, output_audio
  std::string text;  ///< or the transcript
  bool told = true;  ///< false: the client does not want to read the transcript, or there is none
};

struct RealtimeItem {
  enum class Kind : std::uint8_t { kMessage, kFunctionCall, kFunctionOutput };

  std::string id;
  Kind kind = Kind::kMessage;
  std::string status = "completed";
  std::string role;  ///< of a message
  std::vector<RealtimePart> content;
  std::string call_id, name, arguments, output;  ///< of a function call, and of what it gave

  /// Of a spoken part: what was said or sent, at rate_hz; empty when there was too much to keep.
  std::vector<std::int16_t> audio;
  int rate_hz = 0;
  std::size_t audio_samples = 0;
  std::vector<dialogue::live::HeardWord> words;  ///< of an answer: where each is heard
  bool truncated = false;                        ///< the client has said what of it was heard

  bool is_assistant() const { return kind == Kind::kMessage && role == "assistant"; }
  /// All that was said in it.
  std::string text() const;
  void add_audio(std::span<const float> samples, int rate);
};

/// @error kInvalidArgument  `param` begins with `path`
Result<RealtimeItem> read_item(const Json& json, const std::string& path);

/// As OpenAI writes it, GA. @param with_audio  base64 PCM16 at 24 kHz in the spoken part
OrderedJson item_json(const RealtimeItem& item, bool with_audio = false);

struct PromptLimits {
  int context_tokens = 0;  ///< 0: not known
  int answer_tokens = 0;
};

/// @thread the conversation's strand
class RealtimeItems final : public dialogue::live::LiveMemory {
 public:
  static constexpr std::size_t kMostItems = 1'000;       ///< then the oldest goes
  static constexpr std::size_t kMostAudio = 10U << 20U;  ///< samples of all items; then the oldest lose theirs

  RealtimeItems(std::shared_ptr<runtime::Strand> strand, PromptLimits limits)
      : strand_(std::move(strand)), limits_(limits) {}

  void set_instructions(std::string instructions) { instructions_ = std::move(instructions); }

  RealtimeItem* find(const std::string& id);
  /// @param after  an id, "root" for the front, "" for the end
  /// @return the id before it, or ""  @error kNotFound  `after`  @error kConflict  the id is taken
  Result<std::string> insert(RealtimeItem item, const std::string& after = "");
  bool erase(const std::string& id);
  std::string last_id() const { return items_.empty() ? "" : items_.back().id; }
  void trim_audio();

  /// A prompt of other instructions, or of chosen items alone.
  std::vector<engines::ChatMessage> prompt_with(const std::string& instructions, const std::string& user_text) const;
  static std::vector<engines::ChatMessage> prompt_of(const std::string& instructions,
                                                     std::span<const RealtimeItem* const> items);

  /// The spoken turn that the speaker goes on with; it is to be replaced.
  void set_last_turn(std::string id) { last_turn_ = std::move(id); }
  std::string take_reopened() { return std::exchange(reopened_, {}); }

  std::vector<engines::ChatMessage> prompt(const std::string& user_text) const override {
    return prompt_with(instructions_, user_text);
  }
  std::vector<engines::ChatMessage> prompt_for_last() const override { return prompt_with(instructions_, ""); }
  // The session's events say the same with more detail: items are made from those.
  void remember_user(const std::string&, const std::string&) override {}
  void remember_assistant(const std::string&, const std::string&) override {}
  void reopen() override { reopened_ = last_turn_; }
  void keep() override { reopened_.clear(); }
  const dialogue::live::SpeakerPauses& pauses() const override { return pauses_; }
  void add_pause(dialogue::live::Ms pause) override { pauses_.add(pause); }
  void when_written(std::function<void()> then) override { strand_->post(std::move(then)); }

 private:
  std::shared_ptr<runtime::Strand> strand_;
  const PromptLimits limits_;
  std::string instructions_;
  std::list<RealtimeItem> items_;
  std::string last_turn_;
  std::string reopened_;
  dialogue::live::SpeakerPauses pauses_;
};

}  // namespace morgan::services
