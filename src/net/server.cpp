#include "net/server.h"

#include "base/log.h"
#include "net/connection_host.h"
#include "net/http_connection.h"
#include "net/server_context.h"

namespace morgan::net {

using boost::asio::ip::tcp;

namespace {

constexpr std::size_t kRefusedAtOnce = 64;             // connections over the limit that still get to read why
constexpr std::chrono::milliseconds kLastWords{500};   // for the answers of interrupted handlers
constexpr std::chrono::milliseconds kPatience{5'000};  // between warnings that a handler does not stop

class ServerImpl final : public Server {
 public:
  ServerImpl(ServerOptions options, Router routes) : context_(std::move(options), std::move(routes)) {}

  ~ServerImpl() override { ServerImpl::stop(std::chrono::milliseconds(0)); }

  Result<void> open() {
    MORGAN_CHECK_OK(host_.listen(context_.options.host, context_.options.port));
    port_ = host_.port();
    return {};
  }

  void start() override {
    const std::lock_guard lock(life_);
    if (host_.started() || stopped_) return;
    const ServerOptions& options = context_.options;
    const std::size_t sessions = context_.routes.has_ws_session() ? options.max_ws_sessions : 0;
    context_.descriptors = DescriptorShare(options.max_connections + kRefusedAtOnce + sessions);
    host_.start();
  }

  std::uint16_t port() const override { return port_; }

  void stop(std::chrono::milliseconds grace) override {
    const std::lock_guard lock(life_);
    if (std::exchange(stopped_, true)) return;
    if (!host_.started()) return host_.close();
    host_.on_io([this] {
      context_.draining = true;
      host_.close();
      host_.each(&HttpConnection::begin_stop);
    });
    LiveCounts& counts = context_.counts;
    if (!counts.wait_idle(grace)) {
      host_.on_io([this] { host_.each(&HttpConnection::fire_shutdown); });
      while (!counts.wait_no_handler(kPatience)) {
        log::warn(context_.options.name, "still waiting for a handler that does not stop");
      }
      static_cast<void>(counts.wait_idle(kLastWords));
    }
    context_.pool->stop();
    host_.on_io([this] { host_.each(&HttpConnection::cut); });
    while (!counts.wait_no_connection(kPatience))
      log::warn(context_.options.name, "a connection does not end");
    host_.join();
  }

 private:
  std::shared_ptr<HttpConnection> admit(tcp::socket socket, std::size_t connections) {
    const std::size_t limit = context_.options.max_connections;
    const std::size_t open = connections - context_.ws_sessions;
    if (open >= limit + kRefusedAtOnce) return nullptr;
    const auto admission = open >= limit ? HttpConnection::Admission::kTooMany : HttpConnection::Admission::kServe;
    return std::make_shared<HttpConnection>(&context_, std::move(socket), admission);
  }

  ServerContext context_;
  ConnectionHost<HttpConnection> host_{
      context_.io, context_.options.name,
      [this](tcp::socket socket, std::size_t open) { return admit(std::move(socket), open); }};
  std::uint16_t port_ = 0;
  std::mutex life_;  // start and stop, one at a time
  bool stopped_ = false;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::listen(ServerOptions options, Router routes) {
  auto server = std::make_unique<ServerImpl>(std::move(options), std::move(routes));
  MORGAN_CHECK_OK(server->open());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace morgan::net
