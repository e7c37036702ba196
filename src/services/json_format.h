// Small pieces of JSON that several services print.
#pragma once

#include "base/json_util.h"
#include "engines/engine_info.h"
#include "net/http_types.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::services {

/// Three decimals: a millisecond, where it is a second.
double rounded(double value);

OrderedJson engine_json(const engines::EngineInfo& engine);
/// The older form of GET /models: {models: [{name, size, languages, performance, ...}]}.
OrderedJson models_json(std::span<const engines::EngineInfo> engines);
/// OpenAI's list of models.
OrderedJson openai_models_json(std::span<const engines::EngineInfo> engines);
OrderedJson openai_model_json(const engines::EngineInfo& engine);

/// For an answer that is printed in order; of what a client sent, that is by name.
inline OrderedJson ordered(const Json& json) {
  return OrderedJson(json);
}

net::Response json_response(const OrderedJson& body);
bool accepts(const net::Request& request, std::string_view media_type);

/// "" and "default" and the loaded engines' names are known, and `aliases`. A remote engine knows any name.
/// @error kNotFound, reason INVALID_MODEL, param "model"
Result<void> check_model(std::string_view name, std::span<const engines::EngineInfo> engines,
                         std::initializer_list<std::string_view> aliases);

/// Names what an engine's own fault was: sets `reason` on internal errors that have none.
Error engine_error(Error error, std::string_view reason);

}  // namespace morgan::services
