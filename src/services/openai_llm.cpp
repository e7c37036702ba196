#include "services/openai_llm.h"

#include "base/base64.h"
#include "base/strings.h"
#include "services/fields.h"
#include "services/json_format.h"
#include "services/piece_stream.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace morgan::services {

namespace {

using net::Method;

constexpr std::string_view kRoles[] = {"system", "developer", "user", "assistant", "tool", "function"};
constexpr std::size_t kMaxEmbeddingInputs = 2048;                                         // OpenAI's own limit
constexpr std::string_view kOpenaiChatModels[] = {"gpt-", "chatgpt-", "o1", "o3", "o4"};  // how their names begin

Result<void> check_messages(const Fields& fields) {
  const Json* messages = fields.json("messages");
  if (messages == nullptr) return field_error("messages", "field 'messages' is required");
  if (!messages->is_array() || messages->empty()) {
    return field_error("messages", "field 'messages' must be a list with at least one message");
  }
  for (const Json& message : *messages) {
    if (!message.is_object() || !message.contains("role") || !message["role"].is_string()) {
      return field_error("messages", "each of 'messages' must be an object with a 'role'");
    }
    const auto& role = message["role"].get_ref<const std::string&>();
    if (std::find(std::begin(kRoles), std::end(kRoles), role) == std::end(kRoles)) {
      return field_error("messages",
                         "role '" + role + "' is not known; expected system, developer, user, assistant or tool");
    }
  }
  return {};
}

net::Response wire_response(engines::WireReply reply) {
  net::Response response = net::Response::bytes(std::move(reply.body), reply.content_type);
  response.status = reply.status;
  if (reply.status == 503 || reply.status == 429) response.headers.emplace("Retry-After", "1");
  return response;
}

// A refusal arrives as a reply without chunks, and must keep its own status.
Result<net::Response> streamed_chat(engines::LlmEngine& llm, std::string body, const StopToken& stop) {
  const auto reply = std::make_shared<engines::WireReply>();  // shared with the producer's thread
  auto producer = [&llm, reply, body = std::move(body), stop](const PieceStream::Sink& sink) -> Result<void> {
    const auto on_chunk = [&sink](std::string_view chunk) { return sink(std::string(chunk)); };
    auto answered = llm.chat_completions(body, on_chunk, stop);
    if (!answered) return fail(engine_error(std::move(answered).error(), "MODEL_INFERENCE_ERROR"));
    *reply = std::move(*answered);
    return {};
  };
  MORGAN_TRY(auto stream, PieceStream::start(std::move(producer)));
  if (stream->empty()) return wire_response(*reply);
  net::Response response;
  response.headers.emplace("Content-Type", "text/event-stream; charset=utf-8");
  response.headers.emplace("Cache-Control", "no-cache");
  response.headers.emplace("X-Accel-Buffering", "no");
  response.stream = [stream](net::BodyWriter& out) { return stream->write_to(out); };
  return response;
}

Result<net::Response> chat(const net::Request& request, engines::LlmEngine* llm) {
  if (llm == nullptr) return no_language_model();
  MORGAN_TRY(const Fields fields, Fields::read(request));
  MORGAN_CHECK_OK(check_messages(fields));
  MORGAN_TRY(const std::string model, fields.text_or("model", ""));
  MORGAN_CHECK_OK(check_chat_model(model, *llm));
  MORGAN_TRY(const bool stream, fields.boolean_or("stream", false));
  if (stream) return streamed_chat(*llm, request.body, request.stop);
  auto reply = llm->chat_completions(request.body, {}, request.stop);
  if (!reply) return fail(engine_error(std::move(reply).error(), "MODEL_INFERENCE_ERROR"));
  return wire_response(std::move(*reply));
}

Result<std::vector<std::string>> read_inputs(const Fields& fields) {
  const Json* input = fields.json("input");
  if (input == nullptr) return field_error("input", "field 'input' is required");
  const Json list = input->is_array() ? *input : Json::array({*input});
  if (list.empty()) return field_error("input", "field 'input' is an empty list");
  if (list.size() > kMaxEmbeddingInputs) {
    return field_error("input",
                       "field 'input' has " + std::to_string(list.size()) + " texts, at most 2048 are allowed");
  }
  std::vector<std::string> texts;
  for (const Json& text : list) {
    if (text.is_number() || text.is_array()) {
      return field_error("input", "field 'input' holds token numbers, which depend on a tokenizer; send the text");
    }
    if (!text.is_string()) return field_error("input", "field 'input' must be a string or a list of strings");
    texts.push_back(text.get<std::string>());
    if (trim(texts.back()).empty()) return field_error("input", "field 'input' holds an empty text");
  }
  return texts;
}

Failure too_long(const engines::Embeddings& made) {
  return fail(Error{ErrorCode::kInvalidArgument,
                    "text " + std::to_string(*made.first_cut) + " of 'input' is longer than the model's context of " +
                        std::to_string(made.context_tokens) + " tokens; send it in parts, or truncate: true to have " +
                        "its beginning read",
                    "CONTEXT_LENGTH_EXCEEDED", "input"});
}

// Cut to fewer dimensions and brought back to length 1. @source Matryoshka truncation as OpenAI's `dimensions` does it
void shorten(std::vector<float>& vector, std::size_t dimensions) {
  vector.resize(std::min(vector.size(), dimensions));
  double squares = 0;
  for (const float value : vector)
    squares += static_cast<double>(value) * value;
  if (squares <= 0) return;
  const auto scale = static_cast<float>(1.0 / std::sqrt(squares));
  for (float& value : vector)
    value *= scale;
}

// Little-endian float32, as numpy.frombuffer reads it.
std::string float_bytes(const std::vector<float>& vector) {
  std::string bytes;
  bytes.reserve(vector.size() * sizeof(float));
  for (const float value : vector) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (unsigned shift = 0; shift < 32; shift += 8)
      bytes.push_back(static_cast<char>((bits >> shift) & 0xFFU));
  }
  return bytes;
}

