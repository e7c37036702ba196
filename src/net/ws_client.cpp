#include "net/ws_client.h"

#include "net/awaiting.h"
#include "net/socket.h"
#include "net/ws_outbox.h"

#include <fmt/format.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace morgan::net {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t kLongestMessage = 16U << 20U;
constexpr std::size_t kFullInbox = 16U << 20U;
constexpr std::size_t kFullOutbox = 1U << 20U;
constexpr std::uint16_t kNoCloseFrame = 1006;
constexpr std::chrono::seconds kSendPatience{30};

struct Address {
  bool secure = false;
  std::string host;    // without the brackets of IPv6
  std::string port;    // a number
  std::string target;  // path and query
};

Result<Address> parse_url(const std::string& url) {
  const auto wrong = [&url] {
    return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is not like ws://host:port/path", url));
  };
  constexpr std::string_view kScheme = "ws://";
  constexpr std::string_view kSecureScheme = "wss://";
  std::string_view rest = url;
  Address address;
  address.secure = rest.starts_with(kSecureScheme);
  const bool known = address.secure || rest.starts_with(kScheme);
  if (!known || rest.find_first_of(" \r\n#") != std::string_view::npos) return wrong();
  rest.remove_prefix(address.secure ? kSecureScheme.size() : kScheme.size());
  const std::size_t slash = std::min(rest.find_first_of("/?"), rest.size());
  std::string_view authority = rest.substr(0, slash);
  address.target = rest.substr(slash);
  if (!address.target.starts_with('/')) address.target.insert(0, "/");
  std::size_t colon = authority.find(':');
  if (authority.starts_with('[')) {
    const std::size_t bracket = authority.find(']');
    if (bracket == std::string_view::npos) return wrong();
    address.host = authority.substr(1, bracket - 1);
    colon = bracket + 1 < authority.size() ? bracket + 1 : std::string_view::npos;
    if (colon != std::string_view::npos && authority[colon] != ':') return wrong();
  } else {
    address.host = authority.substr(0, colon);
  }
  const std::string_view usual_port = address.secure ? "443" : "80";
  address.port = colon == std::string_view::npos ? usual_port : authority.substr(colon + 1);
  const bool number = !address.port.empty() && address.port.size() <= 5 &&
                      address.port.find_first_not_of("0123456789") == std::string::npos;
  if (address.host.empty() || !number) return wrong();
  return address;
}

Failure refused(const Address& address, unsigned status) {
  ErrorCode code = ErrorCode::kUnavailable;
  if (status == 401 || status == 403) code = ErrorCode::kUnauthorized;
  if (status == 404) code = ErrorCode::kNotFound;
  if (status == 503) code = ErrorCode::kOverloaded;
  return fail(code, fmt::format("{}:{}{} answered {} instead of a WebSocket", address.host, address.port,
                                address.target, status));
}

class BeastClient final : public WsClient {
 public:
  ~BeastClient() override {
    asio::post(io_, [this] { cut(); });
    work_.reset();
    if (thread_.joinable()) thread_.join();
  }

  Result<void> open(const Address& address, const Headers& headers, std::chrono::milliseconds timeout,
                    const std::string& ca_file) {
    if (address.secure) {
      MORGAN_TRY(tls_, client_context(ca_file));
    }
    Result<void> opened;
    bool done = false;
    asio::co_spawn(io_, shake_hands(&address, &headers), [&](const std::exception_ptr& failure, Result<void> result) {
      opened = failure ? Result<void>(fail(ErrorCode::kInternal, "the WebSocket client failed")) : std::move(result);
      done = true;
    });
    const auto until = std::chrono::steady_clock::now() + timeout;
    while (!done && io_.run_one_until(until) > 0) {
    }
    if (!done) {
      // The coroutine refers to what is on this stack: it has to end first.
      resolver_.cancel();
      cut();
      while (!done)
        io_.run_one();
      return fail(ErrorCode::kDeadlineExceeded,
                  fmt::format("{}:{} did not answer in time", address.host, address.port));
    }
    MORGAN_CHECK_OK(std::move(opened));
    asio::co_spawn(io_, read_messages(), [this](const std::exception_ptr&) { set_closed(); });
    thread_ = std::thread([this] { io_.run(); });
    return {};
  }

  Result<void> send(WsMessage message) override {
    std::unique_lock lock(mutex_);
    const bool has_room = changed_.wait_for(
        lock, kSendPatience, [this] { return close_code_ != 0 || closing_ || outbox_bytes_ < kFullOutbox; });
    if (close_code_ != 0 || closing_) return closed_error();
    if (!has_room) return fail(ErrorCode::kDeadlineExceeded, "the server takes nothing");
    outbox_bytes_ += ws_cost(message);
    outbox_.push_back(std::move(message));
    post_pump();
    return {};
  }

