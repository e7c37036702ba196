// What a server must withstand: framings meant to deceive, and clients that send too much, too slowly or
// never read.
#include "net/http_guard.h"
#include "net/server_test_support.h"

#include <thread>

namespace morgan::net {
namespace {

Router routes_with_limit(std::uint64_t body_limit) {
  Router routes;
  routes.add(Method::kGet, "/", [](const Request&) { return Response::text(200, "hello"); });
  routes.add(Method::kPost, "/", [](const Request& request) { return Response::text(200, "got:" + request.body); },
             {.body_limit = body_limit});
  return routes;
}

TEST(Guard, RefusesAmbiguousAndMalformedRequests) {
  const auto server = start_server(routes_with_limit(1'000));
  const std::string post = "POST / HTTP/1.1\r\nHost: x\r\n";
  const std::string chunks = "\r\n5\r\nhello\r\n0\r\n\r\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"TE and CL", post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" + chunks},
      {"CL and TE", post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" + chunks},
      {"another coding first", post + "Transfer-Encoding: gzip, chunked\r\n" + chunks},
      {"another coding last", post + "Transfer-Encoding: chunked, gzip\r\n" + chunks},
      {"identity", post + "Transfer-Encoding: identity\r\n" + chunks},
      {"unknown coding", post + "Transfer-Encoding: xchunked\r\n" + chunks},
      {"coding with a parameter", post + "Transfer-Encoding: chunked;q=1\r\n" + chunks},
      {"two TE headers", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" + chunks},
      {"blank before the colon", post + "Transfer-Encoding : chunked\r\n" + chunks},
      {"vertical tab in the coding", post + "Transfer-Encoding: \vchunked\r\n" + chunks},
      {"TE on HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" + chunks},
      {"two equal lengths", post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"},
      {"two lengths", post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"},
      {"list of lengths", post + "Content-Length: 5, 5\r\n\r\nhello"},
      {"signed length", post + "Content-Length: +5\r\n\r\nhello"},
      {"negative length", post + "Content-Length: -5\r\n\r\nhello"},
      {"huge length", post + "Content-Length: 99999999999999999999999\r\n\r\nhello"},
      {"hexadecimal length", post + "Content-Length: 0x5\r\n\r\nhello"},
      {"trailer", post + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Late: 1\r\n\r\n"},
      {"broken chunk size", post + "Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n"},
      {"huge chunk size", post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello\r\n0\r\n\r\n"},
      {"chunk without its end", post + "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n"},
      {"no host", "GET / HTTP/1.1\r\n\r\n"},
      {"two hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"},
      {"no HTTP", "hello there\r\n\r\n"},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"NUL in a header", std::string("GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n", 36)},
      {"NUL in the path", "GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"broken escape", "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"path that is not UTF-8", "GET /%ff HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"query that is not UTF-8", "GET /?a=%ff HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"path without a slash", "GET hello HTTP/1.1\r\nHost: x\r\n\r\n"},
  };
  for (const auto& [what, bytes] : cases) {
    // Were the body taken for a request, a second answer would come.
    const std::string answer = exchange_raw(*server, bytes + "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << what << ": " << answer;
    EXPECT_EQ(answer.find("hello"), std::string::npos) << what << ": " << answer;
    EXPECT_EQ(answer.find("HTTP/1.1", 10), std::string::npos) << what << ": " << answer;
  }
  EXPECT_EQ(get(*server, "/").status, 200);
}

TEST(Guard, RefusesWhatAPageOfAnotherHostWouldChange) {
  const auto server = start_server(routes_with_limit(1'000));
  const auto post_from = [&](const std::string& origin) {
    return exchange_raw(*server, "POST / HTTP/1.1\r\nHost: localhost:8000\r\nConnection: close\r\nOrigin: " + origin +
                                     "\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\nx");
  };
  for (const char* origin : {"http://evil.example", "null", "http://localhost.evil.example", "localhost:8000"})
    EXPECT_TRUE(post_from(origin).starts_with("HTTP/1.1 403 ")) << origin;
  EXPECT_TRUE(post_from("http://localhost:8002").starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(
      exchange_raw(*server,
                   "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOrigin: http://evil.example\r\n\r\n")
          .starts_with("HTTP/1.1 200 "));
}

TEST(Guard, RefusesAnUnknownExpectation) {
  const auto server = start_server(routes_with_limit(1'000));
  EXPECT_TRUE(exchange_raw(*server, "POST / HTTP/1.1\r\nHost: x\r\nExpect: magic\r\nContent-Length: 1\r\n\r\nx")
                  .starts_with("HTTP/1.1 417 "));
}

TEST(Guard, RefusesAHeadOverSixteenKibibytes) {
  const auto server = start_server(routes_with_limit(1'000));
  const auto with_header = [](std::size_t size) {
    return "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nA: " + std::string(size, 'a') + "\r\n\r\n";
  };
  EXPECT_TRUE(exchange_raw(*server, with_header(15'000)).starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(exchange_raw(*server, with_header(17'000)).starts_with("HTTP/1.1 431 "));
  EXPECT_TRUE(exchange_raw(*server, with_header(300'000)).starts_with("HTTP/1.1 431 "));
  EXPECT_TRUE(exchange_raw(*server, "GET /" + std::string(20'000, 'a')).starts_with("HTTP/1.1 431 "));
}

TEST(Guard, TakesABodyOfExactlyTheLimit) {
  const auto server = start_server(routes_with_limit(1'000));
  EXPECT_EQ(post(*server, "/", std::string(1'000, 'b')).status, 200);
  EXPECT_EQ(post(*server, "/", std::string(1'001, 'b')).status, 413);
}

TEST(Guard, ToldTooMuchRefusesBeforeTheBodyIsSent) {
  const auto server = start_server(routes_with_limit(1'000));
  RawClient client(server->port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000000\r\nExpect: 100-continue\r\n\r\n");
  const std::string answer = client.read_until("\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
}

TEST(Guard, AClientThatSendsAllBeforeItReadsGetsThe413) {
  const auto server = start_server(routes_with_limit(1'000));
  const std::string body(40'000'000, 'x');
  RawClient client(server->port());
  ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 40000000\r\n\r\n"));
  EXPECT_TRUE(client.send(body));
  client.shutdown_send();
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
  EXPECT_FALSE(client.was_reset());
  EXPECT_EQ(post(*server, "/", body).status, 413);  // libcurl, which reads meanwhile
}

TEST(Guard, CountsTheBytesOfChunks) {
  const auto server = start_server(routes_with_limit(1'000));
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string chunk = "12c\r\n" + std::string(300, 'c') + "\r\n";
  EXPECT_TRUE(exchange_raw(*server, head + chunk + chunk + chunk + "0\r\n\r\n").starts_with("HTTP/1.1 200 "));
  RawClient client(server->port());
  client.send(head + chunk + chunk + chunk + chunk + "0\r\n\r\n");
  client.shutdown_send();
  EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 413 "));
}

TEST(Guard, TakesTheEndOfAChunkedBodyByteByByte) {
  const auto server = start_server(routes_with_limit(1'000));
  RawClient client(server->port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  for (const char byte : std::string_view("1\r\nx\r\n0\r\n\r\n"))
    client.send({&byte, 1});
  EXPECT_TRUE(client.read_until("got:x").ends_with("got:x"));
}

TEST(Guard, GivesUpOnAHeadThatDripsIn) {
  ServerOptions options;
  options.header_timeout = std::chrono::milliseconds(60);
  const auto server = start_server(routes_with_limit(1'000), std::move(options));
  EXPECT_TRUE(exchange_raw(*server, "GET / HT").starts_with("HTTP/1.1 408 "));
  EXPECT_EQ(exchange_raw(*server, ""), "");
}

TEST(Guard, GivesUpOnABodyThatDoesNotCome) {
  ServerOptions options;
  options.header_timeout = std::chrono::milliseconds(60);
  const auto server = start_server(routes_with_limit(1'000), std::move(options));
  EXPECT_TRUE(
      exchange_raw(*server, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc").starts_with("HTTP/1.1 408 "));
}

TEST(Guard, GivesUpOnABodyThatDripsIn) {
  ServerOptions options;
  options.header_timeout = std::chrono::milliseconds(60);
  const auto server = start_server(routes_with_limit(1'000'000), std::move(options));
  RawClient client(server->port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n");
  // Each byte comes well within the time between two reads, so only the time of the whole can end this.
  std::promise<void> answered;
  auto done = answered.get_future();
  std::thread dripping([&] {
    while (done.wait_for(std::chrono::milliseconds(10)) != std::future_status::ready && client.send("x")) {
    }
  });
  const std::string answer = client.read_until("\r\n\r\n");
  answered.set_value();
  dripping.join();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ")) << answer;
}

TEST(Guard, ABodyEarnsItsTimeAsItComes) {
  using std::chrono::milliseconds;
  EXPECT_EQ(body_time(milliseconds(10'000), 0), milliseconds(30'000));
  EXPECT_EQ(body_time(milliseconds(10'000), 64'000'000), milliseconds(30'000 + 6'400'000));
  EXPECT_EQ(body_time(milliseconds(60), 5'000), milliseconds(680));
}

TEST(Guard, EveryRefusalSaysHowLongItTook) {
  const auto server = start_server(routes_with_limit(1'000));
  EXPECT_GE(std::stod(header_of(get(*server, "/nowhere"), "X-Process-Time")), 0);
  EXPECT_GE(std::stod(header_of(post(*server, "/nowhere", ""), "X-Process-Time")), 0);
}

TEST(Guard, ClosesAConnectionThatStaysIdle) {
  ServerOptions options;
  options.idle_timeout = std::chrono::milliseconds(60);
  const auto server = start_server(routes_with_limit(1'000), std::move(options));
  RawClient client(server->port());
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(client.read_all().ends_with("hello"));
}

TEST(Guard, RefusesMoreConnectionsThanItsLimit) {
  ServerOptions options;
  options.max_connections = 2;
  const auto server = start_server(routes_with_limit(1'000), std::move(options));
  RawClient first(server->port());
  RawClient second(server->port());
  for (auto* client : {&first, &second}) {
    client->send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    client->read_until("hello");
  }
  const std::string refused = exchange_raw(*server, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 503 ")) << refused;
  EXPECT_NE(refused.find("Retry-After: 1"), std::string::npos);
}

TEST(Guard, DropsAClientThatNeverReads) {
  std::promise<int> observed;
  ServerOptions options;
  options.write_timeout = std::chrono::milliseconds(100);
  Router routes;
  routes.add(Method::kGet, "/large",
             [](const Request&) { return Response::bytes(std::string(64'000'000, 'x'), "a/b"); });
  options.observer = [&](const Request&, std::string_view, int status, double) { observed.set_value(status); };
  const auto server = start_server(std::move(routes), std::move(options));
  RawClient client(server->port(), 4'096);
  client.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
  auto status = observed.get_future();
  EXPECT_EQ(await(status), 499);
}

TEST(Guard, TakesALineBreakTooManyBetweenRequests) {
  const auto server = start_server(routes_with_limit(1'000));
  const std::string answer = exchange_raw(*server,
                                          "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx\r\n"
                                          "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(answer.ends_with("hello")) << answer;
}

TEST(Guard, TakesALineBreakTooManyInTwoPieces) {
  const auto server = start_server(routes_with_limit(1'000));
  RawClient client(server->port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx\r");
  EXPECT_TRUE(client.read_until("\r\n").starts_with("HTTP/1.1 200 "));
  client.send("\nGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string answers = client.read_all();
  EXPECT_TRUE(answers.ends_with("hello")) << answers;
}

TEST(Guard, ALineBreakTooManyBeginsNoRequest) {
  ServerOptions options;
  options.header_timeout = std::chrono::milliseconds(60);
  options.idle_timeout = std::chrono::milliseconds(200);
  const auto server = start_server(routes_with_limit(1'000), std::move(options));
  RawClient client(server->port());
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n\r\n");
  const std::string answer = client.read_all();
  EXPECT_EQ(answer.find("HTTP/1.1 408 "), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("hello")) << answer;
}

}  // namespace
}  // namespace morgan::net
