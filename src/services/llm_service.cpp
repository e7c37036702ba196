// The llm service, port 8001: language model and embeddings.
#include "net/sse.h"
#include "services/admin.h"
#include "services/fields.h"
#include "services/json_format.h"
#include "services/openai_llm.h"
#include "services/openai_models.h"
#include "services/openai_responses.h"
#include "services/piece_stream.h"
#include "services/service.h"

namespace morgan::services {

namespace {

using net::Method;

constexpr double kMaxTokens = 1'000'000;
constexpr int kDefaultMaxTokens = 2048;
constexpr std::size_t kMaxPromptChars = 4'000'000;  // the model's context is the real limit, and it tells it better

Result<void> add_context(const Fields& fields, std::vector<engines::ChatMessage>& messages) {
  const Json* context = fields.json("context");
  if (context == nullptr) return {};
  if (!context->is_array()) return field_error("context", "field 'context' must be a list of {role, content}");
  for (const Json& entry : *context) {
    if (!entry.is_object()) return field_error("context", "each of 'context' must be an object {role, content}");
    auto role = json_string(entry, "role");
    auto content = json_string(entry, "content");
    if (!role || !content || !*role || !*content) {
      return field_error("context", "each of 'context' must have the strings 'role' and 'content'");
    }
    const bool known = **role == "system" || **role == "user" || **role == "assistant" || **role == "tool";
    if (!known)
      return field_error("context", "role '" + **role + "' is not known; expected system, user, assistant or tool");
    messages.push_back({**role, **content});
  }
  return {};
}

Result<engines::ChatRequest> read_generate(const Fields& fields, engines::LlmEngine& llm) {
  engines::ChatRequest chat;
  MORGAN_TRY(const std::string prompt, fields.required_text("prompt", kMaxPromptChars));
  MORGAN_TRY(const std::string system_prompt, fields.text_or("system_prompt", ""));
  if (!system_prompt.empty()) chat.messages.push_back({"system", system_prompt});
  MORGAN_CHECK_OK(add_context(fields, chat.messages));
  chat.messages.push_back({"user", prompt});
  MORGAN_TRY(const auto max_tokens, fields.integer("max_tokens", {1, kMaxTokens}));
  chat.max_tokens = static_cast<int>(max_tokens.value_or(kDefaultMaxTokens));
  MORGAN_TRY(const auto temperature, fields.number("temperature", {0, 2}));
  chat.temperature = temperature.value_or(chat.temperature);
  MORGAN_TRY(chat.top_p, fields.number("top_p", {0, 1}));
  MORGAN_TRY(chat.seed, fields.integer("seed"));
  MORGAN_TRY(chat.stop_words, fields.words("stop"));
  MORGAN_TRY(chat.model, fields.text_or("model", ""));
  MORGAN_CHECK_OK(check_model(chat.model, std::array{llm.info()}, {llm.model_name()}));
  return chat;
}

OrderedJson usage_json(const engines::ChatUsage& usage) {
  return OrderedJson{{"prompt_tokens", usage.prompt_tokens},
                     {"cached_tokens", usage.cached_tokens},
                     {"completion_tokens", usage.completion_tokens},
                     {"total_tokens", usage.prompt_tokens + usage.completion_tokens}};
}

Result<engines::ChatReply> run_chat(engines::LlmEngine& llm, const engines::ChatRequest& chat,
                                    const std::function<bool(std::string_view)>& on_text, const StopToken& stop) {
  auto reply = llm.chat(chat, on_text, stop);
  if (!reply) return fail(engine_error(std::move(reply).error(), "MODEL_INFERENCE_ERROR"));
  return reply;
}

Result<net::Response> stream_generate(engines::LlmEngine& llm, engines::ChatRequest chat, const StopToken& stop) {
  auto producer = [&llm, chat = std::move(chat), stop](const PieceStream::Sink& sink) -> Result<void> {
    const auto on_text = [&sink](std::string_view piece) {
      return sink(net::sse_event(dump_json(OrderedJson{{"text", std::string(piece)}, {"done", false}})));
    };
    MORGAN_TRY(const engines::ChatReply reply, run_chat(llm, chat, on_text, stop));
    sink(net::sse_event(dump_json(OrderedJson{{"text", ""},
                                              {"done", true},
                                              {"model", llm.model_name()},
                                              {"finish_reason", reply.finish_reason},
                                              {"usage", usage_json(reply.usage)}})));
    sink(net::sse_event("[DONE]"));
    return {};
  };
  return event_stream_response(std::move(producer));
}

Result<net::Response> generate(const net::Request& request, engines::LlmEngine* llm, bool always_stream) {
  if (llm == nullptr) return no_language_model();
  const auto start = std::chrono::steady_clock::now();
  MORGAN_TRY(const Fields fields, Fields::read(request));
  MORGAN_TRY(engines::ChatRequest chat, read_generate(fields, *llm));
  MORGAN_TRY(const bool stream, fields.boolean_or("stream", false));
  if (stream || always_stream) return stream_generate(*llm, std::move(chat), request.stop);
  MORGAN_TRY(const engines::ChatReply reply, run_chat(*llm, chat, {}, request.stop));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return json_response(
      OrderedJson{{"text", reply.text},
                  {"model", llm->model_name()},
                  {"usage", usage_json(reply.usage)},
                  {"finish_reason", reply.finish_reason},
                  {"metadata", {{"processing_time", rounded(seconds)}, {"backend", llm->info().backend}}}});
}

Result<net::Response> embed_one(const net::Request& request, engines::EmbedEngine* embed) {
  if (embed == nullptr) return fail(ErrorCode::kUnavailable, "no embedding model is loaded");
  MORGAN_TRY(const Fields fields, Fields::read(request));
  MORGAN_TRY(const std::string text, fields.required_text("text", kMaxPromptChars));
  MORGAN_TRY(const std::string model, fields.text_or("model", ""));
  MORGAN_CHECK_OK(check_model(model, std::array{embed->info()}, {}));
  MORGAN_TRY(const engines::Embeddings made, embed_texts(embed, std::array{text}, request.stop));
  if (made.vectors.empty())
    return fail(Error{ErrorCode::kInternal, "the model made no vector", "MODEL_INFERENCE_ERROR"});
  return json_response(OrderedJson{{"embedding", made.vectors.front()},
                                   {"dimension", made.vectors.front().size()},
                                   {"dimensions", made.vectors.front().size()},
                                   {"model", embed->info().model},
                                   {"usage", {{"prompt_tokens", made.prompt_tokens}}}});
}

}  // namespace

net::Router llm_routes(const ServiceContext& context, engines::LlmEngine* llm, engines::EmbedEngine* embed) {
  ApiRoutes routes(context);
  add_openai_llm_routes(routes, llm, embed);
  add_openai_responses_routes(routes, llm);
  routes.add(
      Method::kPost, "/generate",
      {.tag = "language model",
       .summary = "Answer a prompt",
       .description = "`stream: true` answers events as /stream.",
       .json_body = "GenerateRequest",
       .json_answer = "Generated",
       .other_answers = {"text/event-stream"}},
      [llm](const net::Request& request) { return generate(request, llm, false); }, ApiRoutes::text_options());
  routes.add(
      Method::kPost, "/stream",
      {.tag = "language model",
       .summary = "Answer a prompt as events",
       .description = "data: {text, done}; the last has done: true, finish_reason and usage, then [DONE].",
       .json_body = "GenerateRequest",
       .other_answers = {"text/event-stream"}},
      [llm](const net::Request& request) { return generate(request, llm, true); }, ApiRoutes::text_options());
  routes.add(
      Method::kPost, "/embed",
      {.tag = "language model", .summary = "Vector of a text", .json_body = "EmbedRequest", .json_answer = "Embedded"},
      [embed](const net::Request& request) { return embed_one(request, embed); }, ApiRoutes::text_options());
  const auto models = [llm, embed] {
    std::vector<engines::EngineInfo> infos;
    if (llm != nullptr) infos.push_back(llm->info());
    if (embed != nullptr) infos.push_back(embed->info());
    return infos;
  };
  add_model_list_route(routes, models);
  add_model_detail_route(routes, models);
  add_openai_model_routes(routes, models);
  add_admin_routes(routes);
  return std::move(routes).finish();
}

}  // namespace morgan::services
