// Which models a service has, in both forms.
#pragma once

#include "services/api_routes.h"

namespace morgan::services {

using ModelLister = std::function<std::vector<engines::EngineInfo>()>;

/// GET /models
void add_model_list_route(ApiRoutes& routes, ModelLister models);
/// GET /models/{name}
void add_model_detail_route(ApiRoutes& routes, ModelLister models);
/// GET /v1/models, /v1/models/{name} and /v1/models/{owner}/{name}
void add_openai_model_routes(ApiRoutes& routes, ModelLister models);

}  // namespace morgan::services
