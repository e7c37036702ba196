#include "net/tcp_server.h"

#include "base/log.h"
#include "net/connection_host.h"
#include "net/descriptor_limit.h"
#include "net/tcp_connection.h"

namespace morgan::net {

using boost::asio::ip::tcp;

namespace {

constexpr std::chrono::milliseconds kPatience{5'000};  // between warnings that a connection does not end

class TcpServerImpl final : public TcpServer {
 public:
  TcpServerImpl(TcpServerOptions options, TcpSessionFactory factory)
      : context_(std::move(options), std::move(factory)) {}

  ~TcpServerImpl() override { TcpServerImpl::stop(std::chrono::milliseconds(0)); }

  Result<void> open() {
    MORGAN_CHECK_OK(host_.listen(context_.options.host, context_.options.port));
    port_ = host_.port();
    return {};
  }

  void start() override {
    const std::lock_guard lock(life_);
    if (host_.started() || stopped_) return;
    descriptors_ = DescriptorShare(context_.options.max_connections + 1);
    host_.start();
  }

  std::uint16_t port() const override { return port_; }

  void stop(std::chrono::milliseconds grace) override {
    const std::lock_guard lock(life_);
    if (std::exchange(stopped_, true)) return;
    if (!host_.started()) return host_.close();
    host_.on_io([this] {
      host_.close();
      host_.each(&TcpConnection::begin_stop);
    });
    if (!context_.counts.wait_no_connection(grace)) {
      host_.on_io([this] { host_.each(&TcpConnection::cut); });
      while (!context_.counts.wait_no_connection(kPatience))
        log::warn(context_.options.name, "a connection does not end");
    }
    host_.join();
  }

 private:
  std::shared_ptr<TcpConnection> admit(tcp::socket socket, std::size_t open) {
    if (open >= context_.options.max_connections) {
      log::warn(context_.options.name, "a connection is refused: as many are open as there may be",
                {{"open", std::to_string(open)}});
      return nullptr;
    }
    return std::make_shared<TcpConnection>(&context_, std::move(socket));
  }

  TcpContext context_;
  ConnectionHost<TcpConnection> host_{context_.io, context_.options.name, [this](tcp::socket socket, std::size_t open) {
                                        return admit(std::move(socket), open);
                                      }};
  DescriptorShare descriptors_;  // held while the server runs
  std::uint16_t port_ = 0;
  std::mutex life_;  // start and stop, one at a time
  bool stopped_ = false;
};

}  // namespace

Result<std::unique_ptr<TcpServer>> TcpServer::listen(TcpServerOptions options, TcpSessionFactory factory) {
  auto server = std::make_unique<TcpServerImpl>(std::move(options), std::move(factory));
  MORGAN_CHECK_OK(server->open());
  return std::unique_ptr<TcpServer>(std::move(server));
}

}  // namespace morgan::net
