// A streamed answer whose producer (an engine with a callback) runs on a thread of its own, so that the
// handler can await the first piece and still answer a real error, and so that a slow client does not
// hold the engine for more than the buffer. The thread ends with this object; requests bound their number.
#pragma once

#include "base/result.h"
#include "net/http_types.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace morgan::services {

class PieceStream {
 public:
  /// Takes one piece; blocks while the client is behind. False: the client has gone, stop. @thread any
  using Sink = std::function<bool(std::string piece)>;
  using Producer = std::function<Result<void>(const Sink&)>;

  /// Starts the producer, waits for its first piece or its end.
  /// @error the producer's, when it failed before the first piece; kOverloaded  no thread to be had
  static Result<std::shared_ptr<PieceStream>> start(Producer producer);
  ~PieceStream();
  PieceStream(const PieceStream&) = delete;
  PieceStream& operator=(const PieceStream&) = delete;

  /// True when the producer ended well and made nothing.
  bool empty();

  /// Writes the pieces until the producer ends. @error kCancelled  the client has gone; or the producer's
  Result<void> write_to(net::BodyWriter& out);

 private:
  PieceStream() = default;
  bool push(std::string piece);
  void abandon();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> pieces_;  // guarded by mutex_, as all below but the thread
  std::size_t buffered_bytes_ = 0;
  bool started_ = false;  // a piece was pushed
  bool abandoned_ = false;
  bool ended_ = false;
  Result<void> outcome_;
  std::thread thread_;
};

/// A 200 that streams what the producer makes; the producer's error when it made nothing.
Result<net::Response> stream_response(PieceStream::Producer producer, std::string content_type);

/// The same for server-sent events: an error after the first event is told as an `error` event too.
Result<net::Response> event_stream_response(PieceStream::Producer producer);

}  // namespace morgan::services
