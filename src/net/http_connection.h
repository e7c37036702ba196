// One client connection: reads requests, has them answered, and keeps watching the socket meanwhile.
// Everything here runs on the server's I/O thread; handlers meet it only through Exchange.
#pragma once

#include "net/exchange.h"
#include "net/http_guard.h"
#include "net/response_head.h"
#include "net/server_context.h"
#include "net/socket.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <chrono>
#include <memory>
#include <optional>

namespace morgan::net {

class WsConnection;

// The coroutine that serves it and the server's set of open connections share a connection.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  enum class Admission : std::uint8_t { kServe, kTooMany };

  HttpConnection(ServerContext* context, boost::asio::ip::tcp::socket socket, Admission admission);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  /// Serves until the connection ends. The caller holds the object for as long.
  boost::asio::awaitable<void> serve();

  void begin_stop();     ///< closes when nothing runs, else after the answer
  void fire_shutdown();  ///< interrupts the handler
  void cut();            ///< closes the socket

 private:
  using Clock = std::chrono::steady_clock;
  using Early = std::optional<Response>;  // an answer that needs no handler
  template <typename T>
  using awaitable = boost::asio::awaitable<T>;

  awaitable<bool> begin_tls();
  awaitable<void> end_sending();
  awaitable<bool> wait_for_request();
  bool request_has_begun();
  awaitable<void> serve_one();
  awaitable<Early> read_head();
  Early route();
  Early ask_gate();
  awaitable<Early> read_body();
  awaitable<void> upgrade();
  awaitable<void> answer_early(Response response);
  awaitable<void> answer_from_handler();
  awaitable<bool> answer_whole(Response response);
  awaitable<bool> answer_stream(Response response);
  awaitable<bool> write(std::string_view bytes);
  awaitable<void> linger(std::uint64_t max_bytes, std::chrono::milliseconds pause);
  awaitable<void> sleep_until(Clock::time_point when);
  awaitable<void> stop_watching();

  Response refuse(const Refusal& refused) const;
  Refusal with_allow(Refusal refused) const;
  bool is_websocket() const;
  Early check_upgrade();
  Persistence persistence() const;
  void observe(int status);
  void watch();
  void on_watched(boost::system::error_code error, std::size_t size);
  void arm_deadline(std::chrono::milliseconds limit);
  void disarm_deadline();
  void wait_for_deadline();
  void wake();
  void leave();
  void set_busy(bool busy);
  void add_headers(const Headers& headers);

  ServerContext* context_;  // the server's; outlives every connection
  Socket socket_;
  const Admission admission_;
  std::string peer_;
  bool from_here_ = false;
  boost::asio::steady_timer event_;     // sleeps end when it is cancelled
  boost::asio::steady_timer deadline_;  // when deadline_at_ has come, what the socket does is cancelled
  std::uint64_t deadline_id_ = 0;
  bool deadline_waits_ = false;
  Clock::time_point deadline_at_ = Clock::time_point::max();
  boost::asio::cancellation_signal watch_cancel_;
  boost::beast::flat_buffer buffer_;

  std::shared_ptr<Exchange> exchange_;  // shared with the worker that runs the handler
  std::optional<boost::beast::http::request_parser<boost::beast::http::buffer_body>> parser_;
  std::optional<Router::Match> match_;
  std::string raw_path_;
  Headers more_headers_;              // for the answer, whoever gives it
  std::string ws_protocol_;           // to answer the handshake with, or ""
  std::shared_ptr<WsConnection> ws_;  // shared with the session's thread, and with what it posts and writes
  Clock::time_point began_;
  bool watching_ = false;      // a read is under way that tells data from departure
  bool handling_ = false;      // the watch goes on after data
  bool timed_out_ = false;     // the last deadline passed
  bool gone_ = false;          // the socket is of no more use
  bool left_half_ = false;     // the client sends no more, but may still read
  bool busy_ = false;          // counted in LiveCounts
  bool keep_alive_ = false;    // after this answer
  bool body_refused_ = false;  // the body was refused: the rest of it is still coming
};

}  // namespace morgan::net
