#include "net/tcp_server.h"

#include "base/log.h"
#include "net/descriptor_limit.h"
#include "net/listen_socket.h"
#include "net/tcp_connection.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdlib>
#include <future>
#include <set>
#include <thread>

namespace morgan::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds kAcceptPause{50};  // after a failed accept (no descriptors left)
constexpr std::chrono::milliseconds kPatience{5'000};  // between warnings that a connection does not end

asio::awaitable<void> serve(std::shared_ptr<TcpConnection> connection) {
  co_await connection->serve();
}

class TcpServerImpl final : public TcpServer {
 public:
  TcpServerImpl(TcpServerOptions options, TcpSessionFactory factory)
      : context_(std::move(options), std::move(factory)), acceptor_(context_.io), pause_(context_.io) {}

  ~TcpServerImpl() override { TcpServerImpl::stop(std::chrono::milliseconds(0)); }

  Result<void> open() {
    MORGAN_CHECK_OK(listen_on(acceptor_, context_.options.host, context_.options.port));
    error_code error;
    port_ = acceptor_.local_endpoint(error).port();
    return {};
  }

  void start() override {
    const std::lock_guard lock(life_);
    if (thread_.joinable() || stopped_) return;
    descriptors_ = DescriptorShare(context_.options.max_connections + 1);
    asio::co_spawn(context_.io, accept(), [this](const std::exception_ptr& failure) { report(failure); });
    thread_ = std::thread([this] { run_io(); });
  }

  std::uint16_t port() const override { return port_; }

  void stop(std::chrono::milliseconds grace) override {
    const std::lock_guard lock(life_);
    if (std::exchange(stopped_, true)) return;
    if (!thread_.joinable()) {
      error_code ignored;
      acceptor_.close(ignored);
      return;
    }
    on_io([this] { begin_stop(); });
    if (!context_.counts.wait_no_connection(grace)) {
      on_io([this] { each(&TcpConnection::cut); });
      while (!context_.counts.wait_no_connection(kPatience))
        log::warn(context_.options.name, "a connection does not end");
    }
    work_.reset();
    thread_.join();
  }

 private:
  void run_io() {
    try {
      context_.io.run();
    } catch (const std::exception& exception) {
      log::error(context_.options.name, "the I/O thread failed", {{"what", exception.what()}});
      std::abort();
    }
  }

  asio::awaitable<void> accept() {
    while (!context_.draining) {
      auto accepted = co_await acceptor_.async_accept(kTuple);
      if (context_.draining) break;
      if (!std::get<0>(accepted)) {
        admit(std::move(std::get<1>(accepted)));
        continue;
      }
      pause_.expires_after(kAcceptPause);
      const auto waited = co_await pause_.async_wait(kTuple);
      static_cast<void>(waited);
    }
  }

  void admit(tcp::socket socket) {
    if (connections_.size() >= context_.options.max_connections) {
      log::warn(context_.options.name, "a connection is refused: as many are open as there may be",
                {{"open", std::to_string(connections_.size())}});
      return;
    }
    auto connection = std::make_shared<TcpConnection>(&context_, std::move(socket));
    connections_.insert(connection);
    asio::co_spawn(context_.io, serve(connection), [this, connection](const std::exception_ptr& failure) {
      report(failure);
      connections_.erase(connection);
    });
  }

  void report(const std::exception_ptr& failure) const {
    if (!failure) return;
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& exception) {
      log::error(context_.options.name, "a connection failed", {{"what", exception.what()}});
    }
  }

  void begin_stop() {
    context_.draining = true;
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    each(&TcpConnection::begin_stop);
  }

  void each(void (TcpConnection::*action)()) {
    const auto connections = connections_;  // an action may end one
    for (const auto& connection : connections)
      (*connection.*action)();
  }

  /// Runs `work` on the I/O thread and waits for it.
  void on_io(std::function<void()> work) {
    std::promise<void> done;
    asio::post(context_.io, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  TcpContext context_;
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.io.get_executor()};
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  std::set<std::shared_ptr<TcpConnection>> connections_;  // shared with the coroutines; I/O thread only
  DescriptorShare descriptors_;                           // held while the server runs
  std::uint16_t port_ = 0;
  std::mutex life_;  // start and stop, one at a time
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<TcpServer>> TcpServer::listen(TcpServerOptions options, TcpSessionFactory factory) {
  auto server = std::make_unique<TcpServerImpl>(std::move(options), std::move(factory));
  MORGAN_CHECK_OK(server->open());
  return std::unique_ptr<TcpServer>(std::move(server));
}

}  // namespace morgan::net
