// OpenAI's Responses API, shared by core and llm.
#pragma once

#include "engines/llm/llm_engine.h"
#include "services/api_routes.h"

namespace morgan::services {

/// /v1/responses, whole and as events; nothing is stored. @param llm  null: the route answers 503
void add_openai_responses_routes(ApiRoutes& routes, engines::LlmEngine* llm);

}  // namespace morgan::services
