#include "net/http_connection.h"

#include "base/log.h"
#include "base/strings.h"
#include "net/awaiting.h"
#include "net/cors.h"
#include "net/ws_session_connection.h"
#include "net/ws_thread_connection.h"

#include <fmt/format.h>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include <algorithm>
#include <array>

namespace morgan::net {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t kHeadLimit = 16 * 1024;
constexpr std::size_t kBufferLimit = 64 * 1024;
constexpr std::size_t kReadSize = 16 * 1024;
constexpr std::size_t kBodyPiece = 64 * 1024;
constexpr int kRefusedUpgrade = 400;
constexpr int kClientClosed = 499;              // for the observer: nobody was there to take the answer
constexpr std::size_t kJoinedBody = 64 * 1024;  // a smaller body travels in one write with its head

// After a refusal, how much of what the client still sends is read away, so that it gets to read the
// answer instead of a reset.
constexpr std::uint64_t kDrainLimit = 256'000'000;
constexpr std::uint64_t kShortDrainLimit = 1'000'000;
constexpr std::chrono::milliseconds kDrainTime{30'000};
constexpr std::chrono::milliseconds kDrainPause{5'000};
constexpr std::chrono::milliseconds kShortDrainPause{1'000};
constexpr std::chrono::milliseconds kGoodbyeTime{1'000};  // for the client's own end of TLS
constexpr char kTlsHandshake = 0x16;                      // the first byte of every TLS connection

error_code error_of(const std::tuple<error_code, std::size_t>& done) {
  return std::get<0>(done);
}

std::size_t size_of(const std::tuple<error_code, std::size_t>& done) {
  return std::get<1>(done);
}

// Counts as long as it lives.
class CountedSession {
 public:
  explicit CountedSession(std::size_t& count) : count_(count) { ++count_; }
  ~CountedSession() { --count_; }
  CountedSession(const CountedSession&) = delete;
  CountedSession& operator=(const CountedSession&) = delete;

 private:
  std::size_t& count_;
};

/// An IPv4 address is one, however the socket writes it.
asio::ip::address plain_address(const asio::ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
}

void overwrite(Headers& headers, const Headers& with) {
  for (const auto& [name, value] : with)
    headers.erase(name);
  headers.insert(with.begin(), with.end());
}

std::size_t count_fields(const http::fields& fields) {
  return static_cast<std::size_t>(std::distance(fields.begin(), fields.end()));
}

}  // namespace

HttpConnection::HttpConnection(ServerContext* context, asio::ip::tcp::socket socket, Admission admission)
    : context_(context),
      socket_(std::move(socket)),
      admission_(admission),
      event_(socket_.get_executor()),
      deadline_(socket_.get_executor()),
      buffer_(kBufferLimit) {
  error_code ignored;
  socket_.tcp().set_option(asio::ip::tcp::no_delay(true), ignored);
  const auto endpoint = socket_.tcp().remote_endpoint(ignored);
  if (!ignored) {
    const auto address = plain_address(endpoint.address());
    peer_ = address.to_string(ignored);
    from_here_ = address.is_loopback();
  }
  context_->counts.add_connection(1);
}

HttpConnection::~HttpConnection() {
  set_busy(false);
  context_->counts.add_connection(-1);
}

asio::awaitable<void> HttpConnection::serve() {
  if (context_->options.tls) {
    const bool ready = co_await begin_tls();
    if (!ready) {
      cut();
      co_return;
    }
  }
  do {
    const bool arrived = co_await wait_for_request();
    if (!arrived) break;
    set_busy(true);
    co_await serve_one();
    set_busy(false);
    keep_alive_ = keep_alive_ && !context_->draining;
  } while (keep_alive_ && !gone_);
  if (socket_.is_tls() && !gone_) {
    co_await end_sending();
  }
  cut();
}

// Who does not begin with TLS is answered in the clear: with an answer when this machine asks itself, else with why
// not.
asio::awaitable<bool> HttpConnection::begin_tls() {
  arm_deadline(context_->options.header_timeout);
  const auto readable = co_await socket_.tcp().async_wait(asio::ip::tcp::socket::wait_read, kTuple);
  error_code error = std::get<0>(readable);
  std::array<char, 1> first{};
  if (!error) socket_.tcp().receive(asio::buffer(first), asio::socket_base::message_peek, error);
  if (!error && first[0] == kTlsHandshake) {
    Socket::TlsStream& tls = socket_.begin_tls(*current_context(*context_->options.tls));
    const auto shaken = co_await tls.async_handshake(asio::ssl::stream_base::server, kTuple);
    error = std::get<0>(shaken);
    if (error)
      log::debug(context_->options.name, "a client broke off the beginning of TLS", {{"why", error.message()}});
  }
  disarm_deadline();
  co_return !error && !gone_;
}

asio::awaitable<void> HttpConnection::end_sending() {
  arm_deadline(kGoodbyeTime);
  co_await socket_.end_sending();
  disarm_deadline();
}

asio::awaitable<void> HttpConnection::serve_one() {
  began_ = Clock::now();
  body_refused_ = false;
  match_.reset();
  more_headers_.clear();
  exchange_ = std::make_shared<Exchange>(&context_->options, [weak = weak_from_this(), context = context_] {
    // Moved along, so that a worker never holds the last reference.
    if (auto self = weak.lock()) asio::post(context->io, [self = std::move(self)] { self->wake(); });
  });
  exchange_->request.peer = peer_;
  exchange_->request.from_here = from_here_;
  exchange_->request.secure = socket_.is_tls();
  Early early = co_await read_head();
  if (!early && !gone_) early = route();
  if (!early && !gone_ && is_websocket()) {
    co_await upgrade();
    co_return;
  }
  if (!early && !gone_) {
    early = co_await read_body();
  }
  if (gone_) co_return;
  if (early) {
    co_await answer_early(std::move(*early));
  } else {
    co_await answer_from_handler();
  }
}

asio::awaitable<bool> HttpConnection::wait_for_request() {
  const bool first = parser_ == std::nullopt;
  const auto limit = first ? context_->options.header_timeout : context_->options.idle_timeout;
  const auto until = Clock::now() + limit;
  for (;;) {
    // What a read writes into must not move.
    if (buffer_.size() > 0) co_await stop_watching();
    if (gone_ || context_->draining) co_return false;
    if (request_has_begun()) co_return true;
    const std::size_t had = buffer_.size();
    if (!watching_) watch();
    while (watching_ && !gone_ && !context_->draining && Clock::now() < until)
      co_await sleep_until(until);
    if (buffer_.size() == had) co_return false;
  }
}

// RFC 9112, section 2.2: a line break too many after the last body is not an error. It begins no request either, and
// may come in two pieces.
bool HttpConnection::request_has_begun() {
  std::string begin;
  while ((begin = beast::buffers_to_string(asio::buffer(buffer_.data(), 2))) == "\r\n")
    buffer_.consume(2);
  return !begin.empty() && begin != "\r";
}

asio::awaitable<HttpConnection::Early> HttpConnection::read_head() {
  parser_.emplace();
  parser_->header_limit(kHeadLimit);
  parser_->body_limit(boost::none);  // each route has its own, see read_body
  timed_out_ = false;
  error_code error;
  buffer_.consume(parser_->put(buffer_.data(), error));
  // A head mostly arrives as a whole, and then nothing has to be waited for.
  if (error == http::error::need_more) {
    arm_deadline(context_->options.header_timeout);
    const auto done = co_await http::async_read_header(socket_, buffer_, *parser_, kTuple);
    disarm_deadline();
    error = error_of(done);
  }
  keep_alive_ = false;
  Request& request = exchange_->request;
  if (timed_out_) {
    co_return refuse(refusal(ErrorCode::kDeadlineExceeded, "the request's head did not arrive in time", 408));
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    co_return refuse(refusal(ErrorCode::kTooLarge, "the request's head is larger than 16 KiB", 431));
  }
  if (error && error.category() == http::make_error_code(http::error::bad_value).category() &&
      error != http::error::end_of_stream && error != http::error::partial_message) {
    co_return refuse(
        refusal(ErrorCode::kInvalidArgument, "this is not a well-formed HTTP request: " + error.message(), 400));
  }
  if (error) {
    leave();
    co_return std::nullopt;
  }
  if (const auto refused = check_head(parser_->get())) co_return refuse(*refused);
  if (const auto refused = read_request_line(parser_->get(), request, raw_path_)) co_return refuse(*refused);
  if (context_->options.tls && !socket_.is_tls() && !from_here_) {
    co_return refuse(
        refusal(ErrorCode::kInvalidArgument, "this address speaks TLS: begin with https:// or wss://", 400));
  }
  const auto& origins = context_->options.allowed_origins;
  if (const auto refused = check_origin(request, origins)) co_return refuse(*refused);
  add_headers(cors_headers(request, origins));
  keep_alive_ = parser_->keep_alive() && !context_->draining;
  if (admission_ == Admission::kTooMany) {
    keep_alive_ = false;
    co_return refuse(refusal(ErrorCode::kOverloaded, "too many connections are open here", 503));
  }
  co_return std::nullopt;
}

HttpConnection::Early HttpConnection::route() {
  const Request& request = exchange_->request;
  auto match = context_->routes.find(request.method, raw_path_);
  if (!match) {
    const ErrorCode code = match.error().code;
    if (code != ErrorCode::kUnsupported && raw_path_ != "*") return refuse(refusal(code, match.error().message));
    const Refusal not_allowed = with_allow(refusal(code, match.error().message, 405));
    if (request.method != Method::kOptions) return refuse(not_allowed);
    Response options;
    options.status = 204;
    options.headers = not_allowed.headers;
    add_headers(preflight_headers(request, context_->options.allowed_origins, not_allowed.headers.begin()->second));
    return options;
  }
  match_ = std::move(match).value();
  exchange_->request.params = match_->params;
  if (match_->handler != nullptr && !beast::websocket::is_upgrade(parser_->get())) {
    match_->ws_handler = nullptr;
    match_->ws_session = nullptr;
  }
  if (Early refused = ask_gate()) return refused;
  if (is_websocket()) return check_upgrade();
  return std::nullopt;
}

HttpConnection::Early HttpConnection::ask_gate() {
  const RouteAccess& access = is_websocket() ? match_->ws_options->access : match_->options->access;
  if (access.open || !context_->options.gate) return std::nullopt;
  GateAnswer answer = context_->options.gate(exchange_->request, access);
  add_headers(answer.headers);
  exchange_->request.caller = std::move(answer.caller);
  if (!answer.refused) return std::nullopt;
  body_refused_ = !parser_->is_done();
  return refuse(Refusal{std::move(*answer.refused), 0, {}});
}

bool HttpConnection::is_websocket() const {
  return match_->ws_handler != nullptr || match_->ws_session != nullptr;
}

HttpConnection::Early HttpConnection::check_upgrade() {
  const Request& request = exchange_->request;
  if (!beast::websocket::is_upgrade(parser_->get())) {
    return refuse(
        refusal(ErrorCode::kUnsupported, "this address speaks WebSocket only", 426, {{"Upgrade", "websocket"}}));
  }
  if (const auto refused = check_page_origin(request, context_->options.allowed_origins)) return refuse(*refused);
  if (buffer_.size() > 0) {
    return refuse(refusal(ErrorCode::kInvalidArgument, "frames were sent before the handshake's answer", 400));
  }
  const bool has_thread = match_->ws_session == nullptr;
  const std::size_t limit = has_thread ? kMaxWsThreads : context_->options.max_ws_sessions;
  if ((has_thread ? context_->ws_threads : context_->ws_sessions) >= limit) {
    return refuse(refusal(ErrorCode::kOverloaded, fmt::format("{} sessions are open already", limit), 503));
  }
  if (!match_->ws_options->accept) return std::nullopt;
  auto accepted = match_->ws_options->accept(request);
  if (!accepted) return refuse(Refusal{accepted.error(), 0, {}});
  ws_protocol_ = std::move(*accepted);
  return std::nullopt;
}

asio::awaitable<HttpConnection::Early> HttpConnection::read_body() {
  if (parser_->is_done()) co_return std::nullopt;
  const std::uint64_t limit = match_->options->body_limit;
  const Refusal large =
      refusal(ErrorCode::kTooLarge, "the body is larger than this address takes, " + human_bytes(limit), 413);
  const auto declared = parser_->content_length();
  if (declared && *declared > limit) {
    body_refused_ = true;
    co_return refuse(large);
  }
  const bool waits = !exchange_->request.header("Expect").empty() && parser_->get().version() >= 11;
  if (waits && buffer_.size() == 0) {
    const bool sent = co_await write("HTTP/1.1 100 Continue\r\n\r\n");
    if (!sent) co_return std::nullopt;
  }
  const std::size_t head_fields = count_fields(parser_->get());
  std::string& body = exchange_->request.body;
  const auto piece = std::make_unique_for_overwrite<char[]>(kBodyPiece);
  const auto begin = Clock::now();
  while (!parser_->is_done()) {
    auto& target = parser_->get().body();
    target.data = piece.get();
    target.size = kBodyPiece;
    const auto patience = context_->options.header_timeout;
    const auto spent = std::chrono::floor<std::chrono::milliseconds>(Clock::now() - begin);
    arm_deadline(std::min(patience, body_time(patience, body.size()) - spent));
    const auto done = co_await http::async_read_some(socket_, buffer_, *parser_, kTuple);
    disarm_deadline();
    const error_code error = error_of(done);
    const std::size_t got = kBodyPiece - target.size;
    if (timed_out_) {
      co_return refuse(refusal(ErrorCode::kDeadlineExceeded, "the request's body did not arrive in time", 408));
    }
    if (body.size() + got > limit) {
      body_refused_ = true;
      co_return refuse(large);
    }
    body.append(piece.get(), got);
    if (!error || error == http::error::need_buffer) continue;
    if (error.category() == http::make_error_code(http::error::bad_value).category() &&
        error != http::error::partial_message) {
      keep_alive_ = false;
      co_return refuse(refusal(ErrorCode::kInvalidArgument, "the body's chunks are malformed", 400));
    }
    leave();
    co_return std::nullopt;
  }
  if (count_fields(parser_->get()) != head_fields) {
    keep_alive_ = false;
    co_return refuse(refusal(ErrorCode::kInvalidArgument, "trailers are not taken", 400));
  }
  co_return std::nullopt;
}

asio::awaitable<void> HttpConnection::upgrade() {
  keep_alive_ = false;
  const CountedSession counted(match_->ws_session != nullptr ? context_->ws_sessions : context_->ws_threads);
  Socket socket = std::exchange(socket_, Socket(context_->io));
  if (match_->ws_session != nullptr) {
    ws_ = std::make_shared<WsSessionConnection>(context_, std::move(socket), std::move(exchange_->request),
                                                match_->ws_session);
  } else {
    ws_ = std::make_shared<WsThreadConnection>(context_, std::move(socket), std::move(exchange_->request),
                                               match_->ws_handler);
  }
  ws_->set_limits(match_->ws_options->max_message, ws_protocol_);
  const bool accepted = co_await ws_->accept(&parser_->get());
  int status = kRefusedUpgrade;
  if (accepted) {
    // A session may be idle for hours: what only HTTP needs goes.
    parser_.reset();
    buffer_.clear();
    buffer_.shrink_to_fit();
    status = co_await ws_->run();
  }
  exchange_->request = ws_->request();
  observe(status);
}

asio::awaitable<void> HttpConnection::answer_early(Response response) {
  const bool whole = parser_->is_done();
  keep_alive_ = keep_alive_ && whole;
  const int status = response.status;
  const bool sent = co_await answer_whole(std::move(response));
  if (!sent) co_return;
  observe(status);
  if (keep_alive_ || timed_out_) co_return;
  if (body_refused_) {
    co_await linger(kDrainLimit, kDrainPause);
  } else if (!whole || buffer_.size() > 0) {
    co_await linger(kShortDrainLimit, kShortDrainPause);
  }
}

asio::awaitable<void> HttpConnection::answer_from_handler() {
  const Handler* handler = match_->handler;
  if (match_->options->run_on == RunOn::kInline) {
    Response response = exchange_->run_inline(*handler);
    co_await answer_early(std::move(response));
    co_return;
  }
  if (match_->options->ready) {
    std::optional<Response> response = exchange_->find_ready(match_->options->ready);
    if (response) {
      co_await answer_early(std::move(*response));
      co_return;
    }
  }
  context_->counts.add_handler(1);
  const auto taken = context_->pool->run([context = context_, exchange = exchange_, handler] {
    exchange->run(*handler);
    context->counts.add_handler(-1);
  });
  if (!taken) {
    context_->counts.add_handler(-1);
    Response busy = refuse(refusal(ErrorCode::kOverloaded, "too many requests are waiting here", 503));
    co_await answer_early(std::move(busy));
    co_return;
  }
  handling_ = true;
  if (!watching_) watch();
  std::optional<Exchange::Head> head = exchange_->take_head();
  while (!head) {
    co_await sleep_until(Clock::time_point::max());
    head = exchange_->take_head();
  }
  const int status = head->response.status;
  const bool streamed = head->streamed;
  bool sent = false;
  if (streamed) {
    sent = co_await answer_stream(std::move(head->response));
  } else {
    sent = co_await answer_whole(std::move(head->response));
  }
  handling_ = false;
  if (!sent || (left_half_ && buffer_.size() == 0)) keep_alive_ = false;
  observe(gone_ ? kClientClosed : status);
}

asio::awaitable<bool> HttpConnection::answer_whole(Response response) {
  const Request& request = exchange_->request;
  overwrite(response.headers, more_headers_);
  std::string bytes = response_head(response, Framing::kLength, persistence(), request.request_id);
  if (request.method == Method::kHead || has_no_body(response.status)) response.body.clear();
  if (response.body.size() <= kJoinedBody) {
    bytes += response.body;
    response.body.clear();
  }
  bool sent = co_await write(bytes);
  if (sent && !response.body.empty()) {
    sent = co_await write(response.body);
  }
  co_return sent;
}

asio::awaitable<bool> HttpConnection::answer_stream(Response response) {
  const Request& request = exchange_->request;
  const bool chunked = parser_->get().version() >= 11;
  if (!chunked) keep_alive_ = false;
  const bool bodiless = request.method == Method::kHead || has_no_body(response.status);
  overwrite(response.headers, more_headers_);
  const std::string head =
      response_head(response, chunked ? Framing::kChunked : Framing::kClose, persistence(), request.request_id);
  bool sent = co_await write(head);
  for (;;) {
    // To the end even when the client has gone: the handler must be through before the next request.
    Exchange::Piece piece = exchange_->take();
    const bool nothing_yet = piece.bytes.empty();
    if (!nothing_yet && sent && !bodiless) {
      const std::string framed =
          chunked ? fmt::format("{:x}\r\n{}\r\n", piece.bytes.size(), piece.bytes) : std::move(piece.bytes);
      sent = co_await write(framed);
    }
    if (piece.finished) {
      sent = sent && !piece.failed;
      break;
    }
    if (!sent) exchange_->abort(StopReason::kClientGone);
    if (nothing_yet) co_await sleep_until(Clock::time_point::max());
  }
  if (sent && chunked && !bodiless) {
    sent = co_await write("0\r\n\r\n");
  }
  if (!sent && !chunked && !gone_) {
    // Without chunks only a reset tells a part from the whole.
    error_code ignored;
    socket_.tcp().set_option(asio::socket_base::linger(true, 0), ignored);
  }
  co_return sent;
}

asio::awaitable<bool> HttpConnection::write(std::string_view bytes) {
  while (!bytes.empty() && !gone_) {
    arm_deadline(context_->options.write_timeout);
    const auto done = co_await socket_.async_write_some(asio::buffer(bytes), kTuple);
    disarm_deadline();
    if (error_of(done)) leave();
    bytes.remove_prefix(size_of(done));
  }
  co_return !gone_;
}

asio::awaitable<void> HttpConnection::linger(std::uint64_t max_bytes, std::chrono::milliseconds pause) {
  co_await end_sending();
  const auto piece = std::make_unique_for_overwrite<char[]>(kBodyPiece);
  const auto until = Clock::now() + kDrainTime;
  for (std::uint64_t drained = 0; drained < max_bytes && Clock::now() < until && !gone_;) {
    arm_deadline(pause);
    const auto done = co_await socket_.tcp().async_read_some(asio::buffer(piece.get(), kBodyPiece), kTuple);
    disarm_deadline();
    if (error_of(done)) break;
    drained += size_of(done);
  }
}

asio::awaitable<void> HttpConnection::sleep_until(Clock::time_point when) {
  event_.expires_at(when);
  const auto woken = co_await event_.async_wait(kTuple);
  static_cast<void>(woken);  // whether time or wake(): the caller looks at what it waits for
}

asio::awaitable<void> HttpConnection::stop_watching() {
  while (watching_) {
    watch_cancel_.emit(asio::cancellation_type::all);
    co_await sleep_until(Clock::time_point::max());
  }
}

// A read is the only sure sign of departure; what it reads instead is the next request's beginning.
void HttpConnection::watch() {
  if (gone_ || left_half_ || buffer_.size() + kReadSize > kBufferLimit) return;
  watching_ = true;
  socket_.async_read_some(buffer_.prepare(kReadSize),
                          asio::bind_cancellation_slot(watch_cancel_.slot(),
                                                       [self = shared_from_this()](error_code error, std::size_t size) {
                                                         self->on_watched(error, size);
                                                       }));
}

void HttpConnection::on_watched(error_code error, std::size_t size) {
  watching_ = false;
  buffer_.commit(size);
  if (error == asio::error::eof) {
    left_half_ = true;
    if (handling_) exchange_->abort(StopReason::kClientGone);
  } else if (error && error != asio::error::operation_aborted) {
    leave();
  } else if (!error && handling_) {
    watch();
  }
  wake();
}

// Hardly a deadline passes, and each request has several: a wait that ends no later than the new one goes on, and looks
// again at its end.
void HttpConnection::arm_deadline(std::chrono::milliseconds limit) {
  timed_out_ = false;
  deadline_at_ = Clock::now() + limit;
  if (!deadline_waits_ || deadline_.expiry() > deadline_at_) wait_for_deadline();
}

void HttpConnection::wait_for_deadline() {
  deadline_waits_ = true;
  deadline_.expires_at(deadline_at_);
  deadline_.async_wait([self = shared_from_this(), id = ++deadline_id_](error_code error) {
    if (id != self->deadline_id_) return;
    self->deadline_waits_ = false;
    if (error || self->deadline_at_ == Clock::time_point::max()) return;
    if (Clock::now() < self->deadline_at_) return self->wait_for_deadline();
    self->timed_out_ = true;
    self->socket_.cancel();
  });
}

void HttpConnection::disarm_deadline() {
  deadline_at_ = Clock::time_point::max();
}

Response HttpConnection::refuse(const Refusal& refused) const {
  if (exchange_->request.request_id.empty()) exchange_->request.request_id = choose_request_id({});
  Response response = respond_to_error(context_->options, refused.error, exchange_->request);
  const std::chrono::duration<double> took = Clock::now() - began_;
  response.headers.emplace("X-Process-Time", fmt::format("{:.4f}", took.count()));
  response.stream = nullptr;
  if (refused.status != 0) response.status = refused.status;
  if (refused.status == 503) response.headers.emplace("Retry-After", "1");
  overwrite(response.headers, refused.headers);
  return response;
}

Refusal HttpConnection::with_allow(Refusal refused) const {
  std::vector<std::string> names;
  for (const Method method :
       {Method::kGet, Method::kHead, Method::kPost, Method::kPut, Method::kPatch, Method::kDelete}) {
    if (raw_path_ == "*" || context_->routes.find(method, raw_path_)) names.emplace_back(to_string(method));
  }
  names.emplace_back("OPTIONS");
  refused.headers.emplace("Allow", join(names, ", "));
  return refused;
}

Persistence HttpConnection::persistence() const {
  if (!keep_alive_ || context_->draining) return Persistence::kClose;
  return parser_->get().version() < 11 ? Persistence::kKeepAliveTold : Persistence::kKeepAlive;
}

void HttpConnection::observe(int status) {
  if (!context_->options.observer) return;
  const std::chrono::duration<double> took = Clock::now() - began_;
  try {
    context_->options.observer(exchange_->request, match_ ? std::string_view(match_->pattern) : std::string_view{},
                               status, took.count());
  } catch (const std::exception& exception) {
    log::error(context_->options.name, "the observer threw", {{"what", exception.what()}});
  }
}

void HttpConnection::wake() {
  event_.cancel();
}

void HttpConnection::leave() {
  gone_ = true;
  keep_alive_ = false;
  if (exchange_) exchange_->abort(StopReason::kClientGone);
  wake();
}

void HttpConnection::add_headers(const Headers& headers) {
  overwrite(more_headers_, headers);
}

void HttpConnection::set_busy(bool busy) {
  if (busy_ == busy) return;
  busy_ = busy;
  context_->counts.add_busy(busy ? 1 : -1);
}

void HttpConnection::begin_stop() {
  if (ws_) ws_->begin_stop();
  if (!busy_) cut();
}

void HttpConnection::fire_shutdown() {
  if (ws_) ws_->fire_shutdown();
  if (exchange_) exchange_->abort(StopReason::kShutdown);
  if (busy_ && !handling_ && !ws_) cut();
}

void HttpConnection::cut() {
  if (ws_) ws_->cut();
  gone_ = true;
  socket_.close();
  ++deadline_id_;
  deadline_waits_ = false;
  deadline_.cancel();
  wake();
}

}  // namespace morgan::net
