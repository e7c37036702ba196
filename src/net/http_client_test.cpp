#include "net/http_client.h"

#include "net/multipart.h"
#include "net/server_test_support.h"

#include <cstdlib>

namespace morgan::net {
namespace {

ClientRequest request_to(const Server& server, const std::string& path) {
  ClientRequest request;
  request.url = url_of(server, path);
  return request;
}

Response stream_of(std::function<Result<void>(BodyWriter&)> stream) {
  Response response;
  response.stream = std::move(stream);
  return response;
}

TEST(HttpClient, SendsEachMethodWithItsBody) {
  Router routes;
  for (const Method method : {Method::kGet, Method::kPost, Method::kPut, Method::kPatch, Method::kDelete}) {
    routes.add(method, "/m", [](const Request& request) {
      Response response = Response::text(200, std::string(to_string(request.method)) + ":" + request.body);
      response.headers.emplace("X-Type", std::string(request.header("Content-Type")));
      return response;
    });
  }
  const auto server = start_server(std::move(routes));
  for (const Method method : {Method::kPost, Method::kPut, Method::kPatch, Method::kDelete}) {
    ClientRequest request = request_to(*server, "/m");
    request.method = method;
    request.headers.emplace("Content-Type", "application/json");
    request.body = "{}";
    const auto response = http_request(request);
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body, std::string(to_string(method)) + ":{}");
    EXPECT_EQ(header_of(*response, "x-type"), "application/json");
  }
  EXPECT_EQ(get(*server, "/m").body, "GET:");
  EXPECT_EQ(post(*server, "/m", "").body, "POST:");
  ClientRequest head = request_to(*server, "/m");
  head.method = Method::kHead;
  const auto response = http_request(head);
  ASSERT_TRUE(response);
  EXPECT_EQ(header_of(*response, "content-length"), "5");
  EXPECT_EQ(response->body, "");
}

TEST(HttpClient, SendsForms) {
  Router routes;
  routes.add(Method::kPost, "/form",
             [](const Request& request) {
               const auto parts = parse_multipart(request.header("Content-Type"), request.body);
               if (!parts) return Response::text(400, parts.error().message);
               std::string text;
               for (const FormPart& part : *parts) {
                 text += part.name + "|" + part.filename + "|" + part.content_type + "|" +
                         std::to_string(part.data.size()) + ";";
               }
               return Response::text(200, text);
             },
             {.body_limit = 10'000'000});
  const auto server = start_server(std::move(routes));
  ClientRequest request = request_to(*server, "/form");
  request.method = Method::kPost;
  request.form = {{"user_id", "me", "", ""}, {"file", std::string(2'000'000, '\0'), "a \"b\".wav", "audio/wav"}};
  const auto response = http_request(request);
  ASSERT_TRUE(response) << response.error().message;
  // libcurl writes a quote in a name as %22, as browsers do.
  EXPECT_EQ(response->body, "user_id|||2;file|a %22b%22.wav|audio/wav|2000000;");
}

TEST(HttpClient, UsesAConnectionAgain) {
  Router routes;
  routes.add(Method::kGet, "/", [](const Request&) { return Response::text(200, "ok"); });
  ServerOptions options;
  options.max_connections = 1;  // a second one would be told 503
  const auto server = start_server(std::move(routes), std::move(options));
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(get(*server, "/").status, 200);
}

TEST(HttpClient, NamesTheHostButNoSecretWhenThereIsNoConnection) {
  std::uint16_t free_port = 0;
  {
    auto server = Server::listen({}, {});
    ASSERT_TRUE(server);
    free_port = (*server)->port();
  }
  const std::string place = "127.0.0.1:" + std::to_string(free_port);
  ClientRequest request;
  request.url = "http://user:pa55word@" + place + "/path?key=t0ken";
  const auto response = http_request(request);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(response.error().message.find(place), std::string::npos) << response.error().message;
  for (const auto* secret : {"user", "pa55word", "t0ken"}) {
    EXPECT_EQ(response.error().message.find(secret), std::string::npos) << response.error().message;
  }
}

TEST(HttpClient, RefusesWhatIsNoHttpUrl) {
  for (const auto* url : {"", "file:///etc/passwd", "gopher://x/", "http://", "not a url", "http://a b/"}) {
    ClientRequest request;
    request.url = url;
    const auto response = http_request(request);
    ASSERT_FALSE(response) << url;
    EXPECT_EQ(response.error().code, ErrorCode::kInvalidArgument) << url;
  }
}

TEST(HttpClient, RefusesAHeaderWithALineBreak) {
  ClientRequest request;
  request.url = "http://127.0.0.1:1/";
  request.headers.emplace("X", "a\r\nY: b");
  EXPECT_EQ(http_request(request).error().code, ErrorCode::kInvalidArgument);
}

TEST(HttpClient, GivesUpOnAServerThatGoesSilent) {
  Router routes;
  routes.add(Method::kGet, "/", [](const Request& request) {
    return stream_of([stop = request.stop](BodyWriter& writer) -> Result<void> {
      MORGAN_CHECK_OK(writer.write("begin"));
      wait_for_stop(stop);
      return fail(stop.error());
    });
  });
  const auto server = start_server(std::move(routes));
  ClientRequest request = request_to(*server, "/");
  request.stall_timeout = std::chrono::milliseconds(80);
  EXPECT_EQ(http_request(request).error().code, ErrorCode::kDeadlineExceeded);
  request.stall_timeout = std::chrono::seconds(30);
  request.total_timeout = std::chrono::milliseconds(80);
  EXPECT_EQ(http_request(request).error().code, ErrorCode::kDeadlineExceeded);
}

TEST(HttpClient, StopsWithinAQuarterSecond) {
  std::promise<void> began;
  Router routes;
  routes.add(Method::kGet, "/", [&](const Request& request) {
    began.set_value();
    wait_for_stop(request.stop);
    return Response::text(200, "late");
  });
  const auto server = start_server(std::move(routes));
  StopSource source;
  auto client = std::async(std::launch::async, [&] { return http_request(request_to(*server, "/"), source.token()); });
  auto running = began.get_future();
  await(running);
  const auto before = std::chrono::steady_clock::now();
  source.request_stop(StopReason::kBargeIn);
  const auto response = client.get();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(250));
  EXPECT_EQ(response.error().code, ErrorCode::kCancelled);
}

