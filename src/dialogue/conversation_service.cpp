#include "dialogue/conversation_service.h"

#include "base/json_util.h"
#include "base/log.h"
#include "base/strings.h"
#include "dialogue/prompt.h"
#include "dialogue/speaking_thread.h"
#include "dialogue/user_gate.h"
#include "text/sentence_splitter.h"

#include <chrono>
#include <utility>

namespace morgan::dialogue {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxUserIdBytes = 256;

struct Parts {
  const DialogueOptions& options;
  engines::SttEngine* stt;
  engines::LlmEngine& llm;
  engines::TtsEngine* tts;
  stores::ConversationStore& store;
  UserMemories* memories;
  tools::ToolAgent* tools;
};

Failure bad_field(const char* field, const char* message) {
  return fail({ErrorCode::kInvalidArgument, message, "", field});
}

Result<void> check(const TurnRequest& request, const engines::SttEngine* stt) {
  if (request.user_id.empty()) return bad_field("user_id", "user_id is empty");
  if (request.user_id.size() > kMaxUserIdBytes) return bad_field("user_id", "user_id is longer than 256 bytes");
  if (!is_valid_utf8(request.user_id)) return bad_field("user_id", "user_id is not valid UTF-8");
  if (request.heard) return {};
  if (request.speech) {
    if (stt == nullptr) return fail(ErrorCode::kUnavailable, "no speech recognition is loaded; send text instead");
    return {};
  }
  if (trim(request.text).empty()) return bad_field("text", "there is neither text nor speech to answer");
  if (!is_valid_utf8(request.text)) return bad_field("text", "the text is not valid UTF-8");
  return {};
}

/// One turn of one user, from hearing to the last sample. Lives on the caller's stack.
class Turn {
 public:
  Turn(const Parts& parts, const TurnRequest& request, const TurnObserver& observer, const StopToken& stop)
      : parts_(parts), request_(request), observer_(observer), stop_(stop) {}

  Result<TurnResult> run() {
    result_.model = parts_.llm.model_name();
    if (stop_.stop_requested()) return fail(stop_.error());
    MORGAN_CHECK_OK(listen());
    if (result_.heard_nothing) return finished();
    recollect();
    MORGAN_TRY(auto prompt, remember_question());
    start_speaking();
    MORGAN_TRY(const bool answered, use_tools(prompt));
    MORGAN_CHECK_OK(answered ? end_writing() : answer(prompt));
    MORGAN_CHECK_OK(end_speaking());
    return finished();
  }

 private:
  double elapsed_ms() const { return std::chrono::duration<double, std::milli>(Clock::now() - start_).count(); }

  TurnResult finished() {
    result_.timings.total_ms = elapsed_ms();
    return std::move(result_);
  }

  /// Sets user_text_, or heard_nothing.
  Result<void> listen() {
    if (!request_.speech && !request_.heard) {
      user_text_ = request_.text;
      return {};
    }
    if (request_.heard) {
      result_.transcript = request_.heard;
    } else {
      engines::SttRequest stt_request;
      stt_request.language = request_.language;
      stt_request.priority = engines::SttPriority::kLive;
      MORGAN_TRY(result_.transcript, parts_.stt->transcribe(*request_.speech, stt_request, stop_));
    }
    result_.timings.transcript_ms = elapsed_ms();
    if (observer_.on_transcript) observer_.on_transcript(*result_.transcript);
    user_text_ = trim(result_.transcript->text);
    result_.heard_nothing = user_text_.empty();
    return {};
  }

  /// Without memory the turn goes on: a wrong answer is better than none.
  void recollect() {
    if (parts_.memories == nullptr) return;
    auto recollection = parts_.memories->recollect(request_.user_id, user_text_, stop_);
    if (recollection) {
      recollection_ = std::move(*recollection);
    } else if (!stop_.stop_requested()) {
      log::warn("dialogue", "memory could not be asked", {{"why", recollection.error().message}});
    }
  }

  /// Does what was said about the memory, now that it is stored.
  void carry_out() {
    if (recollection_.answer.empty()) return;
    const auto done = parts_.memories->carry_out(request_.user_id, user_text_, "", stop_);
    if (done) return;
    log::warn("dialogue", "what is remembered could not be changed", {{"why", done.error().message}});
    recollection_.answer = "I am sorry, my memory does not work at the moment.";
  }

