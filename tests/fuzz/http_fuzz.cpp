// HTTP requests, through the server's own connection: whatever bytes arrive, each answer is well-formed and none is
// the server's fault (5xx); what handlers get to see is within the limits; and it is the same whether the bytes come at
// once or in pieces, for otherwise a proxy on the way could decide what a request is. The first byte chooses the
// pieces.
#include "fuzz_target.h"
#include "lone_connection.h"
#include "net/credentials.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <algorithm>

namespace morgan::fuzz {

namespace {

constexpr std::size_t kBodyLimit = 600;

struct Seen {
  std::vector<net::Request> requests;  // what handlers got
  std::vector<int> statuses;
  bool upgraded = false;
};

Seen& seen() {
  static Seen current;
  return current;
}

net::Response note(const net::Request& request) {
  require(request.body.size() <= kBodyLimit, "a body within its limit");
  require(request.path.starts_with('/') || request.path == "*", "a path that begins with a slash");
  require(!request.request_id.empty() && request.request_id.size() <= 128, "a request id");
  require(request.query.size() <= 256, "a bounded query");
  seen().requests.push_back(request);
  net::Response response = net::Response::text(200, request.body);
  response.headers.emplace("X-Path-Length", std::to_string(request.path.size()));
  return response;
}

struct Hangup final : net::WsSession {
  bool on_message(net::WsMessage) override { return true; }
  void on_too_large() override {}
  void on_stopping() override {}
  void on_gone() override {}
};

LoneConnection& server() {
  static LoneConnection connection = [] {
    net::RouteOptions inline_open{kBodyLimit, net::RunOn::kInline, {.open = true, .scope = {}}};
    net::RouteOptions inline_guarded{kBodyLimit, net::RunOn::kInline, {}};
    net::Router routes;
    routes.add(net::Method::kGet, "/", note, inline_open);
    routes.add(net::Method::kPost, "/", note, inline_open);
    routes.add(net::Method::kPut, "/items/{name}", note, inline_open);
    routes.add(net::Method::kPatch, "/items/all", note, inline_open);
    routes.add(net::Method::kDelete, "/items/{name}/{part}", note, inline_open);
    routes.add(net::Method::kPost, "/keys", note, inline_guarded);
    routes.add_ws_session("/ws", [](const net::Request&, std::shared_ptr<net::WsPeer> peer) {
      seen().upgraded = true;
      peer->close(1000, "");
      return std::make_shared<Hangup>();
    });
    net::ServerOptions options;
    options.allowed_origins = {"https://app.example"};
    options.gate = [](const net::Request& request, const net::RouteAccess&) {
      net::GateAnswer answer;
      if (net::offered_key(request) != "k") answer.refused = Error{ErrorCode::kUnauthorized, "no key", "", ""};
      return answer;
    };
    options.observer = [](const net::Request&, std::string_view pattern, int status, double) {
      require(status < 500, "no answer blames the server");
      seen().statuses.push_back(status);
      if (pattern == "/ws") seen().upgraded = true;
    };
    return LoneConnection(std::move(options), std::move(routes));
  }();
  return connection;
}

// Only the first: the others have bodies before them whose length a HEAD request hides.
void check_answer(const std::string& answer) {
  namespace http = boost::beast::http;
  if (answer.empty()) return;
  http::response_parser<http::empty_body> parser;
  parser.skip(true);
  boost::system::error_code error;
  parser.put(boost::asio::buffer(answer), error);
  require(!error && parser.is_header_done(), "a well-formed answer");
}

Seen ask(std::string_view bytes, std::size_t piece) {
  seen() = {};
  check_answer(server().exchange("", bytes, piece));
  require(!server().was_cut() || seen().upgraded, "a connection ends when its client has");
  // Of a head that is malformed and cut short either may be noticed first, and only the one is answered.
  if (!seen().statuses.empty() && seen().statuses.back() == 400) seen().statuses.pop_back();
  return std::move(seen());
}

void serve(std::string_view bytes) {
  const std::size_t piece = piece_of(take_byte(bytes));
  const Seen whole = ask(bytes, std::max<std::size_t>(bytes.size(), 1));
  const Seen pieces = ask(bytes, piece);
  // Frames that come with the handshake are refused, frames that come after it are not.
  if (whole.upgraded || pieces.upgraded) return;
  require(whole.statuses == pieces.statuses, "the same answers from pieces as from the whole");
  require(whole.requests.size() == pieces.requests.size(), "as many requests from pieces as from the whole");
  for (std::size_t i = 0; i < whole.requests.size(); ++i) {
    const net::Request& a = whole.requests[i];
    const net::Request& b = pieces.requests[i];
    require(a.method == b.method && a.path == b.path && a.query == b.query && a.params == b.params &&
                a.headers == b.headers && a.body == b.body,
            "the same request from pieces as from the whole");
  }
}

std::vector<std::string> requests() {
  const std::string host = "Host: a\r\n";
  return {
      "0GET / HTTP/1.1\r\n" + host + "\r\n",
      "1GET /?a=b&c=%41+d HTTP/1.0\r\nConnection: keep-alive\r\n\r\n\r\nHEAD http://a/ HTTP/1.1\r\n" + host + "\r\n",
      "2POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\nX-Request-ID: r1\r\n\r\nhelloGET / HTTP/1.1\r\n" + host +
          "\r\n",
      "3POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n\r\n",
      "4POST / HTTP/1.1\r\n" + host +
          "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n2\r\nab\r\n0\r\nT: t\r\n\r\n",
      "5PUT /items/n%C3%A4me HTTP/1.1\r\n" + host + "Origin: https://app.example\r\nContent-Length: 0\r\n\r\n",
      "6OPTIONS * HTTP/1.1\r\n" + host + "\r\nOPTIONS /items/all HTTP/1.1\r\n" + host +
          "Origin: https://app.example\r\nAccess-Control-Request-Method: PATCH\r\nAccess-Control-Request-Headers: "
          "x\r\n\r\n",
      "7GET /ws HTTP/1.1\r\n" + host +
          "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
          "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: a, openai-insecure-api-key.k\r\n\r\n",
      "0POST /keys HTTP/1.1\r\n" + host + "Authorization: Bearer k\r\nContent-Length: 1\r\n\r\nx",
      "1DELETE /items/a/b HTTP/1.1\r\n" + host + "Content-Length: 601\r\nConnection: close\r\n\r\n",
  };
}

const Registered kRegistered({"http", serve, requests});

}  // namespace

}  // namespace morgan::fuzz
