#include "services/piece_stream.h"

#include "base/json_util.h"
#include "net/sse.h"

#include <system_error>

namespace morgan::services {

namespace {

constexpr std::size_t kMaxBufferedBytes = 4'000'000;

}  // namespace

Result<std::shared_ptr<PieceStream>> PieceStream::start(Producer producer) {
  // Shared by the handler and the response's copyable std::function.
  std::shared_ptr<PieceStream> stream(new PieceStream);
  PieceStream* const self = stream.get();
  try {
    self->thread_ = std::thread([self, produce = std::move(producer)] {
      Result<void> outcome = produce([self](std::string piece) { return self->push(std::move(piece)); });
      const std::lock_guard lock(self->mutex_);
      self->outcome_ = std::move(outcome);
      self->ended_ = true;
      self->changed_.notify_all();
    });
  } catch (const std::system_error&) {
    return fail(ErrorCode::kOverloaded, "no thread is left for a streamed answer");
  }
  std::unique_lock lock(self->mutex_);
  self->changed_.wait(lock, [self] { return self->started_ || self->ended_; });
  if (!self->started_ && !self->outcome_) return fail(self->outcome_.error());
  lock.unlock();
  return stream;
}

PieceStream::~PieceStream() {
  abandon();
  if (thread_.joinable()) thread_.join();
}

void PieceStream::abandon() {
  const std::lock_guard lock(mutex_);
  abandoned_ = true;
  changed_.notify_all();
}

bool PieceStream::empty() {
  const std::lock_guard lock(mutex_);
  return ended_ && !started_;
}

bool PieceStream::push(std::string piece) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return abandoned_ || buffered_bytes_ < kMaxBufferedBytes; });
  if (abandoned_) return false;
  if (piece.empty()) return true;
  buffered_bytes_ += piece.size();
  pieces_.push_back(std::move(piece));
  started_ = true;
  changed_.notify_all();
  return true;
}

Result<void> PieceStream::write_to(net::BodyWriter& out) {
  while (true) {
    std::string piece;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !pieces_.empty() || ended_; });
      if (pieces_.empty()) return outcome_;
      piece = std::move(pieces_.front());
      pieces_.pop_front();
      buffered_bytes_ -= piece.size();
      changed_.notify_all();
    }
    if (auto written = out.write(piece); !written) {
      abandon();
      return written;
    }
  }
}

Result<net::Response> stream_response(PieceStream::Producer producer, std::string content_type) {
  MORGAN_TRY(auto stream, PieceStream::start(std::move(producer)));
  net::Response response;
  response.headers.emplace("Content-Type", std::move(content_type));
  response.stream = [stream](net::BodyWriter& out) { return stream->write_to(out); };
  return response;
}

Result<net::Response> event_stream_response(PieceStream::Producer producer) {
  auto with_error_event = [produce = std::move(producer)](const PieceStream::Sink& sink) -> Result<void> {
    std::atomic<bool> any = false;  // pieces may come from several threads
    Result<void> outcome = produce([&](std::string piece) {
      any = true;
      return sink(std::move(piece));
    });
    if (!outcome && any && outcome.error().code != ErrorCode::kCancelled) {
      const Error& error = outcome.error();
      const std::string code = error.reason.empty() ? std::string(to_string(error.code)) : error.reason;
      sink(net::sse_event(dump_json(OrderedJson{{"error", {{"message", error.message}, {"code", code}}}}), "error"));
    }
    return outcome;
  };
  MORGAN_TRY(net::Response response, stream_response(std::move(with_error_event), "text/event-stream; charset=utf-8"));
  response.headers.emplace("Cache-Control", "no-cache");
  response.headers.emplace("X-Accel-Buffering", "no");
  return response;
}

}  // namespace morgan::services
