#include "services/openai_models.h"

#include "services/json_format.h"

namespace morgan::services {

namespace {

using net::Method;

Result<engines::EngineInfo> find_model(const std::vector<engines::EngineInfo>& models, const std::string& name) {
  for (const auto& model : models) {
    if (model.model == name || name == "default") return model;
  }
  auto known = check_model(name, models, {});
  if (!known) return fail(std::move(known).error());
  return fail(Error{ErrorCode::kNotFound, "model '" + name + "' is not loaded", "INVALID_MODEL", "model"});
}

}  // namespace

void add_model_list_route(ApiRoutes& routes, ModelLister models) {
  routes.add(Method::kGet, "/models",
             {.tag = "models", .summary = "Loaded models", .json_answer = "ModelList", .scope = kAnyScope},
             [models = std::move(models)](const net::Request&) -> Result<net::Response> {
               return json_response(models_json(models()));
             });
}

void add_model_detail_route(ApiRoutes& routes, ModelLister models) {
  routes.add(Method::kGet, "/models/{name}",
             {.tag = "models", .summary = "One loaded model", .json_answer = "Model", .scope = kAnyScope},
             [models = std::move(models)](const net::Request& request) -> Result<net::Response> {
               MORGAN_TRY(const engines::EngineInfo model, find_model(models(), request.params.at("name")));
               return json_response(models_json(std::array{model})["models"][0]);
             });
}

void add_openai_model_routes(ApiRoutes& routes, ModelLister models) {
  routes.add(
      Method::kGet, "/v1/models",
      {.tag = "models",
       .summary = "Loaded models (OpenAI's form)",
       .json_answer = "OpenAiModelList",
       .scope = kAnyScope},
      [models](const net::Request&) -> Result<net::Response> { return json_response(openai_models_json(models())); });
  const auto one = [models](const std::string& name) -> Result<net::Response> {
    MORGAN_TRY(const engines::EngineInfo model, find_model(models(), name));
    return json_response(openai_model_json(model));
  };
  routes.add(Method::kGet, "/v1/models/{name}",
             {.tag = "models",
              .summary = "One loaded model (OpenAI's form)",
              .json_answer = "OpenAiModel",
              .scope = kAnyScope},
             [one](const net::Request& request) { return one(request.params.at("name")); });
  // Upstreams name models after who made them, and clients put that into a path as it is.
  routes.add(
      Method::kGet, "/v1/models/{owner}/{name}",
      {.tag = "models",
       .summary = "One loaded model whose name has a slash (OpenAI's form)",
       .json_answer = "OpenAiModel",
       .scope = kAnyScope},
      [one](const net::Request& request) { return one(request.params.at("owner") + "/" + request.params.at("name")); });
}

}  // namespace morgan::services
