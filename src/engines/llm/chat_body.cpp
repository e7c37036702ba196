#include "engines/llm/chat_body.h"

#include "base/strings.h"
#include "engines/llm/chat_checks.h"
#include "engines/llm/event_stream.h"

#include <fmt/format.h>

#include <limits>

namespace morgan::engines {

namespace {

constexpr long long kMaxTopLogprobs = 20;  // OpenAI's limit; every one is sorted out of the vocabulary
constexpr std::size_t kMaxStopWords = 16;
constexpr std::string_view kDone = "[DONE]";

constexpr std::string_view kPassedFields[] = {
    // OpenAI's
    "messages", "temperature", "top_p", "presence_penalty", "frequency_penalty", "logit_bias", "response_format",
    "tools", "tool_choice", "parallel_tool_calls", "seed", "n", "stream_options", "reasoning_effort",
    // samplers and templates of llama.cpp that its clients know
    "top_k", "min_p", "typical_p", "repeat_penalty", "dynatemp_range", "dynatemp_exponent", "xtc_probability",
    "xtc_threshold", "top_n_sigma", "mirostat", "mirostat_tau", "mirostat_eta", "dry_multiplier", "dry_base",
    "dry_allowed_length", "samplers", "ignore_eos", "grammar", "json_schema", "cache_prompt", "timings_per_token",
    "chat_template_kwargs", "reasoning_format", "add_generation_prompt", "continue_final_message"};

/// Windows that samplers allocate in full, whatever the context is.
constexpr std::string_view kWindows[] = {"repeat_last_n", "dry_penalty_last_n"};

Failure invalid(std::string_view param, std::string message) {
  return fail(Error{ErrorCode::kInvalidArgument, std::move(message), {}, std::string(param)});
}

Result<void> take_limits(const Json& client, int context_tokens, Json& body) {
  for (const std::string_view name : {"max_tokens", "max_completion_tokens", "n_predict"}) {
    MORGAN_TRY(const auto limit, json_integer(client, name));
    if (!limit || *limit == -1) continue;
    if (*limit < 1) return invalid(name, std::string(name) + " is " + std::to_string(*limit) + ", expected at least 1");
    body["n_predict"] = std::min<long long>(*limit, context_tokens);
  }
  for (const std::string_view name : kWindows) {
    MORGAN_TRY(const auto window, json_integer(client, name));
    if (window) body[std::string(name)] = std::min<long long>(*window < 0 ? context_tokens : *window, context_tokens);
  }
  return {};
}

struct SamplerRange {
  std::string_view name;
  double least;
  double most;
};

/// OpenAI's ranges, and the sane ones of llama.cpp's own samplers. What is absent here is checked by llama.cpp.
constexpr SamplerRange kSamplers[] = {
    {"temperature", 0, 2},        {"top_p", 0, 1},          {"presence_penalty", -2, 2},
    {"frequency_penalty", -2, 2}, {"min_p", 0, 1},          {"typical_p", 0, 1},
    {"repeat_penalty", 0, 10},    {"top_k", -1, 1'000'000}, {"n", 1, 16}};

Result<void> check_samplers(const Json& client) {
  for (const SamplerRange& sampler : kSamplers) {
    MORGAN_TRY(const auto value, json_number(client, sampler.name));
    if (value && (*value < sampler.least || *value > sampler.most)) {
      return invalid(sampler.name,
                     fmt::format("{} is {}, expected {} to {}", sampler.name, *value, sampler.least, sampler.most));
    }
  }
  return {};
}

struct FieldShape {
  std::string_view name;
  bool (*fits)(const Json&);
  std::string_view expected;
};

/// What llama.cpp would pass over in silence.
constexpr FieldShape kShapes[] = {
    {"logit_bias", [](const Json& field) { return field.is_object() || field.is_array(); }, "an object"},
    {"stream_options", [](const Json& field) { return field.is_object(); }, "an object"},
    {"response_format", [](const Json& field) { return field.is_object(); }, "an object"},
    {"tools", [](const Json& field) { return field.is_array(); }, "a list"},
    {"tool_choice", [](const Json& field) { return field.is_string() || field.is_object(); }, "a word or an object"},
    {"parallel_tool_calls", [](const Json& field) { return field.is_boolean(); }, "true or false"}};

Result<void> check_shapes(const Json& client) {
  for (const FieldShape& shape : kShapes) {
    const auto field = client.find(std::string(shape.name));
    if (field == client.end() || field->is_null() || shape.fits(*field)) continue;
    return invalid(shape.name, fmt::format("{} must be {}", shape.name, shape.expected));
  }
  return {};
}

/// Logits differ in their last bits with the batches that a prompt is read in, and those with what the cache
/// holds: whoever asks for the same answer twice gets the prompt read afresh.
Result<void> take_seed(const Json& client, Json& body) {
  MORGAN_TRY(const auto seed, json_integer(client, "seed"));
  if (!seed) return {};
  body["seed"] = static_cast<std::uint32_t>(*seed);
  if (!body.contains("cache_prompt")) body["cache_prompt"] = false;
  return {};
}

Result<void> take_logprobs(const Json& client, Json& body) {
  MORGAN_TRY(const auto wanted, json_bool(client, "logprobs"));
  MORGAN_TRY(const auto top, json_integer(client, "top_logprobs"));
  if (top && (*top < 0 || *top > kMaxTopLogprobs)) {
    return invalid("top_logprobs",
                   "top_logprobs is " + std::to_string(*top) + ", expected 0 to " + std::to_string(kMaxTopLogprobs));
  }
  if (top && !wanted.value_or(false)) return invalid("top_logprobs", "top_logprobs needs logprobs: true");
  if (!wanted.value_or(false)) return {};
  body["logprobs"] = true;
  body["top_logprobs"] = std::max<long long>(1, top.value_or(1));
  return {};
}

// llama.cpp takes the empty word for one that is always found.
Result<void> take_stop_words(const Json& client, Json& body) {
  const auto stop = client.find("stop");
  if (stop == client.end() || stop->is_null()) return {};
  const Json words = stop->is_string() ? Json::array({*stop}) : *stop;
  if (!words.is_array() || words.size() > kMaxStopWords) {
    return invalid("stop", "stop must be a text or a list of at most " + std::to_string(kMaxStopWords));
  }
  Json kept = Json::array();
  for (const Json& word : words) {
    if (!word.is_string()) return invalid("stop", "stop must hold texts");
    if (!word.get_ref<const std::string&>().empty()) kept.push_back(word);
  }
  if (!kept.empty()) body["stop"] = std::move(kept);
  return {};
}

// llama.cpp knows "auto", "none" and "required"; one function by name is "required" with that tool alone.
Result<void> narrow_tool_choice(Json& body) {
  const auto choice = body.find("tool_choice");
  if (choice == body.end() || !choice->is_object()) return {};
  const auto function = choice->find("function");
  if (function == choice->end() || !function->is_object()) {
    return invalid("tool_choice", "tool_choice must be a word or name a function");
  }
  MORGAN_TRY(const auto name, json_string(*function, "name"));
  Json kept = Json::array();
  if (const auto tools = body.find("tools"); name && tools != body.end() && tools->is_array()) {
    for (const Json& tool : *tools) {
      if (tool.is_object() && tool.value("/function/name"_json_pointer, Json()) == *name) kept.push_back(tool);
    }
  }
  if (kept.empty()) return invalid("tool_choice", "tool_choice names a function that is not in tools");
  body["tools"] = std::move(kept);
  body["tool_choice"] = "required";
  return {};
}

Result<std::string> read_event(const Json& event, ChatReply& reply) {
  std::string text;
  if (const auto usage = event.find("usage"); usage != event.end() && usage->is_object()) {
    reply.usage.prompt_tokens = usage->value("prompt_tokens", 0);
    reply.usage.completion_tokens = usage->value("completion_tokens", 0);
    reply.usage.cached_tokens = usage->value("/prompt_tokens_details/cached_tokens"_json_pointer, 0);
  }
  const auto choices = event.find("choices");
  if (choices == event.end() || !choices->is_array()) return fail(ErrorCode::kInternal, "an event without choices");
  for (const Json& choice : *choices) {
    const Json content = choice.value("/delta/content"_json_pointer, Json());
    if (content.is_string()) text += content.get_ref<const std::string&>();
    take_tool_calls(choice.value("delta", Json()), reply.tool_calls);
    if (const auto reason = choice.find("finish_reason"); reason != choice.end() && reason->is_string()) {
      reply.finish_reason = reason->get<std::string>();
    }
  }
  return text;
}

}  // namespace

Result<ClientBody> client_chat_body(const std::string& text, int context_tokens) {
  MORGAN_TRY(Json client, parse_json_object(text));
  const auto messages = client.find("messages");
  if (messages == client.end() || !messages->is_array() || messages->empty()) {
    return invalid("messages", "messages must be a list of at least one message");
  }
  MORGAN_CHECK_OK(check_chat(client));
  ClientBody result;
  result.body = Json::object();
  for (const std::string_view name : kPassedFields) {
    if (const auto field = client.find(std::string(name)); field != client.end() && !field->is_null()) {
      result.body[std::string(name)] = *field;
    }
  }
  MORGAN_CHECK_OK(take_limits(client, context_tokens, result.body));
  MORGAN_CHECK_OK(check_samplers(client));
  MORGAN_CHECK_OK(check_shapes(client));
  MORGAN_CHECK_OK(take_seed(client, result.body));
  MORGAN_CHECK_OK(take_logprobs(client, result.body));
  MORGAN_CHECK_OK(take_stop_words(client, result.body));
  MORGAN_CHECK_OK(narrow_tool_choice(result.body));
  MORGAN_TRY(const auto stream, json_bool(client, "stream"));
  result.stream = stream.value_or(false);
  result.body["stream"] = result.stream;
  return result;
}

Result<Json> own_chat_body(const ChatRequest& request) {
  if (request.messages.empty()) return invalid("messages", "a chat needs at least one message");
  if (request.max_tokens < 1) {
    return invalid("max_tokens", "max_tokens is " + std::to_string(request.max_tokens) + ", expected at least 1");
  }
  Json body = {{"messages", messages_json(request.messages)},
               {"n_predict", request.max_tokens},
               {"temperature", request.temperature},
               {"cache_prompt", true},
               {"stream", true},
               {"stream_options", {{"include_usage", true}}}};
  use_own_call_ids(body["messages"]);
  if (request.top_p) body["top_p"] = *request.top_p;
  if (request.seed) body["seed"] = static_cast<std::uint32_t>(*request.seed);
  Json words = Json::array();
  for (const std::string& word : request.stop_words) {
    if (!word.empty()) words.push_back(word);
  }
  if (!words.empty()) body["stop"] = std::move(words);
  MORGAN_CHECK_OK(add_tools(request, body));
  MORGAN_CHECK_OK(narrow_tool_choice(body));
  return body;
}

Json prefill_body(const std::vector<ChatMessage>& messages) {
  return {{"messages", messages_json(messages)},
          {"n_predict", 0},
          {"cache_prompt", true},
          {"add_generation_prompt", false},
          {"stream", false}};
}

std::string openai_error_body(std::string_view message, std::string_view type, std::string_view param,
                              std::string_view code) {
  const auto text_or_null = [](std::string_view text) { return text.empty() ? Json() : Json(std::string(text)); };
  return dump_json(Json{{"error",
                         {{"message", std::string(message)},
                          {"type", std::string(type)},
                          {"param", text_or_null(param)},
                          {"code", text_or_null(code)}}}});
}

Result<std::string> read_chat_events(std::string_view chunk, ChatReply& reply) {
  std::string text;
  while (!chunk.empty()) {
    const std::size_t end = chunk.find(kEventEnd);
    std::string_view event = chunk.substr(0, end);
    chunk.remove_prefix(end == std::string_view::npos ? chunk.size() : end + kEventEnd.size());
    if (!event.starts_with(kEventPrefix)) continue;
    event.remove_prefix(kEventPrefix.size());
    if (event == kDone) continue;
    MORGAN_TRY(const Json parsed, parse_json_object(event));
    MORGAN_TRY(const std::string piece, read_event(parsed, reply));
    text += piece;
  }
  return text;
}

}  // namespace morgan::engines
