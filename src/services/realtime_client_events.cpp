// What a client of /v1/realtime may send.
#include "audio/pcm16.h"
#include "audio/stream_resampler.h"
#include "base/base64.h"
#include "base/ids.h"
#include "services/realtime_fields.h"
#include "services/realtime_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace morgan::services {

namespace {

namespace live = dialogue::live;

constexpr std::uint16_t kUnsupportedData = 1003;
constexpr std::uint16_t kTryLater = 1013;
constexpr int kMostBadMessages = 50;
constexpr std::size_t kSamplesPerMs = audio::kSpeechRate / 1000;
constexpr std::size_t kLeastCommit = 100 * kSamplesPerMs;
constexpr std::size_t kMostBuffer = std::size_t{300} * audio::kSpeechRate;
constexpr std::size_t kMostBeside = 4;

/// Wherever the client may have written it.
std::string event_id_of(const Json& event) {
  const auto id = json_string(event, "event_id");
  return id && *id ? **id : "";
}

Result<const Json*> object_or_empty(const Json& event, std::string_view name) {
  static const Json kEmpty = Json::object();
  MORGAN_TRY(const Json* object, RealtimeFields(event, "").object(name));
  return object == nullptr ? &kEmpty : object;
}

}  // namespace

/// A response that runs beside the conversation.
struct RealtimeSession::Beside {
  std::optional<RealtimeResponse> response;
  std::optional<WireOutput> output;
  std::shared_ptr<live::ReplyRun> run;
  int rate_hz = 0;
  bool cancelled = false;
};

const std::map<std::string, RealtimeSession::Handler, std::less<>>& RealtimeSession::handlers() {
  using Session = RealtimeSession;
  static const std::map<std::string, Handler, std::less<>> kHandlers{
      {"session.update", &Session::update_session},
      {"transcription_session.update", &Session::update_transcription_session},
      {"input_audio_buffer.append", &Session::append_audio},
      {"input_audio_buffer.commit", &Session::commit_audio},
      {"input_audio_buffer.clear", &Session::clear_audio},
      {"conversation.item.create", &Session::create_item},
      {"conversation.item.retrieve", &Session::retrieve_item},
      {"conversation.item.truncate", &Session::truncate_item},
      {"conversation.item.delete", &Session::delete_item},
      {"response.create", &Session::create_response},
      {"response.cancel", &Session::cancel_response},
      {"output_audio_buffer.clear", &Session::clear_output}};
  return kHandlers;
}

void RealtimeSession::handle(const net::WsMessage& message) {
  if (gone_ || ended_ || !session_) return;
  if (message.binary && play_) return hear_packet(message.data);
  std::string event_id;
  Result<void> handled;
  if (message.binary) {
    handled = realtime_error("invalid_event", "events are text; send audio as base64 in input_audio_buffer.append");
  } else if (const auto event = parse_json_object(message.data); !event) {
    handled = realtime_error("invalid_json", event.error().message);
  } else {
    event_id = event_id_of(*event);
    handled = handle_event(*event);
  }
  if (handled) {
    bad_in_a_row_ = 0;
    return;
  }
  complain(handled.error(), event_id);
  if (handled.error().code == ErrorCode::kOverloaded) return end(kTryLater, handled.error().message);
  if (++bad_in_a_row_ >= kMostBadMessages) end(kUnsupportedData, "too many events that are not understood");
}

Result<void> RealtimeSession::handle_event(const Json& event) {
  MORGAN_TRY(const std::string type, RealtimeFields(event, "").required_text("type"));
  const auto handler = handlers().find(type);
  if (handler == handlers().end())
    return realtime_error("invalid_event", "event type '" + type.substr(0, 100) + "' is not known", "type");
  return (this->*handler->second)(event);
}

// --- The session ---------------------------------------------------------------------------------------------------

Result<void> RealtimeSession::update_session(const Json& event) {
  MORGAN_TRY(const Json* session, RealtimeFields(event, "").object("session"));
  if (session == nullptr) return RealtimeFields(event, "").missing("session");
  return apply(*session, "session.updated");
}

