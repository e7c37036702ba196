#include "lone_connection.h"

#include "fuzz_target.h"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>

#include <array>
#include <chrono>
#include <exception>

namespace morgan::fuzz {

namespace {

constexpr std::chrono::hours kNever{1};   // a busy machine must not make a client late
constexpr std::size_t kMostPieces = 100;  // then the rest goes at once: a run is to be quick

boost::asio::awaitable<void> serve(std::shared_ptr<net::HttpConnection> connection) {
  co_await connection->serve();
}

}  // namespace

std::size_t piece_of(unsigned char choice) {
  constexpr std::array<std::size_t, 8> kPieces{1, 2, 3, 5, 8, 21, 64, 300};
  return kPieces[choice % kPieces.size()];
}

LoneConnection::LoneConnection(net::ServerOptions options, net::Router routes) {
  options.name = "fuzz";
  options.worker_threads = 1;
  options.header_timeout = options.idle_timeout = options.write_timeout = kNever;
  context_ = std::make_unique<net::ServerContext>(std::move(options), std::move(routes));
}

std::string LoneConnection::exchange(std::string_view opening, std::string_view rest, std::size_t piece) {
  std::array<int, 2> pair{};
  require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) == 0, "a pair of sockets");
  client_ = pair[0];
  answered_.clear();
  boost::asio::ip::tcp::socket socket(context_->io);
  socket.assign(boost::asio::ip::tcp::v4(), pair[1]);
  auto connection =
      std::make_shared<net::HttpConnection>(context_.get(), std::move(socket), net::HttpConnection::Admission::kServe);
  const std::weak_ptr<net::HttpConnection> watched = connection;
  bool ended = false;
  boost::asio::co_spawn(context_->io, serve(std::move(connection)), [&ended](const std::exception_ptr& failure) {
    require(failure == nullptr, "a connection does not throw");
    ended = true;
  });
  settle();
  if (!opening.empty()) send(opening);
  for (std::size_t pieces = 1; !rest.empty(); ++pieces) {
    const std::string_view next = pieces < kMostPieces ? rest.substr(0, piece) : rest;
    rest.remove_prefix(next.size());
    settle();
    send(next);
  }
  settle();
  ::shutdown(client_, SHUT_WR);
  settle();
  cut_ = !ended;
  if (cut_) watched.lock()->cut();
  settle();
  require(ended, "a connection ends when it is cut off");
  ::close(client_);
  require(watched.expired(), "nothing keeps a connection that has ended");
  return std::move(answered_);
}

void LoneConnection::send(std::string_view bytes) const {
  // A server that has closed already takes no more.
  static_cast<void>(::send(client_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

// Runs the server until it waits, and takes what it has answered.
void LoneConnection::settle() {
  std::array<char, 16'384> piece{};
  bool took = true;
  while (took) {
    context_->io.restart();
    took = context_->io.poll() > 0;
    for (ssize_t got = 0; (got = ::recv(client_, piece.data(), piece.size(), MSG_DONTWAIT)) > 0; took = true)
      answered_.append(piece.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace morgan::fuzz