  Result<WsMessage> receive(std::chrono::milliseconds timeout) override {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, timeout, [this] { return close_code_ != 0 || !inbox_.empty(); });
    if (inbox_.empty()) {
      if (close_code_ != 0) return closed_error();
      return fail(ErrorCode::kDeadlineExceeded, "no message came in time");
    }
    WsMessage message = std::move(inbox_.front());
    inbox_.pop_front();
    const bool was_full = inbox_bytes_ >= kFullInbox;
    inbox_bytes_ -= ws_cost(message);
    if (was_full) asio::post(io_, [this] { event_.cancel(); });
    return message;
  }

  void close(std::uint16_t code, std::string_view reason, std::chrono::milliseconds timeout) override {
    std::unique_lock lock(mutex_);
    const std::string_view fitting = ws_close_reason(reason);
    if (!closing_) {
      closing_ = websocket::close_reason(static_cast<websocket::close_code>(code),
                                         beast::string_view(fitting.data(), fitting.size()));
    }
    post_pump();
    // What nobody receives any more must not keep the close frame from being read.
    asio::post(io_, [this] { event_.cancel(); });
    changed_.notify_all();
    if (changed_.wait_for(lock, timeout, [this] { return close_code_ != 0; })) return;
    asio::post(io_, [this] { cut(); });
    changed_.wait(lock, [this] { return close_code_ != 0; });
  }

  std::uint16_t close_code() const override {
    const std::lock_guard lock(mutex_);
    return close_code_;
  }

 private:
  asio::awaitable<Result<void>> shake_hands(const Address* address, const Headers* headers) {
    const auto found = co_await resolver_.async_resolve(address->host, address->port, kTuple);
    if (std::get<0>(found) || cut_) {  // no other thread yet
      co_return fail(ErrorCode::kUnavailable, fmt::format("the host '{}' is not known", address->host));
    }
    const auto connected = co_await asio::async_connect(ws_.next_layer().tcp(), std::get<1>(found), kTuple);
    if (std::get<0>(connected)) {
      co_return fail(ErrorCode::kUnavailable, fmt::format("cannot connect to {}:{}: {}", address->host, address->port,
                                                          std::get<0>(connected).message()));
    }
    error_code ignored;
    ws_.next_layer().tcp().set_option(tcp::no_delay(true), ignored);
    if (tls_) {
      Socket::TlsStream& stream = trusted_stream(*address);
      const auto secured = co_await stream.async_handshake(asio::ssl::stream_base::client, kTuple);
      if (std::get<0>(secured)) co_return not_secured(*address, std::get<0>(secured));
    }
    websocket::stream_base::decorator decorate([headers](websocket::request_type& request) {
      request.set(beast::http::field::user_agent, "morgan");
      for (const auto& [name, value] : *headers)
        request.set(name, value);
    });
    ws_.set_option(std::move(decorate));
    ws_.read_message_max(kLongestMessage);
    ws_.auto_fragment(false);
    const bool is_ipv6 = address->host.find(':') != std::string::npos;
    const std::string host = (is_ipv6 ? "[" + address->host + "]" : address->host) + ":" + address->port;
    websocket::response_type response;
    const auto shaken = co_await ws_.async_handshake(response, host, address->target, kTuple);
    const error_code error = std::get<0>(shaken);
    // The decorator refers to the caller's headers.
    ws_.set_option(websocket::stream_base::decorator([](websocket::request_type&) {}));
    if (error == websocket::error::upgrade_declined) co_return refused(*address, response.result_int());
    if (error) {
      co_return fail(ErrorCode::kUnavailable,
                     fmt::format("{}:{} does not speak WebSocket: {}", address->host, address->port, error.message()));
    }
    co_return Result<void>();
  }

  /// Only a server that is what its address says may answer.
  Socket::TlsStream& trusted_stream(const Address& address) {
    Socket::TlsStream& stream = ws_.next_layer().begin_tls(*tls_);
    error_code is_name;
    asio::ip::make_address(address.host, is_name);
    if (is_name) {
      std::string name = address.host;  // OpenSSL's macro for this has a cast of the old style
      SSL_ctrl(stream.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
    }
    error_code ignored;
    stream.set_verify_callback(asio::ssl::host_name_verification(address.host), ignored);
    return stream;
  }

  static Failure not_secured(const Address& address, const error_code& error) {
    return fail(
        ErrorCode::kUnavailable,
        fmt::format("no TLS with {}:{}: {}; a certificate that the system does not know is named by client.ca_file",
                    address.host, address.port, error.message()));
  }

  asio::awaitable<void> read_messages() {
    beast::flat_buffer buffer;
    for (;;) {
      while (inbox_full()) {
        event_.expires_at(std::chrono::steady_clock::time_point::max());
        const auto woken = co_await event_.async_wait(kTuple);
        static_cast<void>(woken);
      }
      const auto done = co_await ws_.async_read(buffer, kTuple);
      if (std::get<0>(done)) co_return;
      deliver({ws_.got_binary(), beast::buffers_to_string(buffer.data())});
      buffer.consume(buffer.size());
    }
  }

  bool inbox_full() const {
    const std::lock_guard lock(mutex_);
    return inbox_bytes_ >= kFullInbox && !closing_ && !cut_;
  }

  void deliver(WsMessage message) {
    const std::lock_guard lock(mutex_);
    if (closing_ && inbox_bytes_ >= kFullInbox) return;  // nobody who has closed waits for it
    inbox_bytes_ += ws_cost(message);
    inbox_.push_back(std::move(message));
    changed_.notify_all();
  }

  // The reading has ended. I/O thread.
  void set_closed() {
    const std::lock_guard lock(mutex_);
    const auto& reason = ws_.reason();
    close_code_ = reason.code == websocket::close_code::none ? kNoCloseFrame : reason.code;
    close_reason_.assign(reason.reason.data(), reason.reason.size());
    outbox_.clear();
    changed_.notify_all();
    cut_ = true;
    ws_.next_layer().close();
  }

  // I/O thread, or before it begins.
  void cut() {
    {
      const std::lock_guard lock(mutex_);
      cut_ = true;
    }
    event_.cancel();
    ws_.next_layer().close();
  }

  Failure closed_error() const {
    if (close_code_ == kNoCloseFrame) return fail(ErrorCode::kUnavailable, "the server has gone without a word");
    if (close_code_ == 0) return fail(ErrorCode::kUnavailable, "the connection is closed");
    return fail(ErrorCode::kUnavailable, fmt::format("the server closed the connection with {}: {}", close_code_,
                                                     close_reason_.empty() ? "no reason given" : close_reason_));
  }

  // With the mutex held.
  void post_pump() {
    if (pump_posted_) return;
    pump_posted_ = true;
    asio::post(io_, [this] { pump(); });
  }

  // The only writer. I/O thread.
  void pump() {
    {
      const std::lock_guard lock(mutex_);
      pump_posted_ = false;
      if (writing_ || close_sent_ || cut_) return;
      if (outbox_.empty()) {
        close_sent_ = closing_.has_value();
      } else {
        current_ = std::move(outbox_.front());
        outbox_.pop_front();
        writing_ = true;
      }
    }
    if (writing_) {
      ws_.binary(current_.binary);
      ws_.async_write(asio::buffer(current_.data), [this](error_code error, std::size_t) { on_written(error); });
    } else if (close_sent_) {
      ws_.async_close(*closing_, [this](error_code) { cut(); });
    }
  }

  void on_written(error_code error) {
    {
      const std::lock_guard lock(mutex_);
      writing_ = false;
      outbox_bytes_ -= ws_cost(current_);
      changed_.notify_all();
    }
    if (error) cut();
    pump();
  }

  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  tcp::resolver resolver_{io_};
  std::shared_ptr<TlsContext> tls_;  // of wss://, else null; nobody else's
  websocket::stream<Socket, false> ws_{io_};
  asio::steady_timer event_{io_};  // ends the wait for room in the inbox
  WsMessage current_;              // the message being written. I/O thread
  bool writing_ = false;           // I/O thread
  bool close_sent_ = false;        // I/O thread

  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  std::deque<WsMessage> inbox_;
  std::size_t inbox_bytes_ = 0;
  std::deque<WsMessage> outbox_;
  std::size_t outbox_bytes_ = 0;                    // what is being written counts too
  std::optional<websocket::close_reason> closing_;  // set once
  std::uint16_t close_code_ = 0;                    // 0: open
  std::string close_reason_;
  bool pump_posted_ = false;
  bool cut_ = false;

  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<WsClient>> WsClient::connect(const std::string& url, const Headers& headers,
                                                    std::chrono::milliseconds timeout, const std::string& ca_file) {
  MORGAN_TRY(const Address address, parse_url(url));
  auto client = std::make_unique<BeastClient>();
  MORGAN_CHECK_OK(client->open(address, headers, timeout, ca_file));
  return std::unique_ptr<WsClient>(std::move(client));
}

}  // namespace morgan::net
