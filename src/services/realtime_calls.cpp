#include "services/realtime_calls.h"

#include "audio/opus_stream.h"
#include "base/ids.h"
#include "base/json_util.h"
#include "base/log.h"
#include "services/packet_order.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <utility>
#include <vector>

namespace morgan::services {

namespace {

constexpr std::chrono::seconds kMostConnecting{20};
/// How often a caller's key is looked at, as ServerOptions::welcome_check.
constexpr std::chrono::seconds kWelcomeCheck{5};
/// For what was said last on the data channel to arrive.
constexpr std::chrono::milliseconds kFarewell{300};
/// Texts that wait: for the channel to open, or for the session, which is held back.
constexpr std::size_t kMostWaiting = std::size_t{1} << 20U;
constexpr std::uint16_t kPolicy = 1008;

}  // namespace

/// One call: what the session takes for a WebSocket. The library's threads call the RtcEvents half.
class RealtimeCall final : public net::WsPeer,
                           public net::RtcEvents,
                           public std::enable_shared_from_this<RealtimeCall> {
 public:
  RealtimeCall(std::weak_ptr<RealtimeCalls> calls, std::shared_ptr<runtime::Strand> strand,
               std::shared_ptr<const net::Caller> caller)
      : calls_(std::move(calls)), strand_(std::move(strand)), caller_(std::move(caller)) {}

  Result<std::string> connect(const std::string& offer, const net::RtcOptions& options);
  void begin(dialogue::live::LiveService& live, RealtimeStart start);
  const std::string& id() const { return id_; }
  /// False: it is another user's.
  bool may_be_ended_by(const net::Caller* caller) const {
    if (caller_ == nullptr || caller == nullptr || caller_->user.empty() || caller->user.empty()) return true;
    return caller_->user == caller->user;
  }
  void stop();
  void check_welcome(const std::function<bool(const net::Caller&)>& still_welcome);
  /// The peer is let go, and the session with it.
  void cut();

  // --- net::WsPeer ---
  Result<net::WsMessage> receive() override { return fail(ErrorCode::kUnsupported, "a call is told, not asked"); }
  Result<void> send(net::WsMessage message) override;
  void close(std::uint16_t code, std::string_view reason) override;
  void resume() override;

  // --- net::RtcEvents ---
  void on_connected() override { connected_ = true; }
  void on_channel() override;
  void on_text(std::string text) override;
  void on_packet(std::string packet, std::uint32_t timestamp) override;
  void on_gone() override { cut(); }

 private:
  Result<void> send_now(const std::string& text);
  void deliver(net::WsMessage message);  // with mutex_ held

  const std::weak_ptr<RealtimeCalls> calls_;
  const std::shared_ptr<runtime::Strand> strand_;    // for the timers of this call alone
  const std::shared_ptr<const net::Caller> caller_;  // shared with the request that made it
  const std::string id_ = random_id("rtc_");
  std::atomic<bool> connected_{false};
  std::atomic<bool> closing_{false};

  std::mutex mutex_;
  bool cut_ = false;                          // guarded by mutex_
  std::shared_ptr<net::RtcPeer> peer_;        // guarded by mutex_; shared with calls under way
  std::shared_ptr<RealtimeSession> session_;  // guarded by mutex_; shares this as its peer, until cut()
  bool paused_ = false;                       // guarded by mutex_: the session takes no more for now
  std::deque<net::WsMessage> held_;           // guarded by mutex_: what came meanwhile
  std::size_t held_bytes_ = 0;                // guarded by mutex_
  std::mutex channel_mutex_;
  bool channel_open_ = false;        // guarded by channel_mutex_
  std::vector<std::string> unsent_;  // guarded by channel_mutex_: until the channel is open
  std::size_t unsent_size_ = 0;      // guarded by channel_mutex_
  PacketOrder order_;                // guarded by mutex_
};

Result<std::string> RealtimeCall::connect(const std::string& offer, const net::RtcOptions& options) {
  MORGAN_TRY(std::unique_ptr<net::RtcPeer> peer, net::RtcPeer::accept(offer, options, weak_from_this()));
  std::string answer = peer->answer();
  const std::lock_guard lock(mutex_);
  if (!cut_) peer_ = std::move(peer);
  return answer;
}

void RealtimeCall::begin(dialogue::live::LiveService& live, RealtimeStart start) {
  start.play = [weak = weak_from_this()](const std::string& packet, std::uint32_t timestamp) {
    const auto self = weak.lock();
    if (!self || !self->connected_) return;
    std::shared_ptr<net::RtcPeer> peer;  // shared with the call
    {
      const std::lock_guard lock(self->mutex_);
      peer = self->peer_;
    }
    // What is lost on the way is lost, too.
    if (peer) static_cast<void>(peer->send_packet(packet, timestamp));
  };
  auto session = std::make_shared<RealtimeSession>(live, shared_from_this(), std::move(start));
  {
    const std::lock_guard lock(mutex_);
    if (cut_) return;  // the peer has gone already
    session_ = session;
  }
  session->begin();
  strand_->post_at(strand_->now() + kMostConnecting, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || self->connected_) return;
    log::info("core", "a WebRTC peer was answered and not reached", {{"call", self->id_}});
    self->cut();
  });
}

