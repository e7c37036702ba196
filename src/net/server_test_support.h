// What the server's tests share: a server on a free port, and a client that sends bytes as they are.
#pragma once

#include "net/http_client.h"
#include "net/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <future>
#include <string>

namespace morgan::net {

constexpr std::chrono::seconds kTestPatience{8};

inline std::unique_ptr<Server> start_server(Router routes, ServerOptions options = {}) {
  options.name = "test";
  auto server = Server::listen(std::move(options), std::move(routes));
  if (!server) {
    ADD_FAILURE() << server.error().message;
    return nullptr;
  }
  (*server)->start();
  return std::move(server).value();
}

inline std::string url_of(const Server& server, const std::string& path) {
  return "http://127.0.0.1:" + std::to_string(server.port()) + path;
}

inline ClientResponse get(const Server& server, const std::string& path, Headers headers = {}) {
  ClientRequest request;
  request.url = url_of(server, path);
  request.headers = std::move(headers);
  auto response = http_request(request);
  if (response) return std::move(response).value();
  ADD_FAILURE() << response.error().message;
  return {};
}

inline ClientResponse post(const Server& server, const std::string& path, std::string body) {
  ClientRequest request;
  request.method = Method::kPost;
  request.url = url_of(server, path);
  request.body = std::move(body);
  auto response = http_request(request);
  if (response) return std::move(response).value();
  ADD_FAILURE() << response.error().message;
  return {};
}

inline std::string header_of(const ClientResponse& response, std::string_view name) {
  const auto found = response.headers.lower_bound(name);
  if (found == response.headers.end() || CaseInsensitiveLess{}(name, found->first)) return {};
  return found->second;
}

/// A TCP client without manners.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port, int receive_buffer = 0) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0) ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const timeval patience{.tv_sec = kTestPatience.count(), .tv_usec = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  /// @return false when the server takes no more
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// Reads until `mark` has come; what follows it stays for the next call.
  std::string read_until(std::string_view mark) {
    for (;;) {
      if (const std::size_t found = buffer_.find(mark); found != std::string::npos) {
        std::string text = buffer_.substr(0, found + mark.size());
        buffer_.erase(0, text.size());
        return text;
      }
      if (!receive()) return std::exchange(buffer_, {});
    }
  }

  std::string read_exactly(std::size_t size) {
    while (buffer_.size() < size && receive()) {
    }
    std::string text = buffer_.substr(0, size);
    buffer_.erase(0, text.size());
    return text;
  }

  /// Reads until the server closes. A time out is a failure.
  std::string read_all() {
    while (receive()) {
    }
    EXPECT_FALSE(timed_out_) << "the server did not close; so far: " << buffer_.substr(0, 300);
    return std::exchange(buffer_, {});
  }

  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  /// Ends the connection with a reset, as a process does that dies with data unread.
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void shutdown_send() const { ::shutdown(socket_, SHUT_WR); }
  bool was_reset() const { return reset_; }

 private:
  bool receive() {
    char piece[16384];
    const ssize_t got = ::recv(socket_, piece, sizeof piece, 0);
    if (got > 0) {
      buffer_.append(piece, static_cast<std::size_t>(got));
      return true;
    }
    timed_out_ = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    reset_ = got < 0 && errno == ECONNRESET;
    return false;
  }

  int socket_;
  std::string buffer_;
  bool timed_out_ = false;
  bool reset_ = false;
};

/// Sends one request as it is and gives back everything until the server closes.
inline std::string exchange_raw(const Server& server, std::string_view bytes) {
  RawClient client(server.port());
  client.send(bytes);
  return client.read_all();
}

/// Blocks until `stop` fires, as an engine that polls its token does. @return the reason
inline StopReason wait_for_stop(const StopToken& stop) {
  const auto until = std::chrono::steady_clock::now() + kTestPatience;
  while (!stop.stop_requested() && std::chrono::steady_clock::now() < until)
    std::this_thread::yield();
  return stop.reason();
}

template <typename T>
T await(std::future<T>& future) {
  if (future.wait_for(kTestPatience) == std::future_status::ready) return future.get();
  ADD_FAILURE() << "what the test waits for did not happen";
  return T{};
}

inline void await(std::future<void>& future) {
  EXPECT_EQ(future.wait_for(kTestPatience), std::future_status::ready) << "what the test waits for did not happen";
}

}  // namespace morgan::net
