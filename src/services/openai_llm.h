// OpenAI's chat and embeddings routes, shared by core and llm.
#pragma once

#include "engines/embed/embed_engine.h"
#include "engines/llm/llm_engine.h"
#include "services/api_routes.h"

namespace morgan::services {

/// /v1/chat/completions and /v1/embeddings. Either engine may be null: its route answers 503.
void add_openai_llm_routes(ApiRoutes& routes, engines::LlmEngine* llm, engines::EmbedEngine* embed);

/// The vectors of `texts`. @error kUnavailable  embed is null; else the engine's
Result<engines::Embeddings> embed_texts(engines::EmbedEngine* embed, std::span<const std::string> texts,
                                        const StopToken& stop);

/// A model's name in a chat: the loaded one's, "default", and all that OpenAI's chat models are called, for programs
/// that were written for those.
/// @error kNotFound, reason INVALID_MODEL, param "model"
Result<void> check_chat_model(const std::string& name, const engines::LlmEngine& llm);

Failure no_language_model();

}  // namespace morgan::services