void RealtimeCall::check_welcome(const std::function<bool(const net::Caller&)>& still_welcome) {
  if (!still_welcome || !caller_ || caller_->key.empty()) return;
  strand_->post_at(strand_->now() + kWelcomeCheck, [weak = weak_from_this(), still_welcome] {
    const auto self = weak.lock();
    if (!self || self->closing_) return;
    if (!still_welcome(*self->caller_)) return self->close(kPolicy, "your key counts no longer");
    self->check_welcome(still_welcome);
  });
}

void RealtimeCall::stop() {
  std::shared_ptr<RealtimeSession> session;
  {
    const std::lock_guard lock(mutex_);
    session = session_;
  }
  if (session) session->on_stopping();
}

void RealtimeCall::cut() {
  std::shared_ptr<RealtimeSession> session;
  std::shared_ptr<net::RtcPeer> peer;
  {
    const std::lock_guard lock(mutex_);
    cut_ = true;
    session = std::move(session_);
    peer = std::move(peer_);
    held_.clear();
  }
  closing_ = true;
  if (session) session->on_gone();
  // Not here: this may be a thread of the library's, which the peer's end could wait for.
  if (peer) strand_->post([peer = std::move(peer)] { peer->close(); });
  if (const auto calls = calls_.lock()) calls->forget(id_);
}

// --- To the peer ---------------------------------------------------------------------------------------------------

Result<void> RealtimeCall::send(net::WsMessage message) {
  const std::lock_guard lock(channel_mutex_);
  if (channel_open_) return send_now(message.data);
  if (unsent_size_ + message.data.size() > kMostWaiting) return {};  // a peer without a channel only talks
  unsent_size_ += message.data.size();
  unsent_.push_back(std::move(message.data));
  return {};
}

Result<void> RealtimeCall::send_now(const std::string& text) {
  std::shared_ptr<net::RtcPeer> peer;  // shared with the call
  {
    const std::lock_guard lock(mutex_);
    peer = peer_;
  }
  if (!peer) return fail(ErrorCode::kUnavailable, "the peer has gone");
  auto sent = peer->send_text(text);
  if (sent || sent.error().code != ErrorCode::kTooLarge) return sent;
  // One event less, but the conversation goes on.
  const OrderedJson lost{{"event_id", random_id("event_")},
                         {"type", "error"},
                         {"error",
                          {{"type", "server_error"},
                           {"code", "event_too_large"},
                           {"message", "an event could not be sent: " + sent.error().message},
                           {"param", nullptr},
                           {"event_id", nullptr}}}};
  return peer->send_text(dump_json(lost));
}

void RealtimeCall::on_channel() {
  const std::lock_guard lock(channel_mutex_);
  channel_open_ = true;
  for (const std::string& text : std::exchange(unsent_, {}))
    static_cast<void>(send_now(text));  // who has gone already is told by on_gone()
}

