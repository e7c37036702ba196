// How a handler's error is answered and counted, and which bodies reach a handler.
#include "services/api_routes.h"

#include <gtest/gtest.h>

namespace morgan::services {
namespace {

class ApiRoutesTest : public testing::Test {
 protected:
  /// What POST /it answers when its handler ends with this.
  net::Response answer(const net::Request& request, Result<net::Response> outcome) {
    ServiceContext context;
    context.name = "stt";
    ApiRoutes routes(context);
    counters_ = routes.counters();
    routes.add(net::Method::kPost, "/it", {.tag = "test", .summary = "It"},
               [outcome](const net::Request&) { return outcome; });
    const net::Router router = std::move(routes).finish();
    const auto match = router.find(net::Method::kPost, "/it");
    return (*match->handler)(request);
  }

  net::Response post(const std::string& encoding) {
    net::Request request;
    request.path = "/it";
    request.body = R"({"text":"hello"})";
    request.headers.emplace("Content-Encoding", encoding);
    return answer(request, net::Response::text(200, "ok"));
  }

  std::shared_ptr<const RequestCounters> counters_;
};

TEST_F(ApiRoutesTest, AClientThatLeavesIsNoFailure) {
  StopSource stop;
  stop.request_stop(StopReason::kClientGone);
  net::Request request;
  request.stop = stop.token();
  EXPECT_EQ(answer(request, fail(request.stop.error())).status, 499);
  EXPECT_EQ(counters_->answered, 1U);
  EXPECT_EQ(counters_->failed, 0U);
}

TEST_F(ApiRoutesTest, AServerThatStopsSendsToAnother) {
  StopSource stop;
  stop.request_stop(StopReason::kShutdown);
  net::Request request;
  request.stop = stop.token();
  const net::Response response = answer(request, fail(request.stop.error()));
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.headers.count("Retry-After"), 1U);
  EXPECT_EQ(counters_->failed, 0U);
}

TEST_F(ApiRoutesTest, WhatIsUnavailableCountsAsFailed) {
  EXPECT_EQ(answer({}, fail(ErrorCode::kUnavailable, "no model is loaded")).status, 503);
  EXPECT_EQ(counters_->failed, 1U);
}

TEST_F(ApiRoutesTest, TakesNoCompressedBody) {
  for (const char* encoding : {"gzip", "br", "deflate", "identity, gzip"}) {
    const net::Response response = post(encoding);
    EXPECT_EQ(response.status, 415) << encoding;
    EXPECT_NE(response.body.find("UNSUPPORTED_MEDIA_TYPE"), std::string::npos) << response.body;
  }
  for (const char* encoding : {"", "identity", "Identity"})
    EXPECT_EQ(post(encoding).status, 200) << encoding;
}

}  // namespace
}  // namespace morgan::services
