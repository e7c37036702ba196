#include "net/server_test_support.h"

#include "base/strings.h"

namespace morgan::net {
namespace {

Response hello(const Request&) {
  return Response::text(200, "hello");
}

Router hello_routes() {
  Router routes;
  routes.add(Method::kGet, "/hello", hello);
  routes.add(Method::kPost, "/echo", [](const Request& request) { return Response::text(200, request.body); });
  return routes;
}

constexpr std::string_view kGetHello = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";

TEST(Server, GivesTheHandlerTheWholeRequest) {
  Router routes;
  routes.add(Method::kPost, "/v1/{kind}/x", [](const Request& r) {
    return Response::text(201, r.path + "|" + r.params.at("kind") + "|" + r.query_value("q").value_or("-") + "|" +
                                   std::string(r.header("x-mine")) + "|" + r.body + "|" + r.peer);
  });
  const auto server = start_server(std::move(routes));
  ClientRequest request;
  request.method = Method::kPost;
  request.url = url_of(*server, "/v1/a%20b/x?q=1%2B1");
  request.headers.emplace("X-Mine", "yes");
  request.body = "body";
  const auto response = http_request(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->body, "/v1/a b/x|a b|1+1|yes|body|127.0.0.1");
  EXPECT_EQ(header_of(*response, "content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(header_of(*response, "server"), "");
}

TEST(Server, PutsARequestIdOnEveryAnswer) {
  const auto server = start_server(hello_routes());
  EXPECT_EQ(header_of(get(*server, "/hello", {{"X-Request-ID", "my-id_1.2"}}), "x-request-id"), "my-id_1.2");
  for (const std::string& bad : {std::string("a b"), std::string(129, 'a'), std::string("a\"b")}) {
    const std::string id = header_of(get(*server, "/hello", {{"X-Request-ID", bad}}), "x-request-id");
    EXPECT_TRUE(id.starts_with("req_")) << id;
  }
  EXPECT_TRUE(header_of(get(*server, "/nowhere"), "x-request-id").starts_with("req_"));
  EXPECT_NE(exchange_raw(*server, "nonsense\r\n\r\n").find("X-Request-ID: req_"), std::string::npos);
}

TEST(Server, TellsWhatAnAddressAnswers) {
  const auto server = start_server(hello_routes());
  EXPECT_EQ(get(*server, "/nowhere").status, 404);
  const auto wrong = post(*server, "/hello", "");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(header_of(wrong, "allow"), "GET, HEAD, OPTIONS");
  ClientRequest options;
  options.method = Method::kOptions;
  options.url = url_of(*server, "/echo");
  const auto told = http_request(options);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->status, 204);
  EXPECT_EQ(header_of(*told, "allow"), "POST, OPTIONS");
  EXPECT_NE(exchange_raw(*server, "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").find(" 204 "),
            std::string::npos);
  EXPECT_NE(exchange_raw(*server, "BREW /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").find(" 405 "),
            std::string::npos);
}

TEST(Server, AnswersHeadWithTheLengthAndNoBody) {
  const auto server = start_server(hello_routes());
  const std::string answer = exchange_raw(*server, "HEAD /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_NE(answer.find("Content-Length: 5\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST(Server, KeepsAConnectionAndAnswersPipelinedRequestsInOrder) {
  const auto server = start_server(hello_routes());
  RawClient client(server->port());
  for (int i = 0; i < 2; ++i) {
    client.send(kGetHello);
    EXPECT_NE(client.read_until("hello").find(" 200 "), std::string::npos);
  }
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none" +
              std::string("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n") +
              "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nthree");
  const std::string answers = client.read_all();
  const std::size_t one = answers.find("\r\n\r\none");
  const std::size_t two = answers.find("\r\n\r\ntwo");
  const std::size_t three = answers.find("\r\n\r\nthree");
  EXPECT_LT(one, two);
  EXPECT_LT(two, three);
  EXPECT_NE(three, std::string::npos) << answers;
}

TEST(Server, LosesNothingThatArrivesWhileAHandlerRuns) {
  std::promise<void> began;
  std::promise<void> may_end;
  Router routes = hello_routes();
  routes.add(Method::kGet, "/slow", [&](const Request&) {
    began.set_value();
    may_end.get_future().wait_for(kTestPatience);
    return Response::text(200, "slow");
  });
  const auto server = start_server(std::move(routes));
  RawClient client(server->port());
  client.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  auto running = began.get_future();
  await(running);
  // More than the connection buffers while it watches: the rest waits in the kernel.
  std::string more =
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + std::string(199'999, 'a') + "Z";
  auto sender = std::async(std::launch::async, [&] { return client.send(more); });
  may_end.set_value();
  EXPECT_NE(client.read_until("slow").find(" 200 "), std::string::npos);
  EXPECT_NE(client.read_until("aZ").find("Content-Length: 200000"), std::string::npos);
  EXPECT_TRUE(sender.get());
}

TEST(Server, ClosesAfterAnHttp10Request) {
  const auto server = start_server(hello_routes());
  const std::string answer = exchange_raw(*server, "GET /hello HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(answer.ends_with("\r\n\r\nhello")) << answer;
}

TEST(Server, InvitesTheBodyOfAClientThatWaits) {
  const auto server = start_server(hello_routes());
  RawClient client(server->port());
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("body");
  EXPECT_NE(client.read_until("body").find(" 200 "), std::string::npos);
}

TEST(Server, RefusesWhatItsQueueCannotHoldButAnswersInlineRoutes) {
  std::promise<void> may_end;
  const auto ended = may_end.get_future().share();
  std::promise<void> began;
  Router routes;
  std::atomic<int> runs{0};
  routes.add(Method::kGet, "/work", [&](const Request&) {
    if (runs++ == 0) began.set_value();
    ended.wait_for(kTestPatience);
    return Response::text(200, "done");
  });
  routes.add(Method::kGet, "/health", hello, {.run_on = RunOn::kInline});
  ServerOptions options;
  options.worker_threads = 1;
  options.queue_limit = 1;
  const auto server = start_server(std::move(routes), std::move(options));
  RawClient first(server->port());
  RawClient second(server->port());
  first.send("GET /work HTTP/1.1\r\nHost: x\r\n\r\n");
  auto running = began.get_future();
  await(running);
  second.send("GET /work HTTP/1.1\r\nHost: x\r\n\r\n");
  // One of the next two takes the second's place in the queue if it comes first; the other is refused.
  RawClient third(server->port());
  RawClient fourth(server->port());
  third.send("GET /work HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string refused = third.read_until("\r\n\r\n");
  EXPECT_NE(refused.find(" 503 "), std::string::npos) << refused;
  EXPECT_NE(refused.find("Retry-After: 1\r\n"), std::string::npos) << refused;
  EXPECT_EQ(get(*server, "/health").status, 200);
  may_end.set_value();
  EXPECT_NE(first.read_until("done").find(" 200 "), std::string::npos);
  EXPECT_NE(second.read_until("done").find(" 200 "), std::string::npos);
}

TEST(Server, WhatIsReadyNeedsNoWorker) {
  Router routes;
  std::atomic<int> handled{0};
  RouteOptions options;
  options.ready = [](const Request& request) -> std::optional<Response> {
    if (request.body == "throw") throw std::runtime_error("a bug");
    if (request.body != "known") return std::nullopt;
    return Response::text(200, "ready");
  };
  routes.add(
      Method::kPost, "/ask",
      [&](const Request&) {
        ++handled;
        return Response::text(200, "made");
      },
      options);
  const auto server = start_server(std::move(routes));
  RawClient client(server->port());
  for (const auto& [body, answer] : {std::pair("known", "ready"), {"other", "made"}, {"throw", "made"}}) {
    client.send("POST /ask HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n" + std::string(body));
    EXPECT_NE(client.read_until(answer).find(" 200 "), std::string::npos) << body;
  }
  EXPECT_EQ(handled, 2);
}

TEST(Server, SurvivesAHandlerThatThrows) {
  Router routes = hello_routes();
  routes.add(Method::kGet, "/throw", [](const Request&) -> Response { throw std::runtime_error("secret"); });
  routes.add(Method::kGet, "/throw2", [](const Request&) -> Response { throw 7; }, {.run_on = RunOn::kInline});
  const auto server = start_server(std::move(routes));
  const auto failed = get(*server, "/throw");
  EXPECT_EQ(failed.status, 500);
  EXPECT_EQ(failed.body.find("secret"), std::string::npos);
  EXPECT_EQ(get(*server, "/throw2").status, 500);
  EXPECT_EQ(get(*server, "/hello").status, 200);
}

TEST(Server, TurnsErrorsIntoResponsesTheServicesWay) {
  ServerOptions options;
  options.error_response = [](const Error& error, const Request& request) {
    return Response::json(418, std::string(to_string(error.code)) + " " + request.path);
  };
  const auto server = start_server(hello_routes(), std::move(options));
  const auto response = get(*server, "/nowhere");
  EXPECT_EQ(response.status, 418);
  EXPECT_EQ(response.body, "not_found /nowhere");
}

TEST(Server, TellsTheObserverOfEachAnswer) {
  std::mutex mutex;
  std::vector<std::string> seen;
  Router routes;
  routes.add(Method::kGet, "/v/{id}", hello);
  ServerOptions options;
  options.observer = [&](const Request& request, std::string_view pattern, int status, double seconds) {
    const std::lock_guard lock(mutex);
    EXPECT_GE(seconds, 0.0);
    seen.push_back(request.path + " " + std::string(pattern) + " " + std::to_string(status));
  };
  auto server = start_server(std::move(routes), std::move(options));
  get(*server, "/v/1");
  get(*server, "/x");
  server->stop(std::chrono::seconds(5));
  EXPECT_EQ(join(seen, ","), "/v/1 /v/{id} 200,/x  404");
}

TEST(Server, LeavesOutHeadersThatWouldBreakTheHead) {
  Router routes;
  routes.add(Method::kGet, "/", [](const Request&) {
    Response response = Response::text(200, "x");
    response.headers.emplace("X-Bad", "a\r\nX-Injected: b");
    response.headers.emplace("Content-Length", "999");
    return response;
  });
  const auto server = start_server(std::move(routes));
  const auto response = get(*server, "/");
  EXPECT_EQ(header_of(response, "x-injected"), "");
  EXPECT_EQ(response.body, "x");
}

TEST(Server, TellsTheHandlerThatTheClientHasGone) {
  std::promise<void> began;
  std::promise<StopReason> reason;
  Router routes;
  routes.add(Method::kGet, "/work", [&](const Request& request) {
    began.set_value();
    reason.set_value(wait_for_stop(request.stop));
    return Response::text(200, "late");
  });
  const auto server = start_server(std::move(routes));
  {
    RawClient client(server->port());
    client.send("GET /work HTTP/1.1\r\nHost: x\r\n\r\n");
    auto running = began.get_future();
    await(running);
  }
  auto told = reason.get_future();
  EXPECT_EQ(await(told), StopReason::kClientGone);
}

TEST(Server, SaysWhichPortIsTaken) {
  const auto server = start_server(hello_routes());
  ServerOptions options;
  options.port = server->port();
  const auto second = Server::listen(std::move(options), hello_routes());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_EQ(second.error().message, "port " + std::to_string(server->port()) +
                                        " is already in use; stop the program that holds it (ss -ltnp shows it) or "
                                        "set another port");
}

TEST(Server, StopLetsARunningHandlerFinish) {
  std::promise<void> began;
  std::promise<void> may_end;
  Router routes;
  routes.add(Method::kGet, "/work", [&](const Request& request) {
    began.set_value();
    may_end.get_future().wait_for(kTestPatience);
    return Response::text(200, request.stop.stop_requested() ? "stopped" : "finished");
  });
  auto server = start_server(std::move(routes));
  RawClient idle(server->port());
  RawClient client(server->port());
  client.send("GET /work HTTP/1.1\r\nHost: x\r\n\r\n");
  auto running = began.get_future();
  await(running);
  auto stopped = std::async(std::launch::async, [&] { server->stop(kTestPatience); });
  EXPECT_EQ(idle.read_all(), "");  // closed at once
  may_end.set_value();
  const std::string answer = client.read_all();
  EXPECT_NE(answer.find("finished"), std::string::npos) << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
  await(stopped);
  server->stop(kTestPatience);  // again: nothing happens
}

TEST(Server, StopInterruptsAHandlerAfterTheGrace) {
  std::promise<void> began;
  Router routes;
  routes.add(Method::kGet, "/work", [&](const Request& request) {
    began.set_value();
    return Response::text(503, std::string(to_string(wait_for_stop(request.stop))));
  });
  auto server = start_server(std::move(routes));
  RawClient client(server->port());
  client.send("GET /work HTTP/1.1\r\nHost: x\r\n\r\n");
  auto running = began.get_future();
  await(running);
  const auto before = std::chrono::steady_clock::now();
  server->stop(std::chrono::milliseconds(20));
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(2));
  EXPECT_NE(client.read_all().find("shutdown"), std::string::npos);
}

TEST(Server, CanBeStoppedWithoutHavingStarted) {
  auto server = Server::listen({}, hello_routes());
  ASSERT_TRUE(server);
  (*server)->stop(kTestPatience);
  (*server)->start();
}

TEST(Server, ServesManyClientsAtOnce) {
  const auto server = start_server(hello_routes());
  std::vector<std::future<int>> clients;
  for (int c = 0; c < 8; ++c) {
    clients.push_back(std::async(std::launch::async, [&] {
      int good = 0;
      for (int i = 0; i < 50; ++i) {
        const std::string body(static_cast<std::size_t>(i * 997), 'x');
        if (post(*server, "/echo", body).body == body) ++good;
      }
      return good;
    }));
  }
  for (auto& client : clients)
    EXPECT_EQ(client.get(), 50);
}

}  // namespace
}  // namespace morgan::net
