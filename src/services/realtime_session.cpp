#include "services/realtime_session.h"

#include "base/ids.h"
#include "base/log.h"
#include "services/realtime_beta.h"

#include <ctime>
#include <utility>

namespace morgan::services {

namespace {

namespace live = dialogue::live;

constexpr std::uint16_t kGoingAway = 1001;
constexpr std::uint16_t kPolicy = 1008;
constexpr std::uint16_t kTryLater = 1013;
constexpr std::size_t kSamplesPerMs = audio::kSpeechRate / 1000;
/// What stands before the first voiced sample belongs to the word, as the listener has it.
constexpr long long kPaddingMs = 300;

}  // namespace

RealtimeSession::RealtimeSession(live::LiveService& service, std::shared_ptr<net::WsPeer> peer, RealtimeStart start)
    : live_(service),
      peer_(std::move(peer)),
      strand_(service.make_strand()),
      dialect_(start.dialect),
      id_(random_id("sess_")),
      conversation_id_(random_id("conv_")),
      play_(std::move(start.play)),
      settings_(std::move(start.settings)) {}

void RealtimeSession::begin() {
  strand_->post([self = shared_from_this()] {
    auto input = WireInput::open(self->format_of(self->settings_));
    self->items_ = std::make_shared<RealtimeItems>(
        self->strand_, PromptLimits{self->live_.context_tokens(), self->live_.dialogue().max_tokens});
    self->items_->set_instructions(self->settings_.reply.instructions);
    auto session = self->live_.open(self->strand_, live_config(self->settings_), self->id_, self.get(), self->items_);
    if (!input || !session) {
      self->complain(input ? session.error() : input.error(), "");
      return self->end(kTryLater, "no more conversations are taken");
    }
    self->input_.emplace(std::move(*input));
    self->session_ = std::move(*session);
    self->self_ = self;
    if (self->play_) self->open_voice();
    // A limit as OpenAI has one, but a day: nothing here needs it, and clients plan with it.
    const Error expired{ErrorCode::kCancelled, "the session has lasted as long as one may; open another",
                        "session_expired"};
    const auto left = std::chrono::seconds(self->settings_.expires_at - std::time(nullptr));
    self->expiry_ = self->strand_->post_at(self->strand_->now() + left, [weak = self->weak_from_this(), expired] {
      const auto alive = weak.lock();
      if (!alive || alive->ended_ || alive->gone_) return;
      alive->complain(expired, "");
      alive->end(kGoingAway, "session_expired");
    });
    const bool transcribes = self->settings_.transcribes_only && self->dialect_ == RealtimeDialect::kBeta;
    self->send({{"type", transcribes ? "transcription_session.created" : "session.created"},
                {"session", session_json(self->settings_, self->id_, self->dialect_)}});
    if (self->dialect_ == RealtimeDialect::kBeta && !transcribes)
      self->send({{"type", "conversation.created"},
                  {"conversation", {{"id", self->conversation_id_}, {"object", "realtime.conversation"}}}});
  });
}

bool RealtimeSession::on_message(net::WsMessage message) {
  return inbox_.take(std::move(message),
                     [self = shared_from_this()](const net::WsMessage& taken) { self->handle(taken); });
}

void RealtimeSession::on_stopping() {
  strand_->post([self = shared_from_this()] { self->end(kGoingAway, "the server is stopping"); });
}

void RealtimeSession::open_voice() {
  auto voice = RealtimeVoice::open(strand_, play_, [this](OrderedJson event) { send(std::move(event)); });
  if (!voice) return complain(voice.error(), "");
  voice_ = std::move(*voice);
  voice_->start();
}

void RealtimeSession::on_gone() {
  strand_->post([self = shared_from_this()] {
    self->gone_ = true;
    self->voice_.reset();
    if (self->session_) self->session_->gone();
  });
}

// --- To the client -------------------------------------------------------------------------------------------------

void RealtimeSession::send(OrderedJson event) {
  if (gone_) return;
  OrderedJson named{{"event_id", random_id("event_")}};
  if (dialect_ == RealtimeDialect::kBeta) {
    auto known = beta_event(std::move(event));
    if (!known) return;
    named.update(*known);
  } else {
    named.update(event);
  }
  if (peer_->send({false, dump_json(named)})) return;
  if (ended_) return;
  log::info("core", "a client reads too slowly", {{"session", id_}});
  ended_ = gone_ = true;
  peer_->close(kPolicy, "you read too slowly; the answer was cut short");
  strand_->post([self = shared_from_this()] {
    if (self->session_) self->session_->gone();
  });
}

void RealtimeSession::complain(const Error& error, const std::string& event_id) {
  const bool theirs = error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kNotFound ||
                      error.code == ErrorCode::kConflict || error.code == ErrorCode::kTooLarge;
  const auto text_or_null = [](const std::string& text) { return text.empty() ? OrderedJson() : OrderedJson(text); };
  send({{"type", "error"},
        {"error",
         {{"type", theirs ? "invalid_request_error" : "server_error"},
          {"code", error.reason.empty() ? std::string(to_string(error.code)) : error.reason},
          {"message", error.message},
          {"param", text_or_null(error.param)},
          {"event_id", text_or_null(event_id)}}}});
}

void RealtimeSession::end(std::uint16_t code, std::string reason) {
  if (std::exchange(ended_, true)) return;
  close_code_ = code;
  close_reason_ = std::move(reason);
  if (session_) {
    session_->shut_down();
  } else {
    on_closed();
  }
}

void RealtimeSession::on_error(const Error& error) {
  complain(error, "");
}

void RealtimeSession::on_closed() {
  if (!gone_) peer_->close(close_code_, close_reason_);
  if (expiry_ != 0) strand_->cancel(expiry_);
  end_beside();
  voice_.reset();
  session_.reset();
  stream_.reset();
  self_.reset();
}

// --- What is heard -------------------------------------------------------------------------------------------------

long long RealtimeSession::ms_of(std::size_t sample) const {
  return static_cast<long long>((sample + before_vad_) / kSamplesPerMs);
}

void RealtimeSession::on_speech(std::size_t sample) {
  if (!speech_item_.empty()) return;
  speech_item_ = random_id("item_");
  send({{"type", "input_audio_buffer.speech_started"},
        {"audio_start_ms", std::max(0LL, ms_of(sample) - kPaddingMs)},
        {"item_id", speech_item_}});
}

void RealtimeSession::on_spoken(const live::SpokenTurn& turn) {
  if (speech_item_.empty()) return;
  RealtimeItem item;
  item.id = std::exchange(speech_item_, {});
  send({{"type", "input_audio_buffer.speech_stopped"}, {"audio_end_ms", ms_of(turn.end_sample)}, {"item_id", item.id}});
  if (turn.heard == nullptr && turn.error == nullptr) return;  // there was nothing in it
  // They went on with what had been committed: this turn has all of it.
  if (const std::string reopened = items_->take_reopened(); !reopened.empty()) delete_quietly(reopened);
  item.role = "user";
  item.content = {{"input_audio", turn.heard == nullptr ? "" : turn.heard->text, false}};
  item.add_audio(turn.audio, audio::kSpeechRate);
  const std::string id = item.id;
  const double seconds = static_cast<double>(turn.audio.size()) / audio::kSpeechRate;
  add_user_item(std::move(item));
  items_->set_last_turn(id);
  if (turn.heard != nullptr) {
    tell_transcript(id, *turn.heard, seconds);
  } else {
    tell_transcript(id, fail(*turn.error), seconds);
  }
}

void RealtimeSession::delete_quietly(const std::string& id) {
  if (items_->erase(id)) send({{"type", "conversation.item.deleted"}, {"item_id", id}});
}

void RealtimeSession::add_user_item(RealtimeItem item) {
  const std::string id = item.id;
  const auto before = items_->insert(std::move(item));
  OrderedJson previous = nullptr;
  if (before && !before->empty()) previous = *before;
  send({{"type", "input_audio_buffer.committed"}, {"previous_item_id", previous}, {"item_id", id}});
  RealtimeItem* const kept = items_->find(id);
  if (kept == nullptr) return;
  send({{"type", "conversation.item.added"}, {"previous_item_id", previous}, {"item", item_json(*kept)}});
  send({{"type", "conversation.item.done"}, {"previous_item_id", previous}, {"item", item_json(*kept)}});
}

void RealtimeSession::tell_transcript(const std::string& id, const Result<engines::Hypothesis>& heard, double seconds) {
  if (settings_.transcription.is_null()) return;
  if (!heard) {
    send({{"type", "conversation.item.input_audio_transcription.failed"},
          {"item_id", id},
          {"content_index", 0},
          {"error",
           {{"type", "transcription_error"},
            {"code", to_string(heard.error().code)},
            {"message", heard.error().message},
            {"param", nullptr}}}});
    return;
  }
  if (RealtimeItem* item = items_->find(id)) item->content.front().told = true;
  if (!heard->text.empty()) {
    send({{"type", "conversation.item.input_audio_transcription.delta"},
          {"item_id", id},
          {"content_index", 0},
          {"delta", heard->text}});
  }
  send({{"type", "conversation.item.input_audio_transcription.completed"},
        {"item_id", id},
        {"content_index", 0},
        {"transcript", heard->text},
        {"usage", {{"type", "duration"}, {"seconds", seconds}}}});
}

void RealtimeSession::transcribe_item(const std::string& id, std::vector<float> samples, bool announced) {
  const double seconds = static_cast<double>(samples.size()) / audio::kSpeechRate;
  session_->transcribe(std::move(samples), [this, id, seconds, announced](Result<engines::Hypothesis> heard) {
    if (RealtimeItem* item = items_->find(id); item != nullptr && heard) {
      for (RealtimePart& part : item->content) {
        if (part.type == "input_audio" && part.text.empty()) part.text = heard->text;
      }
    }
    if (announced) tell_transcript(id, heard, seconds);
  });
}

void RealtimeSession::on_idle() {
  const std::string item = random_id("item_");
  const long long now = ms_of(session_->samples_heard());
  const long long waited = settings_.turns.idle_timeout_ms.value_or(0);
  send({{"type", "input_audio_buffer.timeout_triggered"},
        {"audio_start_ms", std::max(0LL, now - waited)},
        {"audio_end_ms", now},
        {"item_id", item}});
  RealtimeItem silence;
  silence.id = item;
  silence.role = "user";
  silence.content = {{"input_audio", "", false}};
  add_user_item(std::move(silence));
  if (live_config(settings_).answer_turns) session_->respond(ask_for(settings_.reply));
}

// --- What is answered ----------------------------------------------------------------------------------------------

WireFormat RealtimeSession::format_of(const RealtimeSettings& settings) const {
  WireFormat format = wire_format(settings);
  if (play_) format.input = WireCodec::kOpus;
  return format;
}

RealtimeResponseSpec RealtimeSession::own_spec() const {
  return {settings_.reply, nullptr, conversation_id_};
}

live::LiveAsk RealtimeSession::ask_for(const RealtimeReply& reply) const {
  live::LiveAsk ask;
  ask.reply = reply_style(reply);
  ask.voice = reply.voice;
  ask.speed = settings_.speed;
  return ask;
}

void RealtimeSession::on_response_start(std::int64_t, std::int64_t, int rate_hz, bool) {
  RealtimeResponseSpec spec = asked_ ? std::move(*asked_) : own_spec();
  asked_.reset();
  WireFormat format = wire_format(settings_);
  format.output = spec.reply.output.codec;
  format.output_rate_hz = spec.reply.output.rate_hz;
  output_.reset();
  if (!voice_) {
    if (auto output = WireOutput::open(format, rate_hz)) output_.emplace(std::move(*output));
  }
  summary_.reset();
  reply_error_.reset();
  response_samples_ = 0;
  response_.emplace([this](OrderedJson event) { send(std::move(event)); }, items_.get(), std::move(spec));
  if (voice_) voice_->begin(response_->id(), rate_hz);
}

void RealtimeSession::on_hold(std::int64_t, std::size_t) {
  if (voice_) voice_->hold();
}

void RealtimeSession::on_resume(std::int64_t, std::size_t) {
  if (voice_) voice_->resume();
}

void RealtimeSession::on_response_text(std::int64_t, const std::string&, const std::string& delta, bool) {
  if (response_) response_->add_text(delta);
}

void RealtimeSession::on_audio(const live::AudioOut& audio) {
  if (!response_ || (!output_ && !voice_)) return;
  spoke_ = true;
  if (voice_) {
    response_->begin_message();
    voice_->add(audio.chunk.samples);
  } else {
    for (const net::WsMessage& message : output_->encode(audio))
      response_->add_audio(message.data);
  }
  response_samples_ += audio.chunk.samples.size();
  RealtimeItem* const item = response_->message();
  if (item == nullptr) return;
  item->add_audio(audio.chunk.samples, audio.rate_hz);
  item->words.insert(item->words.end(), audio.chunk.words.begin(), audio.chunk.words.end());
}

void RealtimeSession::on_response_facts(std::int64_t, const live::ReplyFacts& facts) {
  if (facts.summary != nullptr) summary_ = *facts.summary;
  if (facts.error != nullptr) reply_error_ = *facts.error;
}

void RealtimeSession::on_response_end(std::int64_t, live::ReplyEnd end, const std::string& heard) {
  if (!response_) return;
  RealtimeOutcome outcome;
  if (summary_) outcome.usage = summary_->usage;
  switch (end) {
    case live::ReplyEnd::kCompleted:
      outcome.status = summary_ && summary_->cut ? "incomplete" : "completed";
      if (outcome.status == "incomplete") outcome.reason = "max_output_tokens";
      if (output_ && response_samples_ > 0) {
        for (const net::WsMessage& message : output_->finish(0))
          response_->add_audio(message.data);
      }
      if (summary_) {
        for (const engines::ToolCall& call : summary_->tool_calls)
          response_->add_call(call);
      }
      break;
    case live::ReplyEnd::kInterrupted:
    case live::ReplyEnd::kReopened:
      outcome.status = "cancelled";
      outcome.reason = "turn_detected";
      break;
    case live::ReplyEnd::kCancelled:
      outcome.status = "cancelled";
      outcome.reason = "client_cancelled";
      break;
    case live::ReplyEnd::kFailed:
      outcome.status = "failed";
      outcome.error = reply_error_.value_or(Error{ErrorCode::kDeadlineExceeded, "the answer took too long"});
      break;
  }
  const std::string message = response_->item_id();
  if (voice_ && (end == live::ReplyEnd::kCompleted || end == live::ReplyEnd::kFailed)) {
    voice_->finish();
  } else if (voice_) {
    voice_->clear();
  }
  response_->finish(outcome, heard);
  response_.reset();
  // Nothing of it was heard, and it answered half a sentence.
  if (end == live::ReplyEnd::kReopened && !message.empty()) delete_quietly(message);
  items_->trim_audio();
}

}  // namespace morgan::services