Result<void> RealtimeSession::update_transcription_session(const Json& event) {
  MORGAN_TRY(const Json* session, RealtimeFields(event, "").object("session"));
  if (session == nullptr) return RealtimeFields(event, "").missing("session");
  return apply(*session, "transcription_session.updated");
}

Result<void> RealtimeSession::apply(const Json& session, const std::string& confirmed_by) {
  const auto find_voice = [this](const std::string& name) { return live_.find_voice(name); };
  MORGAN_TRY(RealtimeSettings next, merge_session(settings_, session, dialect_, find_voice));
  if (next.transcribes_only != settings_.transcribes_only)
    return realtime_error("invalid_value", "the type of a session cannot change", "session.type");
  if (spoke_ && next.reply.voice.name != settings_.reply.voice.name)
    return realtime_error("cannot_update_voice", "the voice cannot change any more: it has been heard",
                          "session.audio.output.voice");
  next.model = settings_.model;
  const WireFormat format = format_of(next);
  if (!format.same_input(format_of(settings_))) {
    MORGAN_TRY(auto input, WireInput::open(format));
    input_.emplace(std::move(input));
  }
  const bool hands_over = next.client_takes_turns() && !settings_.client_takes_turns();
  settings_ = std::move(next);
  items_->set_instructions(settings_.reply.instructions);
  session_->configure(live_config(settings_));
  if (hands_over) session_->forget_speech();  // from now on the client says what a turn is
  if (!settings_.client_takes_turns()) buffer_ = {};
  send({{"type", confirmed_by}, {"session", session_json(settings_, id_, dialect_)}});
  return {};
}

// --- Audio ---------------------------------------------------------------------------------------------------------

void RealtimeSession::hear_packet(const std::string& packet) {
  std::vector<float> samples;
  if (!packet.empty()) {
    if (auto decoded = input_->decode(packet)) samples = std::move(*decoded);
  }
  // What is damaged is as good as lost.
  if (samples.empty()) samples = input_->conceal();
  const Result<void> heard = hear(samples);
  // A full buffer, which its client has not committed for minutes, takes no more; that is all.
  if (heard || heard.error().code != ErrorCode::kOverloaded) return;
  complain(heard.error(), "");
  end(kTryLater, heard.error().message);
}

Result<void> RealtimeSession::append_audio(const Json& event) {
  if (play_) return realtime_error("invalid_event", "the microphone of a WebRTC call is its track", "type");
  const RealtimeFields fields(event, "");
  MORGAN_TRY(const std::string encoded, fields.required_text("audio"));
  auto bytes = base64_decode(encoded);
  if (!bytes) return fields.invalid("audio", "field 'audio' is not base64");
  MORGAN_TRY(const std::vector<float> samples, input_->decode(*bytes));
  return hear(samples);
}

Result<void> RealtimeSession::hear(const std::vector<float>& samples) {
  if (!stream_) {
    MORGAN_TRY(stream_, live_.open_stream());
  }
  if (!settings_.client_takes_turns()) {
    session_->push_audio(samples);
    return {};
  }
  if (buffer_.size() + samples.size() > kMostBuffer)
    return realtime_error("input_audio_buffer_full", "the buffer holds five minutes; commit or clear it", "audio");
  buffer_.insert(buffer_.end(), samples.begin(), samples.end());
  before_vad_ += samples.size();
  return {};
}

Result<void> RealtimeSession::commit_audio(const Json&) {
  const auto empty = [](std::size_t samples) {
    return realtime_error(
        "input_audio_buffer_commit_empty",
        fmt::format("the buffer has {} ms of audio, a commit needs at least 100 ms", samples / kSamplesPerMs));
  };
  if (!settings_.client_takes_turns()) {
    if (speech_item_.empty()) return empty(0);
    session_->commit();
    return {};
  }
  if (buffer_.size() < kLeastCommit) return empty(buffer_.size());
  std::vector<float> samples = std::exchange(buffer_, {});
  RealtimeItem item;
  item.id = random_id("item_");
  item.role = "user";
  item.content = {{"input_audio", "", false}};
  item.add_audio(samples, audio::kSpeechRate);
  const std::string id = item.id;
  add_user_item(std::move(item));
  transcribe_item(id, std::move(samples), true);
  return {};
}

