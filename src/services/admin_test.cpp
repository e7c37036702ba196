#include "services/admin.h"

#include <gtest/gtest.h>

#include <chrono>

namespace morgan::services {
namespace {

class AdminTest : public testing::Test {
 protected:
  net::Router make_routes() {
    ServiceContext context;
    context.name = "stt";
    context.health = [this] {
      ++asked_;
      return std::vector<HealthPart>{{"stt", status_, "", true}};
    };
    ApiRoutes routes(context);
    add_admin_routes(routes);
    routes.add(net::Method::kPost, "/it", {.tag = "test", .summary = "It"}, [this](const net::Request&) {
      meanwhile_ = ask(net::Method::kGet, "/health").body;
      return net::Response::text(200, "ok");
    });
    return std::move(routes).finish();
  }

  net::Response ask(net::Method method, const char* path) {
    return (*router_.find(method, path)->handler)(net::Request{});
  }
  net::Response health() { return ask(net::Method::kGet, "/health"); }

  HealthStatus status_ = HealthStatus::kHealthy;
  int asked_ = 0;
  std::string meanwhile_;
  const net::Router router_ = make_routes();
};

TEST_F(AdminTest, HealthThatIsAskedAllTheTimeIsMadeNowAndThen) {
  for (int i = 0; i < 1000; ++i)
    EXPECT_EQ(health().status, 200);
  EXPECT_LT(asked_, 100);
}

TEST_F(AdminTest, HealthIsSoonToldAnew) {
  EXPECT_EQ(health().status, 200);
  status_ = HealthStatus::kUnhealthy;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (health().status != 503 && std::chrono::steady_clock::now() < until) {
  }
  EXPECT_EQ(health().status, 503);
}

TEST_F(AdminTest, HealthKnowsEveryRequestThatIsCounted) {
  static_cast<void>(health());
  EXPECT_EQ(ask(net::Method::kPost, "/it").status, 200);
  EXPECT_NE(meanwhile_.find(R"("request_count":0,"active_requests":1)"), std::string::npos) << meanwhile_;
  const std::string after = health().body;
  EXPECT_NE(after.find(R"("request_count":1,"active_requests":0)"), std::string::npos) << after;
}

}  // namespace
}  // namespace morgan::services
