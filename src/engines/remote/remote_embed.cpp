#include "engines/remote/remote_client.h"

#include <atomic>
#include <cmath>
#include <memory>
#include <utility>

namespace morgan::engines {

namespace {

/// Most upstreams take more at once; few take much longer for it.
constexpr std::size_t kBatchTexts = 64;
/// The code of a refusal that is only about the length; then the beginning of the text does, as with our own engine.
constexpr std::string_view kTooLong = "context_length_exceeded";

std::optional<std::vector<float>> vector_of(const Json& numbers) {
  if (!numbers.is_array() || numbers.empty()) return std::nullopt;
  std::vector<float> values;
  values.reserve(numbers.size());
  double squares = 0;
  for (const Json& number : numbers) {
    if (!number.is_number()) return std::nullopt;
    values.push_back(number.get<float>());
    squares += static_cast<double>(values.back()) * static_cast<double>(values.back());
  }
  const auto length = static_cast<float>(std::sqrt(squares));
  if (length > 0) {
    for (float& value : values)
      value /= length;
  }
  return values;
}

class RemoteEmbed final : public EmbedEngine {
 public:
  explicit RemoteEmbed(RemoteClient client) : client_(std::move(client)) {}

  Result<Embeddings> embed(std::span<const std::string> texts, const StopToken& stop) override {
    Embeddings all;
    while (!texts.empty()) {
      const auto batch = texts.first(std::min(kBatchTexts, texts.size()));
      MORGAN_CHECK_OK(embed_batch(batch, stop, all));
      texts = texts.subspan(batch.size());
    }
    return all;
  }

  /// 0 until the first answer.
  int dimension() const override { return dimension_; }
  EngineInfo info() const override { return client_.info("embed"); }

 private:
  Result<void> embed_batch(std::span<const std::string> texts, const StopToken& stop, Embeddings& all) {
    Json body{{"model", client_.options().model},
              {"input", std::vector<std::string>(texts.begin(), texts.end())},
              {"encoding_format", "float"}};
    MORGAN_TRY(auto response, client_.send(client_.post_json("/embeddings", body), stop));
    if (response.status == 400 && response.body.find(kTooLong) != std::string::npos) {
      // Not at once: OpenAI's own API refuses fields that it does not know.
      body["truncate"] = true;
      MORGAN_TRY(response, client_.send(client_.post_json("/embeddings", body), stop));
    }
    if (response.status < 200 || response.status > 299) return fail(client_.refusal(response));
    const auto parsed = parse_json(response.body);
    if (!parsed || !parsed->is_object() || !parsed->contains("data") || !parsed->at("data").is_array()) {
      return client_.not_understood("a list of embeddings");
    }
    const Json& data = parsed->at("data");
    std::vector<std::vector<float>> vectors(texts.size());
    for (std::size_t i = 0; i < data.size(); ++i) {
      const double index = number_or(data[i], "index", static_cast<double>(i));
      if (!(index >= 0) || index >= static_cast<double>(vectors.size()) || !data[i].contains("embedding")) {
        return client_.not_understood("a list of embeddings");
      }
      auto vector = vector_of(data[i].at("embedding"));
      if (!vector) return client_.not_understood("a list of embeddings");
      vectors[static_cast<std::size_t>(index)] = std::move(*vector);
    }
    for (auto& vector : vectors) {
      const bool fits = !vector.empty() && (all.vectors.empty() || vector.size() == all.vectors.front().size());
      if (!fits) return client_.not_understood("one embedding of the same size for each text");
      dimension_ = static_cast<int>(vector.size());
      all.vectors.push_back(std::move(vector));
    }
    if (const auto usage = parsed->find("usage"); usage != parsed->end()) {
      all.prompt_tokens += static_cast<int>(number_or(*usage, "prompt_tokens", 0));
    }
    return {};
  }

  RemoteClient client_;
  std::atomic<int> dimension_{0};
};

}  // namespace

Result<std::unique_ptr<EmbedEngine>> connect_remote_embed(const RemoteOptions& options) {
  MORGAN_TRY(auto client, RemoteClient::create(options));
  std::unique_ptr<EmbedEngine> engine = std::make_unique<RemoteEmbed>(std::move(client));
  return engine;
}

}  // namespace morgan::engines