Result<void> RealtimeSession::clear_audio(const Json&) {
  buffer_ = {};
  session_->forget_speech();
  send({{"type", "input_audio_buffer.cleared"}});
  return {};
}

Result<void> RealtimeSession::clear_output(const Json&) {
  if (!voice_)
    return realtime_error("invalid_event", "output_audio_buffer.clear is for WebRTC; send response.cancel", "type");
  if (response_) session_->cancel();
  voice_->clear();
  return {};
}

// --- Items ---------------------------------------------------------------------------------------------------------

Result<void> RealtimeSession::create_item(const Json& event) {
  const RealtimeFields fields(event, "");
  MORGAN_TRY(const Json* json, fields.object("item"));
  if (json == nullptr) return fields.missing("item");
  MORGAN_TRY(const auto after, fields.text("previous_item_id"));
  MORGAN_TRY(RealtimeItem item, read_item(*json, "item"));
  if (item.id.empty()) item.id = random_id("item_");
  const std::string id = item.id;
  std::vector<float> spoken;
  if (item.role == "user" && item.text().empty()) {
    std::transform(item.audio.begin(), item.audio.end(), std::back_inserter(spoken), audio::from_pcm16);
  }
  MORGAN_TRY(const std::string before, items_->insert(std::move(item), after.value_or("")));
  const RealtimeItem* const kept = items_->find(id);
  if (kept == nullptr) return {};
  const OrderedJson previous = before.empty() ? OrderedJson(nullptr) : OrderedJson(before);
  send({{"type", "conversation.item.added"}, {"previous_item_id", previous}, {"item", item_json(*kept)}});
  send({{"type", "conversation.item.done"}, {"previous_item_id", previous}, {"item", item_json(*kept)}});
  if (spoken.empty()) return {};
  auto resampler = audio::StreamResampler::create(kept->rate_hz, audio::kSpeechRate);
  if (!resampler) return fail(std::move(resampler).error());
  transcribe_item(id, resampler->push(spoken), true);
  return {};
}

Result<void> RealtimeSession::retrieve_item(const Json& event) {
  const RealtimeFields fields(event, "");
  MORGAN_TRY(const std::string id, fields.required_text("item_id"));
  const RealtimeItem* const item = items_->find(id);
  if (item == nullptr) return realtime_error("item_not_found", "there is no item '" + id + "'", "item_id");
  send({{"type", "conversation.item.retrieved"}, {"item", item_json(*item, true)}});
  return {};
}

