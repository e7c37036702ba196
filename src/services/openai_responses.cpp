#include "services/openai_responses.h"

#include "services/fields.h"
#include "services/json_format.h"
#include "services/openai_llm.h"
#include "services/piece_stream.h"
#include "services/responses_output.h"

#include <array>
#include <ctime>
#include <utility>

namespace morgan::services {

namespace {

using net::Method;

Result<net::Response> whole(engines::LlmEngine& llm, const ResponsesRequest& request, const StopToken& stop) {
  auto reply = llm.chat(request.chat, {}, stop);
  if (!reply) return fail(engine_error(std::move(reply).error(), "MODEL_INFERENCE_ERROR"));
  ResponsesOutput output(request, llm.model_name(), std::time(nullptr), {});
  output.add_text(reply->text);
  output.finish(*reply, std::time(nullptr));
  return json_response(output.whole());
}

/// What the model refuses before its first word is refused with a status; so the first events wait for that word.
Result<void> produce(engines::LlmEngine& llm, const ResponsesRequest& request, const StopToken& stop,
                     const PieceStream::Sink& sink) {
  ResponsesOutput output(request, llm.model_name(), std::time(nullptr), sink);
  bool begun = false;
  const auto begin = [&] { return std::exchange(begun, true) || output.begin(); };
  auto reply = llm.chat(request.chat, [&](std::string_view text) { return begin() && output.add_text(text); }, stop);
  if (!reply) {
    const Error error = engine_error(std::move(reply).error(), "MODEL_INFERENCE_ERROR");
    if (begun && error.code != ErrorCode::kCancelled) output.fail(error);
    return begun ? Result<void>() : fail(error);
  }
  if (!begin() || !output.finish(*reply, std::time(nullptr))) return fail(ErrorCode::kCancelled, "the client has gone");
  return {};
}

Result<net::Response> responses(const net::Request& request, engines::LlmEngine* llm) {
  if (llm == nullptr) return no_language_model();
  MORGAN_TRY(const Fields fields, Fields::read(request));
  MORGAN_TRY(ResponsesRequest wanted, read_responses_request(fields.body(), llm->context_tokens()));
  MORGAN_CHECK_OK(check_chat_model(wanted.chat.model, *llm));
  if (!llm->info().remote) wanted.chat.model.clear();  // whatever it was called, there is one
  if (!wanted.stream) return whole(*llm, wanted, request.stop);
  return event_stream_response([llm, wanted = std::move(wanted), stop = request.stop](const PieceStream::Sink& sink) {
    return produce(*llm, wanted, stop, sink);
  });
}

}  // namespace

void add_openai_responses_routes(ApiRoutes& routes, engines::LlmEngine* llm) {
  routes.add(
      Method::kPost, "/v1/responses",
      {.tag = "language model",
       .summary = "A response (OpenAI's newer form of a chat)",
       .description =
           "Text and functions in, text and calls out; `stream: true` answers events. Nothing is stored: send "
           "the whole input each time, without `previous_response_id`.",
       .json_body = "ResponsesRequest",
       .json_answer = "ResponsesAnswer",
       .other_answers = {"text/event-stream"},
       .scope = "llm"},
      [llm](const net::Request& request) { return responses(request, llm); }, ApiRoutes::text_options());
}

}  // namespace morgan::services
