#include "services/openai_models.h"

#include <gtest/gtest.h>

namespace morgan::services {
namespace {

net::Router router_with(const std::string& model) {
  ApiRoutes routes{ServiceContext{}};
  add_openai_model_routes(routes, [model] {
    engines::EngineInfo info;
    info.role = "llm";
    info.model = model;
    return std::vector{info};
  });
  return std::move(routes).finish();
}

net::Response get(const net::Router& router, const std::string& path) {
  const auto match = router.find(net::Method::kGet, path);
  if (!match) return net::Response::json(404, match.error().message);
  net::Request request;
  request.path = path;
  request.params = match->params;
  return (*match->handler)(request);
}

TEST(OpenaiModels, ANameWithASlashIsFoundInBothForms) {
  const net::Router router = router_with("Qwen/Qwen3-8B");
  for (const char* const path : {"/v1/models/Qwen/Qwen3-8B", "/v1/models/Qwen%2FQwen3-8B"}) {
    const net::Response response = get(router, path);
    EXPECT_EQ(response.status, 200) << path << response.body;
    EXPECT_NE(response.body.find(R"("id":"Qwen/Qwen3-8B")"), std::string::npos) << response.body;
  }
}

TEST(OpenaiModels, AnotherNameIsSaidToBeUnknown) {
  const net::Router router = router_with("joe");
  for (const char* const path : {"/v1/models/jo", "/v1/models/some/joe"}) {
    const net::Response response = get(router, path);
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_NE(response.body.find("model_not_found"), std::string::npos) << response.body;
  }
}

}  // namespace
}  // namespace morgan::services
