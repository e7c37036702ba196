#include "net/tcp_outbox.h"

#include <utility>

namespace morgan::net {

namespace {

constexpr std::size_t kRoom = 256U << 10U;
constexpr std::size_t kMostPosted = 512U << 10U;

Failure gone() {
  return fail(ErrorCode::kCancelled, "the client has gone");
}

}  // namespace

Result<void> TcpOutbox::write(std::string_view bytes) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [this] { return gone_ || closing_ || unwritten_ < kRoom; });
  if (gone_ || closing_) return gone();
  push(bytes);
  return {};
}

Result<void> TcpOutbox::post(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  if (gone_ || closing_) return gone();
  if (unwritten_ >= kMostPosted) return fail(ErrorCode::kOverloaded, "the client reads too slowly");
  push(bytes);
  return {};
}

void TcpOutbox::push(std::string_view bytes) {
  pending_.append(bytes);
  unwritten_ += bytes.size();
  wake_locked();
}

void TcpOutbox::close() {
  const std::lock_guard lock(mutex_);
  closing_ = true;
  room_.notify_all();
  wake_locked();
}

void TcpOutbox::resume() {
  const std::lock_guard lock(mutex_);
  resumed_ = true;
  wake_locked();
}

void TcpOutbox::wake_locked() {
  if (!gone_ && !std::exchange(woken_, true)) wake_();
}

bool TcpOutbox::awake() {
  const std::lock_guard lock(mutex_);
  woken_ = false;
  return std::exchange(resumed_, false);
}

TcpOutbox::Next TcpOutbox::take(std::size_t most_bytes) {
  const std::lock_guard lock(mutex_);
  Next next;
  if (pending_.size() <= most_bytes) {
    next.bytes.swap(pending_);
  } else {
    next.bytes = pending_.substr(0, most_bytes);
    pending_.erase(0, most_bytes);
  }
  next.closing = closing_ && pending_.empty();
  return next;
}

void TcpOutbox::written(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  unwritten_ -= bytes;
  if (unwritten_ < kRoom) room_.notify_all();
}

bool TcpOutbox::closing() const {
  const std::lock_guard lock(mutex_);
  return closing_;
}

void TcpOutbox::set_gone() {
  std::function<void()> forgotten;  // destroyed after the mutex is free
  const std::lock_guard lock(mutex_);
  gone_ = true;
  pending_.clear();
  forgotten.swap(wake_);
  room_.notify_all();
}

}  // namespace morgan::net