  /// Stores what the user said, before anything is made of it. @return the prompt
  Result<std::vector<engines::ChatMessage>> remember_question() {
    Json metadata = Json::object();
    if (result_.transcript) metadata = {{"spoken", true}, {"language", result_.transcript->language}};
    if (!recollection_.facts.empty()) metadata["recalled"] = recollection_.facts;
    MORGAN_TRY(const auto conversation,
               parts_.store.append(request_.user_id, {{"user", user_text_, "", 0, dump_json(metadata)}}));
    result_.conversation_id = conversation.conversation_id;
    if (conversation.message_count == 1 && parts_.options.on_conversation) {
      parts_.options.on_conversation(request_.user_id, result_.transcript ? result_.transcript->language : "");
    }
    carry_out();
    const int window = std::max(0, parts_.options.max_history_messages);
    MORGAN_TRY(const auto history, parts_.store.recent(request_.user_id, window + 1));
    const int context = parts_.llm.context_tokens();
    const PromptOptions options{parts_.options.system_prompt, window,
                                context > 0 ? std::max(1, context - parts_.options.max_tokens) : 0};
    return build_prompt(options, history, conversation.message_count, with_facts(user_text_, recollection_.facts));
  }

  /// An unusable voice is an audio_error: the text is still worth having.
  void start_speaking() {
    if (!request_.speak) return;
    if (parts_.tts == nullptr) {
      result_.audio_error = Error{ErrorCode::kUnavailable, "no speech synthesis is loaded"};
      return;
    }
    const auto voice = parts_.tts->find_voice(request_.voice);
    if (!voice) {
      result_.audio_error = voice.error();
      return;
    }
    result_.voice = voice->name;
    if (voice->sample_rate_hz > 0) result_.audio.rate_hz = voice->sample_rate_hz;
    const auto on_audio = [this](std::span<const float> samples) {
      if (result_.timings.first_audio_ms < 0) result_.timings.first_audio_ms = elapsed_ms();
      return !observer_.on_audio || observer_.on_audio(samples, result_.audio.rate_hz);
    };
    speaking_.emplace(*parts_.tts, voice->name, request_.speed, on_audio, stop_);
  }

  /// Takes a piece from the model. False: nobody wants more.
  bool take_text(std::string_view piece) {
    if (piece.empty()) return !refused_;
    if (result_.timings.first_token_ms < 0) result_.timings.first_token_ms = elapsed_ms();
    written_ += piece;
    if (observer_.on_text && !observer_.on_text(piece)) refused_ = true;
    if (speaking_) {
      for (auto& sentence : splitter_.push(piece))
        speaking_->push(std::move(sentence));
      if (speaking_->refused()) refused_ = true;
    }
    return !refused_;
  }

  Result<engines::ChatReply> ask(const std::vector<engines::ChatMessage>& prompt) {
    if (!recollection_.answer.empty()) return engines::ChatReply{recollection_.answer, "stop", {}, {}};
    engines::ChatRequest request;
    request.messages = prompt;
    request.max_tokens = parts_.options.max_tokens;
    request.temperature = parts_.options.temperature;
    return parts_.llm.chat(request, [this](std::string_view piece) { return take_text(piece); }, stop_);
  }

  /// @return true: what is said of them is the whole answer; false: the model answers, to a prompt that may have grown
  Result<bool> use_tools(std::vector<engines::ChatMessage>& prompt) {
    if (parts_.tools == nullptr || !recollection_.answer.empty()) return false;
    using Kind = tools::ToolPlan::Kind;
    const tools::ToolPlan plan = parts_.tools->plan(request_.user_id, user_text_);
    if (plan.kind == Kind::kTalk || plan.kind == Kind::kMaybe) parts_.tools->talked(request_.user_id);
    MORGAN_TRY(const tools::ToolAnswer answer, parts_.tools->carry_out(plan, request_.user_id, user_text_, stop_));
    for (const tools::ToolCall& call : answer.calls)
      result_.tools.push_back(call.tool);
    prompt.back().content += answer.data;
    take_text(answer.spoken);
    return !answer.spoken.empty();
  }

  /// Lets the model write and stores the answer, or as much of it as there is.
  Result<void> answer(const std::vector<engines::ChatMessage>& prompt) {
    auto reply = ask(prompt);
    if (!reply && reply.error().code == ErrorCode::kInvalidArgument && written_.empty()) {
      // Most likely too long, by a model whose context is not known or whose tokens are short: without the history.
      const PromptOptions only_system{parts_.options.system_prompt, 0, 0};
      const auto short_prompt = build_prompt(only_system, {}, 1, user_text_);
      const bool shorter =
          short_prompt.size() < prompt.size() || short_prompt.back().content.size() < prompt.back().content.size();
      if (shorter) reply = ask(short_prompt);
    }
    if (reply && written_.empty() && !refused_)
      take_text(reply->text);  // of memory, or an upstream that does not stream
    if (!reply) {
      MORGAN_CHECK_OK(remember_answer(Interrupted::kYes));
      return fail(std::move(reply).error());
    }
    result_.usage = reply->usage;
    return end_writing();
  }