Result<void> RealtimeSession::truncate_item(const Json& event) {
  const RealtimeFields fields(event, "");
  MORGAN_TRY(const std::string id, fields.required_text("item_id"));
  MORGAN_TRY(const auto index, fields.integer("content_index", 0, 1'000));
  MORGAN_TRY(const auto end_ms, fields.integer("audio_end_ms", 0, 86'400'000));
  if (!end_ms) return fields.missing("audio_end_ms");
  RealtimeItem* const item = items_->find(id);
  if (item == nullptr)
    return realtime_error("item_truncate_invalid_item_id", "there is no item '" + id + "'", "item_id");
  const bool spoken = item->is_assistant() && !item->content.empty() && item->content.front().type == "output_audio";
  if (!spoken)
    return realtime_error("item_truncate_invalid_item_id", "only a spoken answer can be truncated", "item_id");
  if (index.value_or(0) != 0) return fields.invalid("content_index", "a spoken answer has one part, number 0");
  const auto rate = static_cast<long long>(std::max(1, item->rate_hz));
  const auto samples = static_cast<std::size_t>(*end_ms * rate / 1'000);
  // The client counts at its own rate: rounding is no error.
  if (samples > item->audio_samples + static_cast<std::size_t>(rate) / 20) {
    return fields.invalid("audio_end_ms", fmt::format("the audio of this item has {} ms",
                                                      item->audio_samples * 1'000 / static_cast<std::size_t>(rate)));
  }
  std::string heard;
  for (const live::HeardWord& word : item->words) {
    if ((word.begin_sample + word.end_sample) / 2 > samples) break;
    heard += (heard.empty() ? "" : " ") + word.text;
  }
  item->content.front().text = heard;
  item->audio.resize(std::min(item->audio.size(), samples));
  item->truncated = true;
  send({{"type", "conversation.item.truncated"}, {"item_id", id}, {"content_index", 0}, {"audio_end_ms", *end_ms}});
  return {};
}

Result<void> RealtimeSession::delete_item(const Json& event) {
  MORGAN_TRY(const std::string id, RealtimeFields(event, "").required_text("item_id"));
  if (!items_->erase(id)) return realtime_error("item_not_found", "there is no item '" + id + "'", "item_id");
  send({{"type", "conversation.item.deleted"}, {"item_id", id}});
  return {};
}

// --- Responses -----------------------------------------------------------------------------------------------------

/// What the model is to read instead of the whole conversation; null: nothing else.
Result<std::function<std::vector<engines::ChatMessage>(const std::string&)>> RealtimeSession::prompt_of(
    const Json& response, const RealtimeReply& reply) {
  using Prompt = std::function<std::vector<engines::ChatMessage>(const std::string&)>;
  const RealtimeFields fields(response, "response");
  MORGAN_TRY(const Json* input, fields.list("input"));
  if (input == nullptr) {
    return Prompt([items = items_, instructions = reply.instructions](const std::string& user_text) {
      return items->prompt_with(instructions, user_text);
    });
  }
  auto chosen = std::make_shared<std::vector<RealtimeItem>>();  // by the prompt alone
  for (std::size_t i = 0; i < input->size(); ++i) {
    const std::string place = "response.input[" + std::to_string(i) + "]";
    const Json& entry = (*input)[i];
    if (!entry.is_object()) return fields.wrong_type("input[" + std::to_string(i) + "]", "an object");
    if (entry.value("type", Json()) != "item_reference") {
      MORGAN_TRY(RealtimeItem item, read_item(entry, place));
      chosen->push_back(std::move(item));
      continue;
    }
    MORGAN_TRY(const std::string id, RealtimeFields(entry, place).required_text("id"));
    const RealtimeItem* const item = items_->find(id);
    if (item == nullptr) return realtime_error("item_not_found", "there is no item '" + id + "'", place + ".id");
    chosen->push_back(*item);
  }
  return Prompt([chosen, instructions = reply.instructions](const std::string& user_text) {
    std::vector<const RealtimeItem*> items;
    for (const RealtimeItem& item : *chosen)
      items.push_back(&item);
    auto messages = RealtimeItems::prompt_of(instructions, items);
    if (!user_text.empty()) messages.push_back({"user", user_text});
    return messages;
  });
}

Result<void> RealtimeSession::create_response(const Json& event) {
  MORGAN_TRY(const Json* response, object_or_empty(event, "response"));
  if (settings_.transcribes_only)
    return realtime_error("invalid_event", "a transcription session makes no responses", "type");
  const RealtimeFields fields(*response, "response");
  const auto find_voice = [this](const std::string& name) { return live_.find_voice(name); };
  RealtimeResponseSpec spec = own_spec();
  MORGAN_TRY(spec.reply, merge_response(settings_.reply, *response, dialect_, find_voice));
  MORGAN_TRY(const Json* metadata, fields.object("metadata"));
  if (metadata != nullptr) spec.metadata = *metadata;
  MORGAN_TRY(const auto conversation, fields.word("conversation", {"auto", "none"}));
  live::LiveAsk ask = ask_for(spec.reply);
  MORGAN_TRY(ask.prompt, prompt_of(*response, spec.reply));
  if (conversation == "none") {
    spec.conversation_id.clear();
    return respond_beside(std::move(spec), std::move(ask));
  }
  if (session_->answering())
    return realtime_error("conversation_already_has_active_response",
                          "response.create: the conversation has an active response already; wait until it is done");
  asked_ = std::move(spec);
  session_->respond(std::move(ask));
  return {};
}

Result<void> RealtimeSession::respond_beside(RealtimeResponseSpec spec, live::LiveAsk ask) {
  if (beside_.size() >= kMostBeside)
    return realtime_error("conversation_already_has_active_response",
                          "response.create: four responses run beside the conversation already");
  auto beside = std::make_shared<Beside>();
  WireFormat format = wire_format(settings_);
  format.output = spec.reply.output.codec;
  format.output_rate_hz = spec.reply.output.rate_hz;
  beside->rate_hz = ask.voice.sample_rate_hz;
  MORGAN_TRY(auto output, WireOutput::open(format, beside->rate_hz));
  beside->output.emplace(std::move(output));
  beside->response.emplace([this](OrderedJson sent) { send(std::move(sent)); }, nullptr, std::move(spec));
  const std::string id = beside->response->id();
  beside_.emplace(id, beside);
  // Weak: the run lives in what it calls.
  const auto with = [weak = std::weak_ptr<Beside>(beside), alive = weak_from_this()](auto call) {
    const auto self = alive.lock();
    const auto of = weak.lock();
    if (self && of && !self->gone_) call(*self, *of);
  };
  live::ReplySink sink;
  sink.on_text = [with](const std::string& delta) {
    with([&](RealtimeSession&, Beside& of) { of.response->add_text(delta); });
  };
  sink.on_audio = [with](std::vector<float> samples, const std::vector<engines::SpokenWord>&) {
    with([&](RealtimeSession&, Beside& of) {
      const std::size_t count = samples.size();
      for (const net::WsMessage& message : of.output->encode({0, of.rate_hz, {std::move(samples), 0, {}}}))
        of.response->add_audio(message.data);
      if (of.run) of.run->consumed(count);
    });
  };
  sink.on_done = [with, id](const Result<live::ReplySummary>& made) {
    with([&](RealtimeSession& self, Beside& of) {
      RealtimeOutcome outcome{"completed", ""};
      if (of.cancelled) {
        outcome = {"cancelled", "client_cancelled"};
      } else if (!made) {
        outcome = {"failed", "", made.error()};
      } else {
        outcome.usage = made->usage;
        if (made->cut) outcome.status = "incomplete", outcome.reason = "max_output_tokens";
        if (of.response->spec().reply.speak) {
          for (const net::WsMessage& message : of.output->finish(0))
            of.response->add_audio(message.data);
        }
        for (const engines::ToolCall& call : made->tool_calls)
          of.response->add_call(call);
      }
      of.response->finish(outcome, "");
      self.beside_.erase(id);
    });
  };
  session_->when_transcribed([this, beside, sink = std::move(sink), ask = std::move(ask)]() mutable {
    auto run = session_->reply_beside(std::move(ask), sink);
    if (run) {
      beside->run = std::move(*run);
    } else {
      sink.on_done(fail(run.error()));
    }
  });
  return {};
}

void RealtimeSession::end_beside() {
  for (const auto& [id, beside] : std::exchange(beside_, {})) {
    if (beside->run) beside->run->cancel();
  }
}

Result<void> RealtimeSession::cancel_response(const Json& event) {
  MORGAN_TRY(const auto id, RealtimeFields(event, "").text("response_id"));
  if (id) {
    if (const auto beside = beside_.find(*id); beside != beside_.end()) {
      beside->second->cancelled = true;
      if (beside->second->run) beside->second->run->cancel();
      return {};
    }
  }
  const bool active = response_ || asked_;
  if (!active || (id && (!response_ || *id != response_->id())))
    return realtime_error("response_cancel_not_active", "response.cancel: no such response is active");
  session_->cancel();
  if (!asked_) return {};
  // It waited for the end of a turn: it begins and ends here, so that each response.create has its response.done.
  RealtimeResponse never([this](OrderedJson sent) { send(std::move(sent)); }, items_.get(), std::move(*asked_));
  asked_.reset();
  never.finish({"cancelled", "client_cancelled"}, "");
  return {};
}

}  // namespace morgan::services