TEST(HttpClient, RefusesAnAnswerThatIsTooLarge) {
  Router routes;
  routes.add(Method::kGet, "/", [](const Request&) { return Response::text(200, std::string(1'001, 'x')); });
  const auto server = start_server(std::move(routes));
  ClientRequest request = request_to(*server, "/");
  request.max_body = 1'000;
  EXPECT_EQ(http_request(request).error().code, ErrorCode::kTooLarge);
  request.max_body = 1'001;
  EXPECT_TRUE(http_request(request));
}

TEST(HttpClient, HandsTheBodyOnAsItArrives) {
  std::promise<void> seen;
  const auto was_seen = seen.get_future().share();
  Router routes;
  routes.add(Method::kGet, "/", [&](const Request&) {
    return stream_of([&](BodyWriter& writer) -> Result<void> {
      MORGAN_CHECK_OK(writer.write("first"));
      was_seen.wait_for(kTestPatience);
      return writer.write("second");
    });
  });
  routes.add(Method::kGet, "/bad", [](const Request&) { return Response::text(500, "why"); });
  routes.add(Method::kGet, "/plain", [](const Request&) { return Response::text(200, "plain"); });
  const auto server = start_server(std::move(routes));
  std::string all;
  std::string inner;
  ClientRequest request = request_to(*server, "/");
  request.on_body = [&](std::string_view bytes) {
    if (all.empty()) {
      inner = get(*server, "/plain").body;  // a request from inside another's callback
      seen.set_value();
    }
    all += bytes;
    return true;
  };
  const auto response = http_request(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(all, "firstsecond");
  EXPECT_EQ(inner, "plain");
  EXPECT_EQ(response->body, "");
  request.url = url_of(*server, "/bad");
  EXPECT_EQ(http_request(request)->body, "why");
}

TEST(HttpClient, LetsTheReceiverStop) {
  Router routes;
  routes.add(Method::kGet, "/", [](const Request&) { return Response::text(200, std::string(100'000, 'x')); });
  const auto server = start_server(std::move(routes));
  ClientRequest request = request_to(*server, "/");
  request.on_body = [](std::string_view) { return false; };
  EXPECT_EQ(http_request(request).error().code, ErrorCode::kCancelled);
  EXPECT_EQ(get(*server, "/").status, 200);
}

TEST(HttpClient, FollowsRedirectsAndForgetsTheirBodies) {
  Router routes;
  routes.add(Method::kGet, "/from", [](const Request&) {
    Response response = Response::text(302, "moved");
    response.headers.emplace("Location", "/to");
    return response;
  });
  routes.add(Method::kGet, "/to", [](const Request&) { return Response::text(200, "here"); });
  routes.add(Method::kGet, "/loop", [](const Request&) {
    Response response = Response::text(302, "moved");
    response.headers.emplace("Location", "/loop");
    return response;
  });
  const auto server = start_server(std::move(routes));
  const auto response = get(*server, "/from");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "here");
  EXPECT_EQ(header_of(response, "location"), "");
  EXPECT_EQ(http_request(request_to(*server, "/loop")).error().code, ErrorCode::kUnavailable);
}

TEST(HttpClient, UsesNoProxyForThisMachine) {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  Router routes;
  routes.add(Method::kGet, "/", [](const Request&) { return Response::text(200, "direct"); });
  const auto server = start_server(std::move(routes));
  EXPECT_EQ(get(*server, "/").body, "direct");
  ::unsetenv("http_proxy");
}

TEST(HttpClient, EncodesComponents) {
  EXPECT_EQ(url_encode("a b/c?\xC3\xA9-_.~"), "a%20b%2Fc%3F%C3%A9-_.~");
}

}  // namespace
}  // namespace morgan::net
