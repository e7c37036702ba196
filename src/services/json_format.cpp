#include "services/json_format.h"

#include "base/strings.h"

#include <cmath>

namespace morgan::services {

namespace {

constexpr double kDecimals = 1000;

// When this process started, near enough: OpenAI's clients want a number there.
long long created_at() {
  static const long long seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  return seconds;
}

}  // namespace

double rounded(double value) {
  return std::round(value * kDecimals) / kDecimals;
}

OrderedJson engine_json(const engines::EngineInfo& engine) {
  return OrderedJson{{"role", engine.role},     {"backend", engine.backend},     {"model", engine.model},
                     {"detail", engine.detail}, {"languages", engine.languages}, {"remote", engine.remote}};
}

OrderedJson models_json(std::span<const engines::EngineInfo> engines) {
  OrderedJson list = OrderedJson::array();
  for (const auto& engine : engines) {
    list.push_back(OrderedJson{{"name", engine.model},
                               {"id", engine.model},
                               {"role", engine.role},
                               {"backend", engine.backend},
                               {"size", engine.detail},
                               {"languages", engine.languages},
                               {"performance", {{"backend", engine.backend}, {"remote", engine.remote}}},
                               {"loaded", true}});
  }
  return OrderedJson{{"models", std::move(list)}};
}

OrderedJson openai_model_json(const engines::EngineInfo& engine) {
  return OrderedJson{{"id", engine.model},
                     {"object", "model"},
                     {"created", created_at()},
                     {"owned_by", engine.backend},
                     {"role", engine.role}};
}

OrderedJson openai_models_json(std::span<const engines::EngineInfo> engines) {
  OrderedJson list = OrderedJson::array();
  for (const auto& engine : engines)
    list.push_back(openai_model_json(engine));
  return OrderedJson{{"object", "list"}, {"data", std::move(list)}};
}

net::Response json_response(const OrderedJson& body) {
  return net::Response::json(200, dump_json(body));
}

bool accepts(const net::Request& request, std::string_view media_type) {
  return to_lower_ascii(request.header("Accept")).find(media_type) != std::string::npos;
}

Result<void> check_model(std::string_view name, std::span<const engines::EngineInfo> engines,
                         std::initializer_list<std::string_view> aliases) {
  if (name.empty() || name == "default") return {};
  if (std::find(aliases.begin(), aliases.end(), name) != aliases.end()) return {};
  std::vector<std::string> known;
  for (const auto& engine : engines) {
    if (engine.remote || engine.model == name) return {};
    known.push_back(engine.model);
  }
  return fail(Error{
      ErrorCode::kNotFound,
      "model '" + std::string(name) + "' is not loaded" + did_you_mean(name, known) + "; loaded: " + join(known, ", "),
      "INVALID_MODEL", "model"});
}

Error engine_error(Error error, std::string_view reason) {
  const bool own_fault = error.code == ErrorCode::kInternal;
  if (error.reason.empty() && own_fault) error.reason = reason;
  if (error.reason.empty() && error.code == ErrorCode::kUnsupported) error.reason = "UNSUPPORTED";
  return error;
}

}  // namespace morgan::services