void RealtimeCall::close(std::uint16_t code, std::string_view reason) {
  if (closing_.exchange(true)) return;
  log::debug("core", "a WebRTC call ends",
             {{"call", id_}, {"code", std::to_string(code)}, {"why", std::string(reason)}});
  strand_->post_at(strand_->now() + kFarewell, [self = shared_from_this()] { self->cut(); });
}

// --- From the peer -------------------------------------------------------------------------------------------------

void RealtimeCall::deliver(net::WsMessage message) {
  if (session_ && !session_->on_message(std::move(message))) paused_ = true;
}

void RealtimeCall::resume() {
  const std::lock_guard lock(mutex_);
  paused_ = false;
  while (!paused_ && !held_.empty()) {
    net::WsMessage message = std::move(held_.front());
    held_.pop_front();
    held_bytes_ -= message.data.size();
    deliver(std::move(message));
  }
}

void RealtimeCall::on_text(std::string text) {
  {
    const std::lock_guard lock(mutex_);
    if (!paused_) return deliver({false, std::move(text)});
    if (held_bytes_ + text.size() <= kMostWaiting) {
      held_bytes_ += text.size();
      held_.push_back({false, std::move(text)});
      return;
    }
  }
  close(kPolicy, "events came faster than they can be handled");
}

void RealtimeCall::on_packet(std::string packet, std::uint32_t timestamp) {
  const auto length = static_cast<std::uint32_t>(audio::opus_packet_samples(packet));
  const std::lock_guard lock(mutex_);
  if (length == 0 || paused_) return;
  const auto lost = order_.take(timestamp, length);
  if (!lost) return;
  for (int i = 0; i < *lost; ++i)
    deliver({true, ""});
  deliver({true, std::move(packet)});
}

// --- All calls -----------------------------------------------------------------------------------------------------

Result<RealtimeCalls::Answer> RealtimeCalls::open(dialogue::live::LiveService& live, RealtimeStart start,
                                                  const std::string& offer, std::shared_ptr<const net::Caller> caller) {
  if (live.is_full()) return fail(ErrorCode::kOverloaded, "no room for another conversation now; try again later");
  auto call = std::make_shared<RealtimeCall>(weak_from_this(), live.make_strand(), std::move(caller));
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return fail(ErrorCode::kUnavailable, "the server is stopping");
    open_.emplace(call->id(), call);
  }
  auto answer = call->connect(offer, options_);
  if (!answer) {
    forget(call->id());
    return fail(std::move(answer).error());
  }
  call->begin(live, std::move(start));
  call->check_welcome(still_welcome_);
  return Answer{call->id(), std::move(*answer)};
}

Result<void> RealtimeCalls::hang_up(const std::string& id, const net::Caller* caller) {
  std::shared_ptr<RealtimeCall> call;
  {
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(id);
    if (found != open_.end() && found->second->may_be_ended_by(caller)) call = found->second;
  }
  if (!call) return fail(Error{ErrorCode::kNotFound, "there is no such call", "", "call_id"});
  call->cut();
  return {};
}

void RealtimeCalls::forget(const std::string& id) {
  std::shared_ptr<RealtimeCall> last;  // ends outside of the lock
  const std::lock_guard lock(mutex_);
  if (const auto found = open_.find(id); found != open_.end()) {
    last = std::move(found->second);
    open_.erase(found);
  }
  changed_.notify_all();
}

void RealtimeCalls::stop(std::chrono::milliseconds grace) {
  std::vector<std::shared_ptr<RealtimeCall>> left;
  const auto all = [&] {
    left.clear();
    for (const auto& [id, call] : open_)
      left.push_back(call);
  };
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    all();
  }
  for (const auto& call : left)
    call->stop();
  {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, grace, [this] { return open_.empty(); });
    all();
  }
  for (const auto& call : left)
    call->cut();
}

}  // namespace morgan::services
