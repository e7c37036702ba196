#include "net/ws_outbox.h"

#include <utility>

namespace morgan::net {

namespace {

constexpr std::size_t kMaxOutbox = 4U << 20U;
constexpr std::size_t kMaxReason = 123;  // RFC 6455, section 5.5

}  // namespace

std::string_view ws_close_reason(std::string_view reason) {
  if (reason.size() <= kMaxReason) return reason;
  std::size_t size = kMaxReason;
  while (size > 0 && (static_cast<unsigned char>(reason[size]) & 0xC0U) == 0x80U)
    --size;
  return reason.substr(0, size);
}

Result<void> WsOutbox::push(WsMessage message) {
  const std::lock_guard lock(mutex_);
  if (gone_ || closing_) return fail(ErrorCode::kUnavailable, "the client has gone");
  const std::size_t cost = ws_cost(message);
  if (bytes_ + cost > kMaxOutbox) {
    return fail(ErrorCode::kOverloaded, "the client reads too slowly: 4 MiB wait for it");
  }
  bytes_ += cost;
  queue_.push_back(std::move(message));
  wake_locked();
  return {};
}

void WsOutbox::close(std::uint16_t code, std::string_view reason) {
  const std::lock_guard lock(mutex_);
  if (gone_ || closing_) return;
  closing_ = Closing{code, std::string(ws_close_reason(reason))};
  wake_locked();
}

void WsOutbox::wake() {
  const std::lock_guard lock(mutex_);
  if (!gone_) wake_locked();
}

void WsOutbox::wake_locked() {
  if (!std::exchange(woken_, true)) wake_();
}

void WsOutbox::set_gone() {
  std::deque<WsMessage> dropped;
  std::function<void()> forgotten;  // destroyed after the mutex is free
  const std::lock_guard lock(mutex_);
  gone_ = true;
  dropped.swap(queue_);
  for (const WsMessage& message : dropped)
    bytes_ -= ws_cost(message);
  forgotten.swap(wake_);
}

bool WsOutbox::closing() const {
  const std::lock_guard lock(mutex_);
  return closing_.has_value() && !gone_;
}

std::size_t WsOutbox::unsent_bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

void WsOutbox::awake() {
  const std::lock_guard lock(mutex_);
  woken_ = false;
}

WsOutbox::Next WsOutbox::next() {
  const std::lock_guard lock(mutex_);
  Next next;
  if (gone_) return next;
  if (!queue_.empty()) {
    next.message = std::move(queue_.front());
    queue_.pop_front();
  } else {
    next.closing = closing_;
  }
  return next;
}

void WsOutbox::written(std::size_t cost) {
  const std::lock_guard lock(mutex_);
  bytes_ -= cost;
}

}  // namespace morgan::net
