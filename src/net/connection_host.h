// What every server of net has: a listening socket, one I/O thread, and the connections that it serves. What a
// connection is, and when one is refused, is the server's affair. Private to net/.
#pragma once

#include "base/log.h"
#include "net/awaiting.h"
#include "net/listen_socket.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdlib>
#include <functional>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>

namespace morgan::net {

/// @tparam Connection  has `awaitable<void> serve()`
/// @thread listen(), start(), on_io() and join() one at a time, not on the I/O thread
template <typename Connection>
class ConnectionHost {
 public:
  /// A connection for a new socket; null refuses it. @thread I/O
  using Admit = std::function<std::shared_ptr<Connection>(boost::asio::ip::tcp::socket socket, std::size_t open)>;

  /// @param io  outlives the host   @param name  for logs
  ConnectionHost(boost::asio::io_context& io, std::string name, Admit admit)
      : io_(io), name_(std::move(name)), admit_(std::move(admit)), acceptor_(io), pause_(io) {}

  /// @error as listen_on()
  Result<void> listen(const std::string& host, std::uint16_t port) { return listen_on(acceptor_, host, port); }

  std::uint16_t port() const {
    boost::system::error_code error;
    return acceptor_.local_endpoint(error).port();
  }

  void start() {
    boost::asio::co_spawn(io_, accept(), [this](const std::exception_ptr& failure) { report(failure); });
    thread_ = std::thread([this] { run(); });
  }

  bool started() const { return thread_.joinable(); }

  /// No further connections. @thread I/O, or any before start()
  void close() {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
  }

  /// @thread I/O
  void each(void (Connection::*action)()) {
    const auto connections = connections_;  // an action may end one
    for (const auto& connection : connections)
      (*connection.*action)();
  }

  /// Runs `work` on the I/O thread and waits for it.
  void on_io(const std::function<void()>& work) {
    std::promise<void> done;
    boost::asio::post(io_, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  /// Waits for the end of the I/O thread, which comes when the last connection has ended.
  void join() {
    work_.reset();
    thread_.join();
  }

 private:
  static constexpr std::chrono::milliseconds kAcceptPause{50};  // after a failed accept (no descriptors left)

  static boost::asio::awaitable<void> serve(std::shared_ptr<Connection> connection) { co_await connection->serve(); }

  void run() {
    try {
      io_.run();
    } catch (const std::exception& exception) {
      log::error(name_, "the I/O thread failed", {{"what", exception.what()}});
      std::abort();
    }
  }

  boost::asio::awaitable<void> accept() {
    while (acceptor_.is_open()) {
      auto accepted = co_await acceptor_.async_accept(kTuple);
      if (!acceptor_.is_open()) break;
      if (!std::get<0>(accepted)) {
        take(std::move(std::get<1>(accepted)));
        continue;
      }
      pause_.expires_after(kAcceptPause);
      const auto waited = co_await pause_.async_wait(kTuple);
      static_cast<void>(waited);
    }
  }

  void take(boost::asio::ip::tcp::socket socket) {
    const auto connection = admit_(std::move(socket), connections_.size());
    if (!connection) return;
    connections_.insert(connection);
    boost::asio::co_spawn(io_, serve(connection), [this, connection](const std::exception_ptr& failure) {
      report(failure);
      connections_.erase(connection);
    });
  }

  void report(const std::exception_ptr& failure) const {
    if (!failure) return;
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& exception) {
      log::error(name_, "a connection failed", {{"what", exception.what()}});
    }
  }

  boost::asio::io_context& io_;
  const std::string name_;
  const Admit admit_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  std::set<std::shared_ptr<Connection>> connections_;  // shared with the coroutines; I/O thread only
  std::thread thread_;
};

}  // namespace morgan::net
