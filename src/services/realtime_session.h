// One client of /v1/realtime: its events to calls of a live conversation, and what that tells to OpenAI's events. The
// I/O thread calls the net::WsSession half, which only posts; all else runs on the conversation's strand. What the
// client may send is in realtime_client_events.cpp.
#pragma once

#include "dialogue/live/live_service.h"
#include "net/ws_types.h"
#include "services/live_wire.h"
#include "services/realtime_items.h"
#include "services/realtime_response.h"
#include "services/realtime_settings.h"
#include "services/realtime_voice.h"
#include "services/strand_inbox.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace morgan::services {

/// What is known of a session before its first event.
struct RealtimeStart {
  RealtimeSettings settings;
  RealtimeDialect dialect = RealtimeDialect::kGa;
  RealtimePlay play = nullptr;  ///< where the voice goes; null: into events, and the microphone comes in events, too
};

class RealtimeSession final : public net::WsSession,
                              public dialogue::live::LiveOutput,
                              public std::enable_shared_from_this<RealtimeSession> {
 public:
  RealtimeSession(dialogue::live::LiveService& live, std::shared_ptr<net::WsPeer> peer, RealtimeStart start);
  /// Opens the conversation and greets the client; call once, when it is owned by a shared_ptr.
  void begin();

  // --- The I/O thread's half ---
  /// With RealtimeStart::play, a binary message is an Opus packet of the microphone; an empty one is one that was lost.
  bool on_message(net::WsMessage message) override;
  void on_too_large() override {}
  void on_stopping() override;
  void on_gone() override;

  // --- The conversation's half ---
  void on_phase(dialogue::live::Phase) override {}
  void on_transcription(std::int64_t, const engines::Hypothesis&, bool) override {}
  void on_response_start(std::int64_t response, std::int64_t turn, int rate_hz, bool aside) override;
  void on_response_text(std::int64_t response, const std::string& text, const std::string& delta,
                        bool is_final) override;
  void on_audio(const dialogue::live::AudioOut& audio) override;
  void on_filler(std::int64_t, const std::string&) override {}
  void on_duck(std::int64_t, float) override {}
  void on_hold(std::int64_t, std::size_t) override;
  void on_resume(std::int64_t, std::size_t) override;
  void on_response_end(std::int64_t response, dialogue::live::ReplyEnd end, const std::string& heard) override;
  void on_turn(const OrderedJson&) override {}
  void on_error(const Error& error) override;
  void on_closed() override;
  void on_speech(std::size_t sample) override;
  void on_spoken(const dialogue::live::SpokenTurn& turn) override;
  void on_response_facts(std::int64_t response, const dialogue::live::ReplyFacts& facts) override;
  void on_reply_error(const Error&) override {}  // response.done tells of it
  void on_idle() override;

 private:
  using Handler = Result<void> (RealtimeSession::*)(const Json& event);
  struct Beside;

  // From the client: realtime_client_events.cpp
  void handle(const net::WsMessage& message);
  Result<void> handle_event(const Json& event);
  static const std::map<std::string, Handler, std::less<>>& handlers();
  Result<void> update_session(const Json& event);
  Result<void> update_transcription_session(const Json& event);
  Result<void> apply(const Json& session, const std::string& confirmed_by);
  void hear_packet(const std::string& packet);
  Result<void> hear(const std::vector<float>& samples);
  Result<void> append_audio(const Json& event);
  Result<void> commit_audio(const Json& event);
  Result<void> clear_audio(const Json& event);
  Result<void> create_item(const Json& event);
  Result<void> retrieve_item(const Json& event);
  Result<void> truncate_item(const Json& event);
  Result<void> delete_item(const Json& event);
  Result<void> create_response(const Json& event);
  Result<void> cancel_response(const Json& event);
  Result<void> clear_output(const Json& event);
  void end_beside();
  Result<void> respond_beside(RealtimeResponseSpec spec, dialogue::live::LiveAsk ask);
  Result<std::function<std::vector<engines::ChatMessage>(const std::string&)>> prompt_of(const Json& response,
                                                                                         const RealtimeReply& reply);

  void open_voice();
  void send(OrderedJson event);
  void complain(const Error& error, const std::string& event_id);
  void end(std::uint16_t code, std::string reason);
  WireFormat format_of(const RealtimeSettings& settings) const;
  RealtimeResponseSpec own_spec() const;
  dialogue::live::LiveAsk ask_for(const RealtimeReply& reply) const;
  /// The user's item goes into the conversation, as committed.
  void add_user_item(RealtimeItem item);
  void transcribe_item(const std::string& id, std::vector<float> samples, bool announced);
  void tell_transcript(const std::string& id, const Result<engines::Hypothesis>& heard, double seconds);
  long long ms_of(std::size_t sample) const;
  void delete_quietly(const std::string& id);

  dialogue::live::LiveService& live_;
  std::shared_ptr<net::WsPeer> peer_;  // shared with the connection
  std::shared_ptr<runtime::Strand> strand_;
  StrandInbox inbox_{strand_, peer_};
  const RealtimeDialect dialect_;
  const std::string id_;
  const std::string conversation_id_;
  const RealtimePlay play_;

  // The strand's.
  RealtimeSettings settings_;
  std::shared_ptr<RealtimeItems> items_;  // shared with the conversation, whose memory it is
  std::optional<WireInput> input_;
  std::optional<WireOutput> output_;      // of the response that is being heard; nullopt, too, when there is a voice_
  std::shared_ptr<RealtimeVoice> voice_;  // shared with its timer; null: audio goes into events
  std::shared_ptr<dialogue::live::LiveSession> session_;
  std::shared_ptr<RealtimeSession> self_;  // while the conversation may call
  std::shared_ptr<void> stream_;           // its place among the microphones
  std::vector<float> buffer_;              // when the client takes turns: what it has not committed
  std::size_t before_vad_ = 0;             // samples that came while the client took turns
  std::string speech_item_;                // of who is speaking; "": nobody
  std::optional<RealtimeResponseSpec> asked_;
  std::optional<RealtimeResponse> response_;
  std::size_t response_samples_ = 0;
  std::optional<dialogue::live::ReplySummary> summary_;
  std::optional<Error> reply_error_;
  std::map<std::string, std::shared_ptr<Beside>> beside_;  // shared with their callbacks
  bool spoke_ = false;                                     // a voice was heard: it stays
  int bad_in_a_row_ = 0;
  bool gone_ = false;
  bool ended_ = false;
  runtime::TimerId expiry_ = 0;
  std::uint16_t close_code_ = 1000;
  std::string close_reason_;
};

}  // namespace morgan::services