Result<net::Response> embeddings(const net::Request& request, engines::EmbedEngine* embed) {
  if (embed == nullptr) return fail(ErrorCode::kUnavailable, "no embedding model is loaded");
  MORGAN_TRY(const Fields fields, Fields::read(request));
  MORGAN_TRY(const auto texts, read_inputs(fields));
  const engines::EngineInfo info = embed->info();
  MORGAN_TRY(const std::string model, fields.text_or("model", ""));
  MORGAN_CHECK_OK(check_model(model, std::array{info},
                              {"text-embedding-3-small", "text-embedding-3-large", "text-embedding-ada-002"}));
  MORGAN_TRY(const std::string encoding, fields.text_or("encoding_format", "float"));
  if (encoding != "float" && encoding != "base64") {
    return field_error("encoding_format", "field 'encoding_format' must be float or base64");
  }
  MORGAN_TRY(const auto dimensions, fields.integer("dimensions", {1, static_cast<double>(embed->dimension())}));
  MORGAN_TRY(const bool truncate, fields.boolean_or("truncate", false));
  MORGAN_TRY(engines::Embeddings made, embed_texts(embed, texts, request.stop));
  if (made.first_cut && !truncate) return too_long(made);
  OrderedJson data = OrderedJson::array();
  for (std::vector<float>& vector : made.vectors) {
    if (dimensions) shorten(vector, static_cast<std::size_t>(*dimensions));
    data.push_back(OrderedJson{
        {"object", "embedding"},
        {"index", data.size()},
        {"embedding", encoding == "base64" ? OrderedJson(base64_encode(float_bytes(vector))) : OrderedJson(vector)}});
  }
  return json_response(
      OrderedJson{{"object", "list"},
                  {"data", std::move(data)},
                  {"model", info.model},
                  {"usage", {{"prompt_tokens", made.prompt_tokens}, {"total_tokens", made.prompt_tokens}}}});
}

}  // namespace

Result<void> check_chat_model(const std::string& name, const engines::LlmEngine& llm) {
  const bool known = std::any_of(std::begin(kOpenaiChatModels), std::end(kOpenaiChatModels),
                                 [&name](std::string_view start) { return name.starts_with(start); });
  if (known) return {};
  return check_model(name, std::array{llm.info()}, {llm.model_name()});
}

Failure no_language_model() {
  return fail(ErrorCode::kUnavailable, "no language model is loaded");
}

Result<engines::Embeddings> embed_texts(engines::EmbedEngine* embed, std::span<const std::string> texts,
                                        const StopToken& stop) {
  if (embed == nullptr) return fail(ErrorCode::kUnavailable, "no embedding model is loaded");
  auto made = embed->embed(texts, stop);
  if (!made) return fail(engine_error(std::move(made).error(), "MODEL_INFERENCE_ERROR"));
  return made;
}

void add_openai_llm_routes(ApiRoutes& routes, engines::LlmEngine* llm, engines::EmbedEngine* embed) {
  routes.add(
      Method::kPost, "/v1/chat/completions",
      {.tag = "language model",
       .summary = "Chat (OpenAI's form)",
       .description =
           "Passed to the model as sent: tools, response_format, logprobs and the rest. `stream: true` answers events.",
       .json_body = "ChatCompletionRequest",
       .json_answer = "ChatCompletion",
       .other_answers = {"text/event-stream"},
       .scope = "llm"},
      [llm](const net::Request& request) { return chat(request, llm); }, ApiRoutes::text_options());
  routes.add(
      Method::kPost, "/v1/embeddings",
      {.tag = "language model",
       .summary = "Vectors of texts (OpenAI's form)",
       .json_body = "EmbeddingsRequest",
       .json_answer = "Embeddings",
       .scope = "llm"},
      [embed](const net::Request& request) { return embeddings(request, embed); }, ApiRoutes::text_options());
}

}  // namespace morgan::services
