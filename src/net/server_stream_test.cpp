// Streamed answers: what is written arrives at once, whole, no faster than the client reads, and never
// as a part that looks like the whole.
#include "net/server_test_support.h"

namespace morgan::net {
namespace {

Response streamed(std::function<Result<void>(BodyWriter&)> stream) {
  Response response;
  response.headers.emplace("Content-Type", "text/event-stream");
  response.stream = std::move(stream);
  return response;
}

Router route(std::function<Result<void>(BodyWriter&)> stream) {
  Router routes;
  routes.add(Method::kGet, "/s", [stream](const Request&) { return streamed(stream); });
  routes.add(Method::kGet, "/inline", [stream](const Request&) { return streamed(stream); },
             {.run_on = RunOn::kInline});
  routes.add(Method::kGet, "/plain", [](const Request&) { return Response::text(200, "plain"); });
  return routes;
}

constexpr std::string_view kGet = "GET /s HTTP/1.1\r\nHost: x\r\n\r\n";

Result<void> write_twice(BodyWriter& writer) {
  MORGAN_CHECK_OK(writer.write("one,"));
  MORGAN_CHECK_OK(writer.write(""));
  return writer.write("two");
}

TEST(Stream, ArrivesWholeAndKeepsTheConnection) {
  const auto server = start_server(route(write_twice));
  for (int i = 0; i < 3; ++i) {
    const auto response = get(*server, "/s");
    EXPECT_EQ(response.body, "one,two");
    EXPECT_EQ(header_of(response, "transfer-encoding"), "chunked");
  }
  EXPECT_EQ(get(*server, "/inline").body, "one,two");
  EXPECT_EQ(get(*server, "/plain").body, "plain");
}

TEST(Stream, EachPieceArrivesBeforeTheNextIsMade) {
  std::promise<void> read;
  const auto was_read = read.get_future().share();
  const auto server = start_server(route([&](BodyWriter& writer) -> Result<void> {
    MORGAN_CHECK_OK(writer.write("first"));
    was_read.wait_for(kTestPatience);
    return writer.write("second");
  }));
  RawClient client(server->port());
  client.send(kGet);
  client.read_until("5\r\nfirst\r\n");
  read.set_value();
  EXPECT_EQ(client.read_until("0\r\n\r\n"), "6\r\nsecond\r\n0\r\n\r\n");
}

TEST(Stream, GoesUnchunkedToAnHttp10Client) {
  const auto server = start_server(route(write_twice));
  const std::string answer = exchange_raw(*server, "GET /s HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(answer.ends_with("\r\n\r\none,two")) << answer;
  EXPECT_EQ(answer.find("chunked"), std::string::npos) << answer;
}

TEST(Stream, HeadIsNotStreamed) {
  const auto server = start_server(route(write_twice));
  RawClient client(server->port());
  client.send("HEAD /s HTTP/1.1\r\nHost: x\r\n\r\nGET /plain HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string answers = client.read_all();
  EXPECT_EQ(answers.find("one,"), std::string::npos) << answers;
  EXPECT_TRUE(answers.ends_with("plain")) << answers;
}

TEST(Stream, AnErrorCutsTheConnectionSoThatAPartIsNotTakenForTheWhole) {
  const auto broken = [](BodyWriter& writer) -> Result<void> {
    MORGAN_CHECK_OK(writer.write("part"));
    return fail(ErrorCode::kInternal, "broken");
  };
  const auto server = start_server(route(broken));
  ClientRequest request;
  request.url = url_of(*server, "/s");
  const auto response = http_request(request);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::kUnavailable);
  RawClient old(server->port());
  old.send("GET /s HTTP/1.0\r\n\r\n");
  old.read_all();
  EXPECT_TRUE(old.was_reset());
}

TEST(Stream, AnExceptionCutsTheConnectionToo) {
  const auto server = start_server(route([](BodyWriter&) -> Result<void> { throw std::runtime_error("bug"); }));
  const std::string answer = exchange_raw(*server, kGet);
  EXPECT_NE(answer.find(" 200 "), std::string::npos);
  EXPECT_FALSE(answer.ends_with("0\r\n\r\n"));
  EXPECT_EQ(get(*server, "/plain").body, "plain");
}

TEST(Stream, WaitsForASlowClientAndLosesNothing) {
  constexpr std::size_t kPieces = 200;
  std::atomic<std::size_t> written{0};
  const auto server = start_server(route([&](BodyWriter& writer) -> Result<void> {
    for (std::size_t i = 0; i < kPieces; ++i) {
      MORGAN_CHECK_OK(writer.write(std::string(100'000, static_cast<char>('a' + i % 26))));
      ++written;
    }
    return {};
  }));
  RawClient client(server->port(), 4'096);
  client.send("GET /s HTTP/1.0\r\n\r\n");
  client.read_until("\r\n\r\n");
  EXPECT_LT(written.load(), kPieces);
  std::string body = client.read_all();
  ASSERT_EQ(body.size(), kPieces * 100'000);
  for (std::size_t i = 0; i < kPieces; ++i) {
    ASSERT_EQ(body[i * 100'000], static_cast<char>('a' + i % 26));
    ASSERT_EQ(body[i * 100'000 + 99'999], static_cast<char>('a' + i % 26));
  }
}

TEST(Stream, DropsAClientThatNeverReadsAndTellsTheHandler) {
  std::promise<ErrorCode> told;
  std::size_t written = 0;
  ServerOptions options;
  options.write_timeout = std::chrono::milliseconds(100);
  const auto server = start_server(route([&](BodyWriter& writer) -> Result<void> {
                                     for (int i = 0; i < 10'000; ++i) {
                                       const auto result = writer.write(std::string(100'000, 'x'));
                                       if (!result) {
                                         told.set_value(result.error().code);
                                         return result;
                                       }
                                       written += 100'000;
                                     }
                                     return {};
                                   }),
                                   std::move(options));
  RawClient client(server->port(), 4'096);
  client.send(kGet);
  auto code = told.get_future();
  EXPECT_EQ(await(code), ErrorCode::kCancelled);
  EXPECT_LT(written, 20'000'000U);  // the kernel's buffers and ours
}

TEST(Stream, TellsTheHandlerThatTheClientHasGone) {
  std::promise<ErrorCode> told;
  const auto server = start_server(route([&](BodyWriter& writer) -> Result<void> {
    for (;;) {
      const auto result = writer.write("tick");
      if (result) continue;
      told.set_value(result.error().code);
      return result;
    }
  }));
  {
    RawClient client(server->port());
    client.send(kGet);
    client.read_until("tick");
  }
  auto code = told.get_future();
  EXPECT_EQ(await(code), ErrorCode::kCancelled);
}

TEST(Stream, NoticesADepartureWhileNothingIsWritten) {
  std::promise<StopReason> told;
  Router routes;
  routes.add(Method::kGet, "/s", [&](const Request& request) {
    return streamed([&told, stop = request.stop](BodyWriter& writer) -> Result<void> {
      MORGAN_CHECK_OK(writer.write("begin"));
      told.set_value(wait_for_stop(stop));
      return fail(stop.error());
    });
  });
  const auto server = start_server(std::move(routes));
  {
    RawClient client(server->port());
    client.send(kGet);
    client.read_until("begin");
  }
  auto reason = told.get_future();
  EXPECT_EQ(await(reason), StopReason::kClientGone);
}

TEST(Stream, StopEndsAStreamThatNobodyReads) {
  std::promise<void> began;
  std::promise<ErrorCode> told;
  const auto server = start_server(route([&](BodyWriter& writer) -> Result<void> {
    began.set_value();
    for (;;) {
      const auto result = writer.write(std::string(100'000, 'x'));
      if (result) continue;
      told.set_value(result.error().code);
      return result;
    }
  }));
  RawClient client(server->port(), 4'096);
  client.send(kGet);
  auto running = began.get_future();
  await(running);
  const auto before = std::chrono::steady_clock::now();
  server->stop(std::chrono::milliseconds(10));
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(3));
  auto code = told.get_future();
  EXPECT_EQ(await(code), ErrorCode::kCancelled);
}

}  // namespace
}  // namespace morgan::net
