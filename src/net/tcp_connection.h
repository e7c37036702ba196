// The socket of one TcpServer client. All of it runs on the server's I/O thread.
#pragma once

#include "net/live_counts.h"
#include "net/tcp_outbox.h"
#include "net/tcp_server.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>

namespace morgan::net {

struct TcpContext {
  TcpContext(TcpServerOptions given, TcpSessionFactory make) : options(std::move(given)), factory(std::move(make)) {}

  TcpServerOptions options;
  TcpSessionFactory factory;
  LiveCounts counts;
  boost::asio::io_context io{1};
};

// Shared by the coroutine that serves it, by the server's set, and by what it posts and writes.
class TcpConnection : public std::enable_shared_from_this<TcpConnection> {
 public:
  /// @param context  the server's; outlives every connection
  TcpConnection(TcpContext* context, boost::asio::ip::tcp::socket socket);
  ~TcpConnection();
  TcpConnection(const TcpConnection&) = delete;
  TcpConnection& operator=(const TcpConnection&) = delete;

  /// Serves until the connection ends. The caller holds the object for as long.
  boost::asio::awaitable<void> serve();

  void begin_stop();  ///< the session is to finish
  void cut();         ///< closes the socket

 private:
  boost::asio::awaitable<void> read_bytes();
  boost::asio::awaitable<void> linger();
  boost::asio::awaitable<void> sleep();
  template <typename Call>
  void guarded(Call&& call);
  void on_outbox();
  void pump();
  void watch_departure();
  void watch_idleness();
  void cut_after(std::chrono::milliseconds limit);
  bool over() const { return gone_ || finished_; }

  TcpContext* const context_;
  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer event_;     // sleeps end when it is cancelled
  boost::asio::steady_timer idle_;      // for messages
  boost::asio::steady_timer deadline_;  // of a write, and of the farewell
  std::shared_ptr<TcpOutbox> outbox_;   // shared with the session and whoever it gives it to
  std::shared_ptr<TcpSession> session_;
  std::string current_;         // what is being written
  std::uint64_t messages_ = 0;  // when idle_ was set
  bool writing_ = false;
  bool paused_ = false;    // the session takes no bytes
  bool finished_ = false;  // closed, and all was written
  bool gone_ = false;      // the socket is of no more use
};

}  // namespace morgan::net
