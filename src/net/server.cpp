#include "net/server.h"

#include "base/log.h"
#include "net/http_connection.h"
#include "net/listen_socket.h"
#include "net/server_context.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
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
constexpr std::size_t kRefusedAtOnce = 64;             // connections over the limit that still get to read why
constexpr std::chrono::milliseconds kAcceptPause{50};  // after a failed accept (no descriptors left)
constexpr std::chrono::milliseconds kLastWords{500};   // for the answers of interrupted handlers
constexpr std::chrono::milliseconds kPatience{5'000};  // between warnings that a handler does not stop

asio::awaitable<void> serve(std::shared_ptr<HttpConnection> connection) {
  co_await connection->serve();
}

class ServerImpl final : public Server {
 public:
  ServerImpl(ServerOptions options, Router routes)
      : context_(std::move(options), std::move(routes)), acceptor_(context_.io), pause_(context_.io) {}

  ~ServerImpl() override { ServerImpl::stop(std::chrono::milliseconds(0)); }

  Result<void> open() {
    const ServerOptions& options = context_.options;
    MORGAN_CHECK_OK(listen_on(acceptor_, options.host, options.port));
    error_code error;
    port_ = acceptor_.local_endpoint(error).port();
    return {};
  }

  void start() override {
    const std::lock_guard lock(life_);
    if (thread_.joinable() || stopped_) return;
    const ServerOptions& options = context_.options;
    const std::size_t sessions = context_.routes.has_ws_session() ? options.max_ws_sessions : 0;
    context_.descriptors = DescriptorShare(options.max_connections + kRefusedAtOnce + sessions);
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
    LiveCounts& counts = context_.counts;
    if (!counts.wait_idle(grace)) {
      on_io([this] { each(&HttpConnection::fire_shutdown); });
      while (!counts.wait_no_handler(kPatience)) {
        log::warn(context_.options.name, "still waiting for a handler that does not stop");
      }
      static_cast<void>(counts.wait_idle(kLastWords));
    }
    context_.pool->stop();
    on_io([this] { each(&HttpConnection::cut); });
    while (!counts.wait_no_connection(kPatience))
      log::warn(context_.options.name, "a connection does not end");
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
    const std::size_t limit = context_.options.max_connections;
    const std::size_t open = connections_.size() - context_.ws_sessions;
    if (open >= limit + kRefusedAtOnce) return;
    const auto admission = open >= limit ? HttpConnection::Admission::kTooMany : HttpConnection::Admission::kServe;
    auto connection = std::make_shared<HttpConnection>(&context_, std::move(socket), admission);
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
    each(&HttpConnection::begin_stop);
  }

  void each(void (HttpConnection::*action)()) {
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

  ServerContext context_;
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.io.get_executor()};
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  // Shared with the coroutines that serve them. I/O thread only.
  std::set<std::shared_ptr<HttpConnection>> connections_;
  std::uint16_t port_ = 0;
  std::mutex life_;  // start and stop, one at a time
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::listen(ServerOptions options, Router routes) {
  auto server = std::make_unique<ServerImpl>(std::move(options), std::move(routes));
  MORGAN_CHECK_OK(server->open());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace morgan::net