  /// All of the answer is there: stores it.
  Result<void> end_writing() {
    if (refused_) {
      MORGAN_CHECK_OK(remember_answer(Interrupted::kYes));
      return fail(ErrorCode::kCancelled, "the turn was cancelled");
    }
    result_.timings.text_done_ms = elapsed_ms();
    if (trim(written_).empty()) return fail(ErrorCode::kUnavailable, "the language model gave an empty answer");
    if (speaking_) {
      for (auto& sentence : splitter_.finish())
        speaking_->push(std::move(sentence));
    }
    // While the speaking goes on.
    return remember_answer(Interrupted::kNo);
  }

  enum class Interrupted { kNo, kYes };

  Result<void> remember_answer(Interrupted interrupted) {
    result_.answer = trim(written_);
    if (result_.answer.empty()) return {};
    Json metadata{{"model", result_.model}};
    if (!result_.tools.empty()) metadata["tools"] = result_.tools;
    if (interrupted == Interrupted::kYes) metadata["interrupted"] = true;
    MORGAN_CHECK_OK(parts_.store.append(request_.user_id, {{"assistant", result_.answer, "", 0, dump_json(metadata)}}));
    return {};
  }

  Result<void> end_speaking() {
    if (!speaking_) return {};
    auto outcome = speaking_->finish();
    const bool refused = speaking_->refused();
    speaking_.reset();
    if (refused) return fail(ErrorCode::kCancelled, "the turn was cancelled");
    if (outcome.error && stop_.stop_requested()) return fail(stop_.error());
    result_.audio.samples = std::move(outcome.samples);
    result_.audio_error = std::move(outcome.error);
    if (result_.audio_error) {
      log::warn("dialogue", "speech failed, the text stands", {{"reason", result_.audio_error->message}});
    }
    return {};
  }

  const Parts& parts_;
  const TurnRequest& request_;
  const TurnObserver& observer_;
  const StopToken& stop_;
  const Clock::time_point start_ = Clock::now();
  TurnResult result_;  // the speaking thread writes first_audio_ms, which is read after it has ended
  std::string user_text_;
  Recollection recollection_;
  std::string written_;
  bool refused_ = false;
  text::StreamingSplitter splitter_;
  std::optional<SpeakingThread> speaking_;  // last: its end comes before that of what it uses
};

void record(Metrics& metrics, const TurnTimings& timings) {
  const std::pair<const char*, double> stages[] = {{"transcript", timings.transcript_ms},
                                                   {"first_token", timings.first_token_ms},
                                                   {"first_audio", timings.first_audio_ms},
                                                   {"text_done", timings.text_done_ms},
                                                   {"total", timings.total_ms}};
  for (const auto& [stage, milliseconds] : stages) {
    if (milliseconds >= 0)
      metrics.observe_seconds("morgan_turn_stage_seconds", {{"stage", stage}}, milliseconds / 1000);
  }
}

}  // namespace

struct ConversationService::State {
  UserGate gate;
};

ConversationService::ConversationService(DialogueOptions options, engines::SttEngine* stt, engines::LlmEngine* llm,
                                         engines::TtsEngine* tts, stores::ConversationStore* store, Metrics* metrics,
                                         UserMemories* memories, tools::ToolAgent* tools)
    : options_(std::move(options)),
      stt_(stt),
      llm_(llm),
      tts_(tts),
      store_(store),
      metrics_(metrics),
      memories_(memories),
      tools_(tools),
      state_(std::make_unique<State>()) {}

ConversationService::~ConversationService() = default;

Result<TurnResult> ConversationService::run(const TurnRequest& request, const TurnObserver& observer,
                                            const StopToken& stop) {
  const auto attempt = [&]() -> Result<TurnResult> {
    MORGAN_CHECK_OK(check(request, stt_));
    MORGAN_TRY(const UserGate::Pass pass, state_->gate.enter(request.user_id, stop));
    const Parts parts{options_, stt_, *llm_, tts_, *store_, memories_, tools_};
    Turn turn(parts, request, observer, stop);
    return turn.run();
  };
  auto result = attempt();
  std::string outcome = "answered";
  if (!result) {
    outcome = to_string(result.error().code);
  } else {
    if (result->heard_nothing) outcome = "heard_nothing";
    record(*metrics_, result->timings);
  }
  metrics_->count("morgan_turns_total", {{"outcome", outcome}});
  return result;
}

Result<void> ConversationService::warm_up() {
  if (options_.system_prompt.empty()) return {};
  return llm_->prefill({{"system", options_.system_prompt}}, {});
}

}  // namespace morgan::dialogue
