#include "services/live_socket.h"

#include "base/base64.h"
#include "base/ids.h"
#include "base/json_util.h"
#include "base/log.h"
#include "base/strings.h"
#include "services/fields.h"
#include "services/live_messages.h"
#include "services/live_wire.h"
#include "services/strand_inbox.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace morgan::services {

namespace {

namespace live = dialogue::live;

/// Messages that may wait for the strand before the socket is not read any more.
/// Of the answer, unread by the client: at 22 kHz about 12 s. Who is so far behind does not listen.
constexpr std::size_t kMostUnsent = 512U << 10U;
constexpr int kMostBadMessages = 20;
constexpr std::size_t kMostTextChars = 20'000;
constexpr double kMinSpeed = 0.25;
constexpr double kMaxSpeed = 4.0;

constexpr std::uint16_t kNormal = 1000;
constexpr std::uint16_t kGoingAway = 1001;
constexpr std::uint16_t kUnsupportedData = 1003;
constexpr std::uint16_t kPolicy = 1008;
constexpr std::uint16_t kTryLater = 1013;

// One client of /ws/audio. The I/O thread calls the net::WsSession half, which only posts; all else runs on the
// conversation's strand.
class LiveSocket final : public net::WsSession,
                         public live::LiveOutput,
                         public std::enable_shared_from_this<LiveSocket> {
 public:
  LiveSocket(live::LiveService& live, std::shared_ptr<const net::Caller> caller, std::shared_ptr<net::WsPeer> peer)
      : live_(live),
        caller_(std::move(caller)),
        peer_(std::move(peer)),
        strand_(live.make_strand()),
        id_(random_id("live_")) {}

  // --- The I/O thread's half ---
  bool on_message(net::WsMessage message) override;
  void on_too_large() override {}
  void on_stopping() override;
  void on_gone() override;

  // --- The conversation's half ---
  void on_phase(live::Phase phase) override;
  void on_transcription(std::int64_t turn, const engines::Hypothesis& hypothesis, bool is_final) override;
  void on_response_start(std::int64_t response, std::int64_t turn, int rate_hz, bool aside) override;
  void on_response_text(std::int64_t response, const std::string& text, const std::string& delta,
                        bool is_final) override;
  void on_audio(const live::AudioOut& audio) override;
  void on_filler(std::int64_t response, const std::string& text) override;
  void on_duck(std::int64_t response, float gain) override;
  void on_hold(std::int64_t response, std::size_t sample) override;
  void on_resume(std::int64_t response, std::size_t sample) override;
  void on_response_end(std::int64_t response, live::ReplyEnd end, const std::string& heard) override;
  void on_turn(const OrderedJson& turn) override;
  void on_error(const Error& error) override { send(wire::error(error, false)); }
  void on_closed() override;

 private:
  void send(const OrderedJson& message) { send(net::WsMessage{false, dump_json(message)}); }
  void send(net::WsMessage message);
  void handle(const net::WsMessage& message);
  Result<void> handle_text(const std::string& text);
  Result<void> begin(const Json& json);
  Result<void> configure(const Json& json);
  Result<void> read_settings(const Json& json, live::LiveConfig& config, WireFormat& format) const;
  Result<void> take_audio(std::string_view bytes);
  Result<void> take_base64(const Json& json);
  Result<void> take_played(const Json& json);
  void complain(const Error& error);
  void confirm(const std::string& text);
  void end(std::uint16_t code, std::string reason);
  Result<void> needs_start() const;

  live::LiveService& live_;
  const std::shared_ptr<const net::Caller> caller_;  // shared with the request
  std::shared_ptr<net::WsPeer> peer_;                // shared with the connection
  std::shared_ptr<runtime::Strand> strand_;
  StrandInbox inbox_{strand_, peer_};
  const std::string id_;

  // The strand's.
  live::LiveConfig config_;
  WireFormat format_;
  std::optional<WireInput> input_;
  std::optional<WireOutput> wire_output_;  // of the answer that is being heard, or was last
  int next_rate_hz_ = 0;                   // on the wire, of the next answer
  std::shared_ptr<live::LiveSession> session_;
  std::shared_ptr<LiveSocket> self_;  // while the conversation may call
  std::shared_ptr<void> stream_;      // its place among the microphones
  int bad_in_a_row_ = 0;
  bool gone_ = false;
  bool ended_ = false;
  bool stop_said_ = false;
  std::uint16_t close_code_ = kNormal;
  std::string close_reason_;
};

bool LiveSocket::on_message(net::WsMessage message) {
  return inbox_.take(std::move(message),
                     [self = shared_from_this()](const net::WsMessage& taken) { self->handle(taken); });
}

void LiveSocket::on_stopping() {
  strand_->post([self = shared_from_this()] { self->end(kGoingAway, "the server is stopping"); });
}

void LiveSocket::on_gone() {
  strand_->post([self = shared_from_this()] {
    self->gone_ = true;
    if (self->session_) self->session_->gone();
  });
}

// --- From the client -----------------------------------------------------------------------------------------------

void LiveSocket::handle(const net::WsMessage& message) {
  if (gone_ || ended_) return;
  const Result<void> handled = message.binary ? take_audio(message.data) : handle_text(message.data);
  if (handled) {
    bad_in_a_row_ = 0;
    return;
  }
  complain(handled.error());
}

void LiveSocket::complain(const Error& error) {
  const bool busy = error.code == ErrorCode::kOverloaded;
  if (!busy) ++bad_in_a_row_;
  const bool fatal = busy || bad_in_a_row_ >= kMostBadMessages;
  send(wire::error(error, fatal));
  if (busy)
    end(kTryLater, error.message);
  else if (fatal)
    end(kUnsupportedData, "too many messages that are not understood");
}

Result<void> LiveSocket::needs_start() const {
  if (session_) return {};
  return fail({ErrorCode::kInvalidArgument, "the first message must be {\"type\": \"start\"}", "", "type"});
}

Result<void> LiveSocket::handle_text(const std::string& text) {
  MORGAN_TRY(const Json json, parse_json_object(text));
  MORGAN_TRY(const auto given, json_string(json, "type"));
  const std::string type = given.value_or("");
  if (type == "ping") {
    send(wire::message("pong"));
    return {};
  }
  if (type == "start") return begin(json);
  if (type == "stop" && !session_) {
    end(kNormal, "");
    return {};
  }
  static constexpr std::array kKnown{"audio", "config", "text", "commit", "cancel", "played", "stop"};
  if (std::find(kKnown.begin(), kKnown.end(), type) == kKnown.end()) {
    if (type.starts_with("webrtc_")) {
      return fail({ErrorCode::kUnsupported, "WebRTC is not offered; send audio over this WebSocket", "", "type"});
    }
    return field_error("type", "message type '" + type +
                                   "' is not known; expected start, audio, config, text, commit, cancel, played, stop "
                                   "or ping");
  }
  MORGAN_CHECK_OK(needs_start());
  if (type == "audio") return take_base64(json);
  if (type == "config") return configure(json);
  if (type == "played") return take_played(json);
  if (type == "commit") {
    session_->commit();
  } else if (type == "cancel") {
    session_->cancel();
  } else if (type == "text") {
    MORGAN_TRY(const auto words, json_string(json, "text"));
    if (!words || trim(*words).empty()) return field_error("text", "field 'text' is required");
    if (count_characters(*words) > kMostTextChars)
      return field_error("text", "field 'text' is longer than 20000 characters");
    session_->say(*words);
  } else {
    stop_said_ = true;
    end(kNormal, "");
  }
  return {};
}

Result<void> LiveSocket::read_settings(const Json& json, live::LiveConfig& config, WireFormat& format) const {
  MORGAN_TRY(const auto language, json_string(json, "language"));
  if (language) config.language = language_code(*language);
  MORGAN_TRY(const auto speed, json_number(json, "speed"));
  if (speed && (*speed < kMinSpeed || *speed > kMaxSpeed))
    return field_error("speed", "field 'speed' must be from 0.25 to 4");
  if (speed) config.speed = *speed;
  MORGAN_TRY(const auto barge_in, json_bool(json, "barge_in"));
  if (barge_in) config.barge_in = *barge_in;
  MORGAN_TRY(const auto mode, json_string(json, "mode"));
  if (mode && *mode != "auto" && *mode != "press") return field_error("mode", "field 'mode' must be auto or press");
  if (mode) config.mode = *mode == "press" ? live::TurnMode::kPress : live::TurnMode::kAuto;
  MORGAN_TRY(const auto voice, json_string(json, "voice"));
  if (voice || config.voice.name.empty()) {
    auto found = live_.find_voice(voice && !voice->empty() ? *voice : "default");
    if (!found) {
      Error error = std::move(found).error();
      error.param = "voice";
      return fail(std::move(error));
    }
    config.voice = std::move(*found);
  }
  return format.read(json);
}

Result<void> LiveSocket::begin(const Json& json) {
  if (session_)
    return fail({ErrorCode::kInvalidArgument, "the conversation has begun; send config to change it", "", "type"});
  live::LiveConfig config;
  WireFormat format;
  MORGAN_TRY(const auto user, json_string(json, "user_id"));
  MORGAN_TRY(config.user_id, user_of(caller_.get(), user));
  MORGAN_CHECK_OK(read_settings(json, config, format));
  MORGAN_TRY(auto input, WireInput::open(format));
  MORGAN_TRY(auto output, WireOutput::open(format, config.voice.sample_rate_hz));
  MORGAN_TRY(session_, live_.open(strand_, config, id_, this));
  self_ = shared_from_this();
  config_ = config;
  format_ = format;
  input_.emplace(std::move(input));
  wire_output_.emplace(std::move(output));
  next_rate_hz_ = wire_output_->rate_hz();
  confirm("Streaming started");
  return {};
}

Result<void> LiveSocket::configure(const Json& json) {
  live::LiveConfig config = config_;
  WireFormat format = format_;
  MORGAN_CHECK_OK(read_settings(json, config, format));
  MORGAN_TRY(auto input, WireInput::open(format));
  MORGAN_TRY(const auto output, WireOutput::open(format, config.voice.sample_rate_hz));
  if (!format.same_input(format_)) input_.emplace(std::move(input));
  // The answer that is being heard ends as it began; on_response_start takes the new form.
  next_rate_hz_ = output.rate_hz();
  config_ = config;
  format_ = format;
  session_->configure(config_);
  confirm("Configuration updated");
  return {};
}

void LiveSocket::confirm(const std::string& text) {
  OrderedJson json = wire::status(text);
  json["session_id"] = id_;
  json["user_id"] = config_.user_id;
  json["sample_rate"] = format_.input_rate_hz;
  json["format"] = to_string(format_.input);
  json["output_format"] = to_string(format_.output);
  json["output_sample_rate"] = next_rate_hz_;
  json["voice"] = config_.voice.name;
  send(json);
}

Result<void> LiveSocket::take_audio(std::string_view bytes) {
  MORGAN_CHECK_OK(needs_start());
  if (!stream_) {
    MORGAN_TRY(stream_, live_.open_stream());
  }
  MORGAN_TRY(const std::vector<float> samples, input_->decode(bytes));
  session_->push_audio(samples);
  return {};
}

Result<void> LiveSocket::take_base64(const Json& json) {
  MORGAN_TRY(const auto encoded, json_string(json, "audio_data"));
  if (!encoded) return field_error("audio_data", "field 'audio_data' is required");
  MORGAN_TRY(const std::string bytes, base64_decode(*encoded));
  return take_audio(bytes);
}

Result<void> LiveSocket::take_played(const Json& json) {
  MORGAN_TRY(const auto response, json_integer(json, "response"));
  MORGAN_TRY(const auto samples, json_integer(json, "samples"));
  if (!response) return field_error("response", "field 'response' is required");
  if (!samples || *samples < 0) return field_error("samples", "field 'samples' must be a number of samples");
  session_->report_played(*response, wire_output_->voice_samples(static_cast<std::size_t>(*samples)));
  return {};
}

void LiveSocket::end(std::uint16_t code, std::string reason) {
  if (std::exchange(ended_, true)) return;
  close_code_ = code;
  close_reason_ = std::move(reason);
  if (session_) {
    session_->shut_down();
  } else {
    on_closed();
  }
}

// --- To the client -------------------------------------------------------------------------------------------------

void LiveSocket::send(net::WsMessage message) {
  if (gone_) return;
  const bool behind = peer_->unsent_bytes() > kMostUnsent;
  if (!behind && peer_->send(std::move(message))) return;
  if (behind && !ended_) {
    log::info("core", "a client reads too slowly", {{"session", id_}});
    ended_ = true;
    gone_ = true;
    peer_->close(kPolicy, "you read too slowly; the answer was cut short");
    strand_->post([self = shared_from_this()] {
      if (self->session_) self->session_->gone();
    });
  }
}

void LiveSocket::on_phase(live::Phase phase) {
  OrderedJson json = wire::message("state");
  json["state"] = to_string(phase);
  send(json);
}

void LiveSocket::on_transcription(std::int64_t turn, const engines::Hypothesis& hypothesis, bool is_final) {
  send(wire::transcription(turn, hypothesis, is_final));
}

void LiveSocket::on_response_start(std::int64_t response, std::int64_t turn, int rate_hz, bool aside) {
  // It opened when it was configured; if it does not now, the form before is better than none.
  if (auto output = WireOutput::open(format_, rate_hz)) wire_output_.emplace(std::move(*output));
  wire_output_->begin();
  OrderedJson json = wire::message("response_start");
  json["response"] = response;
  json["turn"] = turn;
  json["output_sample_rate"] = wire_output_->rate_hz();
  json["aside"] = aside;
  send(json);
}

void LiveSocket::on_response_text(std::int64_t response, const std::string& text, const std::string& delta,
                                  bool is_final) {
  OrderedJson json = wire::message("response");
  json["text"] = text;
  json["delta"] = delta;
  json["is_final"] = is_final;
  json["response"] = response;
  send(json);
}

void LiveSocket::on_audio(const live::AudioOut& audio) {
  if (!audio.chunk.words.empty()) send(wire::words(audio.response, audio.rate_hz, audio.chunk.words));
  for (net::WsMessage& message : wire_output_->encode(audio))
    send(std::move(message));
}

void LiveSocket::on_filler(std::int64_t response, const std::string& text) {
  OrderedJson json = wire::message("filler");
  json["text"] = text;
  json["response"] = response;
  send(json);
}

void LiveSocket::on_duck(std::int64_t response, float gain) {
  OrderedJson json = wire::message("duck");
  json["response"] = response;
  json["gain"] = gain;
  send(json);
}

void LiveSocket::on_hold(std::int64_t response, std::size_t sample) {
  OrderedJson json = wire::message("hold");
  json["response"] = response;
  json["sample"] = wire_output_->wire_samples(sample);
  send(json);
}

void LiveSocket::on_resume(std::int64_t response, std::size_t sample) {
  OrderedJson json = wire::message("resume");
  json["response"] = response;
  json["sample"] = wire_output_->wire_samples(sample);
  send(json);
}

void LiveSocket::on_response_end(std::int64_t response, live::ReplyEnd end, const std::string& heard) {
  if (end == live::ReplyEnd::kCompleted) {
    for (net::WsMessage& message : wire_output_->finish(response))
      send(std::move(message));
  }
  OrderedJson json = wire::message("response_end");
  json["response"] = response;
  json["status"] = to_string(end);
  json["text"] = heard;
  send(json);
}

void LiveSocket::on_turn(const OrderedJson& turn) {
  OrderedJson json = wire::message("turn");
  json["turn"] = turn;
  send(json);
}

void LiveSocket::on_closed() {
  if (!gone_) {
    if (stop_said_) confirm("Streaming stopped");
    peer_->close(close_code_, close_reason_);
  }
  session_.reset();
  stream_.reset();
  self_.reset();
}

}  // namespace

std::shared_ptr<net::WsSession> make_live_socket(dialogue::live::LiveService& live, const net::Request& request,
                                                 std::shared_ptr<net::WsPeer> peer) {
  return std::make_shared<LiveSocket>(live, request.caller, std::move(peer));
}

}  // namespace morgan::services
