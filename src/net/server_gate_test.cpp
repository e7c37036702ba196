// Who is let in: the gate, pages of other hosts, and what they may read.
#include "net/server_test_support.h"
#include "net/ws_client.h"

namespace morgan::net {
namespace {

Response hello(const Request& request) {
  return Response::text(200, request.caller ? request.caller->user : "nobody asked");
}

ServerOptions gated(std::vector<std::string>* asked) {
  ServerOptions options;
  options.gate = [asked](const Request& request, const RouteAccess& access) {
    asked->push_back(access.scope);
    GateAnswer answer;
    answer.headers = {{"X-RateLimit-Limit", "7"}};
    if (request.header("Authorization") == "Bearer good") {
      answer.caller = std::make_shared<const Caller>(Caller{"k1", "anna"});
    } else {
      answer.refused = Error{ErrorCode::kUnauthorized, "no"};
      answer.headers.emplace("WWW-Authenticate", "Bearer");
    }
    return answer;
  };
  return options;
}

RouteOptions of_scope(std::string scope) {
  RouteOptions options;
  options.access.scope = std::move(scope);
  return options;
}

RouteOptions open_to_all() {
  RouteOptions options;
  options.access.open = true;
  return options;
}

TEST(ServerGate, LetsInAndTellsTheHandlerWhoItIs) {
  std::vector<std::string> asked;
  Router routes;
  routes.add(Method::kGet, "/hello", hello, of_scope("tts"));
  const auto server = start_server(std::move(routes), gated(&asked));
  const ClientResponse answer = get(*server, "/hello", {{"Authorization", "Bearer good"}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "anna");
  EXPECT_EQ(header_of(answer, "X-RateLimit-Limit"), "7");
  server->stop(std::chrono::milliseconds(0));
  EXPECT_EQ(asked, std::vector<std::string>{"tts"});
}

TEST(ServerGate, RefusesWithItsOwnHeadersAndNeverCallsTheHandler) {
  std::vector<std::string> asked;
  bool called = false;
  Router routes;
  routes.add(
      Method::kPost, "/hello",
      [&](const Request&) {
        called = true;
        return Response::text(200, "");
      },
      of_scope("tts"));
  const auto server = start_server(std::move(routes), gated(&asked));
  const ClientResponse answer = post(*server, "/hello", std::string(500'000, 'x'));
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(header_of(answer, "WWW-Authenticate"), "Bearer");
  server->stop(std::chrono::milliseconds(0));
  EXPECT_FALSE(called);
}

TEST(ServerGate, IsNotAskedAboutAnOpenRoute) {
  std::vector<std::string> asked;
  Router routes;
  routes.add(Method::kGet, "/health", hello, open_to_all());
  const auto server = start_server(std::move(routes), gated(&asked));
  EXPECT_EQ(get(*server, "/health").body, "nobody asked");
  server->stop(std::chrono::milliseconds(0));
  EXPECT_TRUE(asked.empty());
}

TEST(ServerGate, StandsBeforeWebSocketsOfBothKinds) {
  std::vector<std::string> asked;
  Router routes;
  WsOptions options;
  options.access.scope = "vad";
  std::string user;
  routes.add_ws(
      "/thread",
      [&](const Request& request, WsPeer& peer) {
        user = request.caller->user;
        peer.close(1000, "");
      },
      options);
  routes.add_ws_session("/session", [](const Request&, std::shared_ptr<WsPeer>) { return nullptr; }, options);
  const auto server = start_server(std::move(routes), gated(&asked));
  for (const char* path : {"/thread", "/session"}) {
    const auto client = WsClient::connect("ws" + url_of(*server, path).substr(4), {}, kTestPatience);
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, ErrorCode::kUnauthorized);
  }
  const Headers key{{"Authorization", "Bearer good"}};
  const auto client = WsClient::connect("ws" + url_of(*server, "/thread").substr(4), key, kTestPatience);
  ASSERT_TRUE(client) << client.error().message;
  EXPECT_FALSE((*client)->receive(kTestPatience));
  EXPECT_EQ((*client)->close_code(), 1000);
  server->stop(std::chrono::milliseconds(0));
  EXPECT_EQ(user, "anna");
  EXPECT_EQ(asked, (std::vector<std::string>{"vad", "vad", "vad"}));
}

class ServerCors : public testing::Test {
 protected:
  static std::unique_ptr<Server> started(std::vector<std::string> origins) {
    Router routes;
    routes.add(Method::kGet, "/hello", hello);
    routes.add(Method::kPost, "/hello", hello);
    routes.add_ws("/ws", [](const Request&, WsPeer& peer) { peer.close(1000, ""); });
    ServerOptions options;
    options.allowed_origins = std::move(origins);
    return start_server(std::move(routes), std::move(options));
  }
  static ClientResponse preflight(const Server& server, const std::string& origin) {
    ClientRequest request;
    request.method = Method::kOptions;
    request.url = url_of(server, "/hello");
    request.headers = {{"Origin", origin},
                       {"Access-Control-Request-Method", "POST"},
                       {"Access-Control-Request-Headers", "authorization,content-type,x-stainless-os,openai-beta"}};
    return http_request(request).value();
  }
  static int posted_from(const Server& server, const std::string& origin) {
    ClientRequest request;
    request.method = Method::kPost;
    request.url = url_of(server, "/hello");
    request.headers = {{"Origin", origin}};
    return http_request(request).value().status;
  }
};

TEST_F(ServerCors, IsOffByDefault) {
  const auto server = started({});
  const ClientResponse answer = get(*server, "/hello", {{"Origin", "https://app.example"}});
  EXPECT_EQ(header_of(answer, "Access-Control-Allow-Origin"), "");
  EXPECT_EQ(header_of(preflight(*server, "https://app.example"), "Access-Control-Allow-Methods"), "");
  EXPECT_EQ(posted_from(*server, "https://app.example"), 403);
}

TEST_F(ServerCors, LetsInThePagesOfItsListAndNoOthers) {
  const auto server = started({"https://app.example"});
  const ClientResponse asked = preflight(*server, "https://app.example");
  EXPECT_EQ(asked.status, 204);
  EXPECT_EQ(header_of(asked, "Access-Control-Allow-Origin"), "https://app.example");
  EXPECT_EQ(header_of(asked, "Access-Control-Allow-Headers"), "authorization,content-type,x-stainless-os,openai-beta");
  EXPECT_NE(header_of(asked, "Access-Control-Allow-Methods").find("POST"), std::string::npos);
  EXPECT_EQ(posted_from(*server, "https://app.example"), 200);
  EXPECT_EQ(header_of(get(*server, "/hello", {{"Origin", "https://app.example"}}), "Access-Control-Allow-Origin"),
            "https://app.example");

  for (const char* other : {"https://evil.example", "http://app.example", "https://app.example.evil.example", "null"}) {
    EXPECT_EQ(posted_from(*server, other), 403) << other;
    EXPECT_EQ(header_of(preflight(*server, other), "Access-Control-Allow-Headers"), "") << other;
    EXPECT_EQ(header_of(get(*server, "/hello", {{"Origin", other}}), "Access-Control-Allow-Origin"), "") << other;
  }
}

TEST_F(ServerCors, WebSocketsLookAtTheOriginToo) {
  const auto server = started({"https://app.example"});
  const std::string url = "ws" + url_of(*server, "/ws").substr(4);
  EXPECT_TRUE(WsClient::connect(url, {{"Origin", "https://app.example"}}, kTestPatience));
  EXPECT_TRUE(WsClient::connect(url, {}, kTestPatience));
  const auto refused = WsClient::connect(url, {{"Origin", "https://evil.example"}}, kTestPatience);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnauthorized);
}

TEST_F(ServerCors, AStarIsEverybody) {
  const auto server = started({"*"});
  EXPECT_EQ(posted_from(*server, "https://any.example"), 200);
}

}  // namespace
}  // namespace morgan::net
