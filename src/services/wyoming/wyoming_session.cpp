#include "services/wyoming/wyoming_session.h"

#include "base/log.h"

namespace morgan::services {

namespace {

constexpr std::size_t kMaxInbox = 1U << 20U;
constexpr std::size_t kEventOverhead = 512;  // so that empty events count as well

std::size_t cost_of(const WyomingEvent& event) {
  return kEventOverhead + event.wire_bytes;
}

}  // namespace

WyomingSession::WyomingSession(const Surroundings& around, std::shared_ptr<net::TcpPeer> peer)
    : around_(around), out_(std::move(peer)), requests_(around.parts, out_) {}

bool WyomingSession::on_bytes(std::string_view bytes) {
  if (broken_) return true;
  reader_.push(bytes);
  for (;;) {
    auto next = reader_.next();
    if (!next) {
      broken_ = true;
      static_cast<void>(out_.peer().post(frame_of(error_event(next.error()))));
      // What came whole is answered; then nothing can follow.
      end_after_inbox();
      return true;
    }
    if (!*next) break;
    ++messages_;
    take(std::move(**next));
  }
  const std::lock_guard lock(mutex_);
  full_ = inbox_bytes_ > kMaxInbox;
  return !full_;
}

void WyomingSession::take(WyomingEvent event) {
  // An answer that finds no room is dropped: who sends pings and reads no pongs gets none.
  if (event.type == "describe") {
    static_cast<void>(out_.peer().post(around_.info()));
  } else if (event.type == "ping") {
    WyomingEvent pong{"pong"};
    if (const auto text = event.data.find("text"); text != event.data.end()) pong.data["text"] = *text;
    static_cast<void>(out_.peer().post(frame_of(pong)));
  } else {
    enqueue(std::move(event));
  }
}

void WyomingSession::enqueue(WyomingEvent event) {
  const std::lock_guard lock(mutex_);
  inbox_bytes_ += cost_of(event);
  inbox_.push_back(std::move(event));
  if (std::exchange(working_, true)) return;
  if (around_.pool.run([self = shared_from_this()] { self->work(); })) return;
  // The pool has stopped, and with it the server.
  working_ = false;
  out_.peer().close();
}

void WyomingSession::work() {
  // Text on the way is looked for only when nothing waits: a recording that comes at once is not transcribed for it.
  for (bool rested = true;;) {
    std::optional<WyomingEvent> event;
    {
      const std::lock_guard lock(mutex_);
      if (inbox_.empty() && rested) {
        working_ = false;
        if (ending_) out_.peer().close();
        return;
      }
      if (!inbox_.empty()) event = take_first();
    }
    rested = !event;
    guarded(event);
  }
}

WyomingEvent WyomingSession::take_first() {
  WyomingEvent event = std::move(inbox_.front());
  inbox_.pop_front();
  inbox_bytes_ -= cost_of(event);
  if (full_ && inbox_bytes_ <= kMaxInbox / 2) {
    full_ = false;
    out_.peer().resume();
  }
  return event;
}

void WyomingSession::guarded(const std::optional<WyomingEvent>& event) {
  if (out_.stop().stop_requested()) return;
  try {
    if (event) {
      requests_.handle(*event);
    } else {
      requests_.pause();
    }
    return;
  } catch (const std::exception& exception) {
    log::error("wyoming", "a request threw", {{"what", exception.what()}});
  } catch (...) {
    log::error("wyoming", "a request threw");
  }
  out_.send_error({ErrorCode::kInternal, "something went wrong here; the server's log has more"});
  out_.peer().close();
}

void WyomingSession::end_after_inbox() {
  const std::lock_guard lock(mutex_);
  ending_ = true;
  if (!working_) out_.peer().close();
}

// The client may have ended its half only: what it asked for is answered.
void WyomingSession::on_end() {
  end_after_inbox();
}

void WyomingSession::on_stopping() {
  end_after_inbox();
}

void WyomingSession::on_gone() {
  out_.request_stop(StopReason::kClientGone);
}

bool WyomingSession::busy() const {
  const std::lock_guard lock(mutex_);
  return working_;
}

}  // namespace morgan::services
