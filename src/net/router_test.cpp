#include "net/server.h"
#include "net/url.h"

namespace morgan::net {
namespace {

Handler named(const std::string& name) {
  return [name](const Request&) { return Response::text(200, name); };
}

std::string found(const Router& router, Method method, std::string_view path) {
  const auto match = router.find(method, path);
  if (!match) return std::string(to_string(match.error().code));
  return (*match->handler)(Request{}).body;
}

TEST(Router, MatchesLiteralPaths) {
  Router router;
  router.add(Method::kGet, "/", named("root"));
  router.add(Method::kGet, "/health", named("health"));
  EXPECT_EQ(found(router, Method::kGet, "/"), "root");
  EXPECT_EQ(found(router, Method::kGet, "/health"), "health");
  EXPECT_EQ(found(router, Method::kGet, "/health/"), "health");
  EXPECT_EQ(found(router, Method::kGet, "/health/x"), "not_found");
  EXPECT_EQ(found(router, Method::kGet, "/healt"), "not_found");
}

TEST(Router, DecodesWhatANameMatched) {
  Router router;
  router.add(Method::kGet, "/v1/models/{id}/files/{file}", named("file"));
  const auto match = router.find(Method::kGet, "/v1/models/org%2Fname/files/a%20b");
  ASSERT_TRUE(match);
  EXPECT_EQ(match->params.at("id"), "org/name");
  EXPECT_EQ(match->params.at("file"), "a b");
  EXPECT_EQ(match->pattern, "/v1/models/{id}/files/{file}");
}

TEST(Router, ANameMatchesNoEmptySegment) {
  Router router;
  router.add(Method::kGet, "/users/{id}", named("user"));
  EXPECT_EQ(found(router, Method::kGet, "/users/"), "not_found");
}

TEST(Router, ALiteralBeatsANameWhateverTheOrder) {
  Router router;
  router.add(Method::kGet, "/voices/{id}", named("name"));
  router.add(Method::kGet, "/voices/default", named("literal"));
  EXPECT_EQ(found(router, Method::kGet, "/voices/default"), "literal");
  EXPECT_EQ(found(router, Method::kGet, "/voices/other"), "name");
}

TEST(Router, ALessSpecificRouteAnswersAMethodTheBestOneLacks) {
  Router router;
  router.add(Method::kGet, "/voices/{id}", named("name"));
  router.add(Method::kPost, "/voices/default", named("literal"));
  EXPECT_EQ(found(router, Method::kGet, "/voices/default"), "name");
}

TEST(Router, NamesTheMethodsThatAPathAnswers) {
  Router router;
  router.add(Method::kGet, "/a", named("get"));
  router.add(Method::kPost, "/a", named("post"));
  const auto match = router.find(Method::kDelete, "/a");
  ASSERT_FALSE(match);
  EXPECT_EQ(match.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(match.error().message.find("GET, HEAD, POST, OPTIONS"), std::string::npos) << match.error().message;
}

TEST(Router, HeadGoesToGet) {
  Router router;
  router.add(Method::kGet, "/a", named("get"));
  EXPECT_EQ(found(router, Method::kHead, "/a"), "get");
}

TEST(Router, KeepsOptionsOfEachMethod) {
  Router router;
  router.add(Method::kPost, "/a", named("post"), {.body_limit = 7, .run_on = RunOn::kInline});
  router.add(Method::kGet, "/a", named("get"));
  EXPECT_EQ(router.find(Method::kPost, "/a")->options->body_limit, 7U);
  EXPECT_EQ(router.find(Method::kPost, "/a")->options->run_on, RunOn::kInline);
  EXPECT_EQ(router.find(Method::kGet, "/a")->options->run_on, RunOn::kPool);
}

TEST(Router, FindsWebSocketRoutesUnderGet) {
  Router router;
  router.add_ws("/stream", [](const Request&, WsPeer&) {});
  const auto match = router.find(Method::kGet, "/stream");
  ASSERT_TRUE(match);
  EXPECT_NE(match->ws_handler, nullptr);
  EXPECT_EQ(match->handler, nullptr);
  EXPECT_EQ(router.find(Method::kPost, "/stream").error().code, ErrorCode::kUnsupported);
}

TEST(Url, DecodesEscapesAndRefusesBrokenOnes) {
  EXPECT_EQ(*percent_decode("a%20b%C3%A9+c"), "a b\xC3\xA9+c");
  EXPECT_EQ(*percent_decode("a+b", PlusSign::kSpace), "a b");
  for (const auto* broken : {"%", "%4", "%zz", "a%2", "%00", "%FF", "%C3"}) {
    EXPECT_FALSE(percent_decode(broken)) << broken;
  }
}

TEST(Url, TakesTargetsApart) {
  const auto target = parse_target("/a%2Fb/c?x=1&y=a%20b+c&x=2&flag#part");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->raw_path, "/a%2Fb/c");
  EXPECT_EQ(target->path, "/a/b/c");
  EXPECT_EQ(target->query.at("x"), "2");
  EXPECT_EQ(target->query.at("y"), "a b c");
  EXPECT_EQ(target->query.at("flag"), "");
  EXPECT_EQ(parse_target("http://host:1/p?q=1")->path, "/p");
  EXPECT_EQ(parse_target("http://host")->path, "/");
  EXPECT_FALSE(parse_target("nowhere"));
  EXPECT_FALSE(parse_target(""));
}

TEST(Url, TakesDoubledSlashesForOne) {
  EXPECT_EQ(parse_target("//v1/chat/completions")->path, "/v1/chat/completions");
  EXPECT_EQ(parse_target("/v1///models//?a=b//c")->raw_path, "/v1/models/");
  EXPECT_EQ(parse_target("/v1///models//?a=b//c")->query.at("a"), "b//c");
  EXPECT_EQ(parse_target("http://host:1//v1/models")->path, "/v1/models");
  EXPECT_EQ(parse_target("//")->raw_path, "/");
  EXPECT_EQ(parse_target("/models/a%2F%2Fb")->raw_path, "/models/a%2F%2Fb");
}

TEST(Headers, GiveTheFirstOfEqualNamesWhateverTheCase) {
  Request request;
  request.headers.emplace("Accept", "first");
  request.headers.emplace("ACCEPT", "second");
  EXPECT_EQ(request.header("accept"), "first");
  EXPECT_EQ(request.header("absent"), "");
}

}  // namespace
}  // namespace morgan::net
