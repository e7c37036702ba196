// /openapi.json (OpenAPI 3.1) from the routes as they were added and the hand-written schemas.
#pragma once

#include "base/json_util.h"
#include "services/api_routes.h"

#include <span>

namespace morgan::services {

/// Only the schemas that these routes reach are in it.
OrderedJson openapi_document(const ServiceContext& context, std::span<const DocumentedRoute> routes);

}  // namespace morgan::services
