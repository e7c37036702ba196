#include "engines/remote/upstream_test_server.h"

#include <cmath>

namespace morgan::engines {
namespace {

constexpr const char* kDone = "data: [DONE]\n\n";

std::string delta(const std::string& text) {
  const Json choice{{"index", 0}, {"delta", {{"content", text}}}, {"finish_reason", nullptr}};
  return "data: " + Json{{"object", "chat.completion.chunk"}, {"choices", Json::array({choice})}}.dump() + "\n\n";
}

std::string last_chunk(const std::string& reason) {
  const Json choice{{"index", 0}, {"delta", Json::object()}, {"finish_reason", reason}};
  return "data: " + Json{{"choices", Json::array({choice})}}.dump() + "\n\n";
}

constexpr const char* kUsage =
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":3,"
    "\"prompt_tokens_details\":{\"cached_tokens\":8}}}\n\n";

ChatRequest question(const std::string& text) {
  ChatRequest request;
  request.messages = {{"system", "Be brief."}, {"user", text}};
  request.max_tokens = 77;
  request.seed = 5;
  request.stop_words = {"###"};
  return request;
}

std::unique_ptr<LlmEngine> connect(const RemoteOptions& options) {
  auto engine = connect_remote_llm(options);
  EXPECT_TRUE(engine);
  return std::move(engine).value();
}

/// An address on which nobody listens.
RemoteOptions nowhere() {
  RemoteOptions options;
  options.base_url = "http://user:pw@127.0.0.1:1/v1";
  options.api_key = "sk-secret-key";
  return options;
}

TEST(RemoteLlm, StreamsTheAnswerAsItComes) {
  Upstream upstream;
  upstream.on(net::Method::kPost, "/chat/completions", [](const net::Request&) {
    const std::string second = delta("lo \u00e9");
    const std::size_t inside = second.find("\u00e9") + 1;  // a write that ends within a character
    return streamed({": ping\n\n" + delta("Hel"), second.substr(0, inside), second.substr(inside), delta("!"),
                     last_chunk("length"), kUsage, kDone},
                    "text/event-stream");
  });
  const auto engine = connect(upstream.start());
  EXPECT_TRUE(upstream.seen().empty());  // connecting calls nobody
  std::vector<std::string> pieces;
  const auto reply = engine->chat(question("hi"),
                                  [&](std::string_view piece) {
                                    pieces.emplace_back(piece);
                                    return true;
                                  },
                                  {});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->text, "Hello \u00e9!");
  EXPECT_EQ(pieces, (std::vector<std::string>{"Hel", "lo \u00e9", "!"}));
  EXPECT_EQ(reply->finish_reason, "length");
  EXPECT_EQ(reply->usage.prompt_tokens, 12);
  EXPECT_EQ(reply->usage.cached_tokens, 8);
  EXPECT_EQ(reply->usage.completion_tokens, 3);
  const auto sent = upstream.body(0);
  EXPECT_EQ(sent["model"], "upstream-model");
  EXPECT_EQ(sent["max_tokens"], 77);
  EXPECT_EQ(sent["seed"], 5);
  EXPECT_EQ(sent["stop"], Json::array({"###"}));
  EXPECT_EQ(sent["stream"], true);
  EXPECT_EQ(sent["messages"][1]["content"], "hi");
  EXPECT_EQ(upstream.seen()[0].authorization, "Bearer sk-secret-key");
}

TEST(RemoteLlm, UnderstandsAnUpstreamThatDoesNotStream) {
  Upstream upstream;
  upstream.on_post(
      "/chat/completions", 200,
      R"({"choices":[{"message":{"content":"whole"},"finish_reason":"stop"}],"usage":{"prompt_tokens":4}})");
  const auto engine = connect(upstream.start());
  std::string text;
  const auto reply = engine->chat(question("hi"),
                                  [&](std::string_view piece) {
                                    text += piece;
                                    return true;
                                  },
                                  {});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->text, "whole");
  EXPECT_EQ(text, "whole");
  EXPECT_EQ(reply->usage.prompt_tokens, 4);
}

TEST(RemoteLlm, LearnsWhatTheUpstreamRefuses) {
  Upstream upstream;
  upstream.on(net::Method::kPost, "/chat/completions", [](const net::Request& request) {
    const auto body = Json::parse(request.body);
    if (body.contains("stream_options")) {
      return net::Response::json(400, R"({"error":{"message":"unknown field stream_options"}})");
    }
    if (body.contains("max_tokens")) {
      return net::Response::json(400, R"({"error":{"message":"use 'max_completion_tokens' instead"}})");
    }
    return streamed({delta("yes"), kDone}, "text/event-stream");
  });
  const auto engine = connect(upstream.start());
  ASSERT_EQ(engine->chat(question("hi"), {}, {})->text, "yes");
  EXPECT_EQ(upstream.seen().size(), 3U);
  ASSERT_EQ(engine->chat(question("hi"), {}, {})->text, "yes");
  EXPECT_EQ(upstream.seen().size(), 4U);
}

TEST(RemoteLlm, ARefusingReaderStopsTheTransfer) {
  Upstream upstream;
  upstream.on(net::Method::kPost, "/chat/completions", [](const net::Request&) {
    net::Response response;
    response.headers.emplace("Content-Type", "text/event-stream");
    response.stream = [](net::BodyWriter& writer) -> Result<void> {
      for (;;)
        MORGAN_CHECK_OK(writer.write(delta("on and on ")));
    };
    return response;
  });
  const auto engine = connect(upstream.start());
  int pieces = 0;
  const auto reply = engine->chat(question("hi"), [&](std::string_view) { return ++pieces < 3; }, {});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(pieces, 3);
  StopSource stop;
  const auto stopped = engine->chat(
      question("hi"),
      [&](std::string_view) {
        stop.request_stop(StopReason::kClientGone);
        return true;
      },
      stop.token());
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
}

TEST(RemoteLlm, StatusesBecomeErrors) {
  const std::vector<std::pair<int, ErrorCode>> cases{
      {400, ErrorCode::kInvalidArgument}, {401, ErrorCode::kUnauthorized}, {404, ErrorCode::kNotFound},
      {413, ErrorCode::kTooLarge},        {429, ErrorCode::kOverloaded},   {500, ErrorCode::kUnavailable},
      {503, ErrorCode::kUnavailable}};
  for (const auto& [status, code] : cases) {
    Upstream upstream;
    upstream.on_post("/chat/completions", status, R"({"error":{"message":"because of sk-secret-key"}})");
    const auto reply = connect(upstream.start())->chat(question("hi"), {}, {});
    ASSERT_FALSE(reply) << status;
    EXPECT_EQ(reply.error().code, code) << status;
    EXPECT_EQ(reply.error().message.find("secret"), std::string::npos) << reply.error().message;
    EXPECT_NE(reply.error().message.find("127.0.0.1:"), std::string::npos);
  }
}

TEST(RemoteLlm, AnErrorInTheStreamIsAnError) {
  Upstream upstream;
  upstream.on(net::Method::kPost, "/chat/completions", [](const net::Request&) {
    return streamed({delta("so far"), "data: {\"error\":{\"message\":\"out of memory\"}}\n\n"}, "text/event-stream");
  });
  const auto reply = connect(upstream.start())->chat(question("hi"), {}, {});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(reply.error().message.find("out of memory"), std::string::npos);
}

TEST(RemoteLlm, RubbishIsAnError) {
  for (const char* const body : {"<html>hello</html>", "{}", "[]", ""}) {
    Upstream upstream;
    upstream.on_post("/chat/completions", 200, body);
    const auto reply = connect(upstream.start())->chat(question("hi"), {}, {});
    ASSERT_FALSE(reply) << body;
    EXPECT_EQ(reply.error().code, ErrorCode::kUnavailable) << body;
  }
}

TEST(RemoteLlm, NobodyThereSaysWhereWithoutSecrets) {
  const auto engine = connect(nowhere());
  const auto reply = engine->chat(question("hi"), {}, {});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(reply.error().message.find("127.0.0.1:1"), std::string::npos);
  for (const char* const secret : {"secret", "user", "pw"}) {
    EXPECT_EQ(reply.error().message.find(secret), std::string::npos) << reply.error().message;
    EXPECT_EQ(engine->info().detail.find(secret), std::string::npos);
  }
}

TEST(RemoteLlm, ARefusedConnectionIsTriedOnceMoreAfterAPause) {
  const auto engine = connect(nowhere());
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(engine->chat(question("hi"), {}, {}));
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(200));
  // The pause ends with the turn.
  StopSource stop;
  stop.request_stop(StopReason::kClientGone);
  EXPECT_FALSE(engine->chat(question("hi"), {}, stop.token()));
}

TEST(RemoteLlm, OddAddressesAreRefusedAtOnce) {
  for (const char* const url :
       {"", "127.0.0.1:8000", "ftp://host/v1", "http://", "http:///v1", "http://a b/v1", "http://:80"}) {
    RemoteOptions options;
    options.base_url = url;
    const auto engine = connect_remote_llm(options);
    ASSERT_FALSE(engine) << url;
    EXPECT_EQ(engine.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(RemoteLlm, PassesWholeEventsThrough) {
  Upstream upstream;
  upstream.on(net::Method::kPost, "/chat/completions", [](const net::Request&) {
    const std::string all = delta("a") + delta("b") + kDone;
    return streamed({all.substr(0, 30), all.substr(30, 50), all.substr(80)}, "text/event-stream");
  });
  const auto engine = connect(upstream.start());
  std::vector<std::string> events;
  const std::string body = R"({"model":"default","stream":true,"tools":[{"type":"function"}],"messages":[]})";
  const auto reply = engine->chat_completions(body,
                                              [&](std::string_view event) {
                                                events.emplace_back(event);
                                                return true;
                                              },
                                              {});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->body, "");
  EXPECT_EQ(events, (std::vector<std::string>{delta("a"), delta("b"), kDone}));
  EXPECT_EQ(upstream.body(0)["model"], "upstream-model");
  EXPECT_EQ(upstream.body(0)["tools"][0]["type"], "function");
}

TEST(RemoteLlm, PassesBodiesAndRefusalsThrough) {
  Upstream upstream;
  upstream.on(net::Method::kPost, "/chat/completions", [](const net::Request& request) {
    const auto body = Json::parse(request.body);
    if (body["model"] == "plain") return net::Response::text(502, "<html>bad gateway</html>", "text/html");
    if (body["model"] == "locked") return net::Response::json(401, R"({"error":{"message":"sk-secret-key"}})");
    if (body["model"] != "upstream-model") {
      return net::Response::json(404, R"({"error":{"message":"no such model","type":"not_found"}})");
    }
    return net::Response::json(200, R"({"choices":[]})");
  });
  const auto engine = connect(upstream.start());
  EXPECT_EQ(engine->chat_completions(R"({"messages":[]})", {}, {})->body, R"({"choices":[]})");
  const auto missing =
      engine->chat_completions(R"({"model":"x","stream":true})", [](std::string_view) { return true; }, {});
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->status, 404);
  EXPECT_EQ(missing->body, R"({"error":{"message":"no such model","type":"not_found"}})");
  const auto html = engine->chat_completions(R"({"model":"plain"})", {}, {});
  EXPECT_EQ(html->status, 502);
  EXPECT_EQ(Json::parse(html->body)["error"]["type"], "server_error");
  EXPECT_EQ(engine->chat_completions(R"({"model":"locked"})", {}, {}).error().code, ErrorCode::kUnauthorized);
  EXPECT_EQ(engine->chat_completions("{nonsense", {}, {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(engine->prefill({}, {}));
}

TEST(RemoteEmbed, VectorsComeInOrderAndOfUnitLength) {
  Upstream upstream;
  upstream.on(net::Method::kPost, "/embeddings", [](const net::Request& request) {
    const auto inputs = Json::parse(request.body)["input"];
    Json data = Json::array();
    for (std::size_t i = inputs.size(); i-- > 0;) {  // backwards: only the index counts
      data.push_back({{"index", i}, {"embedding", {3.0 * std::stod(inputs[i].get<std::string>()), 4.0}}});
    }
    return net::Response::json(200, Json{{"data", data}, {"usage", {{"prompt_tokens", inputs.size()}}}}.dump());
  });
  auto engine = connect_remote_embed(upstream.start());
  ASSERT_TRUE(engine);
  EXPECT_EQ((*engine)->dimension(), 0);
  std::vector<std::string> texts(70, "0");
  texts[0] = "1";
  texts[69] = "1";
  const auto result = (*engine)->embed(texts, {});
  ASSERT_TRUE(result) << result.error().message;
  ASSERT_EQ(result->vectors.size(), 70U);
  EXPECT_FLOAT_EQ(result->vectors[0][0], 0.6F);
  EXPECT_FLOAT_EQ(result->vectors[1][0], 0.0F);
  EXPECT_FLOAT_EQ(result->vectors[69][1], 0.8F);
  EXPECT_EQ(result->prompt_tokens, 70);
  EXPECT_EQ((*engine)->dimension(), 2);
  EXPECT_EQ(upstream.seen().size(), 2U);
}

TEST(RemoteEmbed, OfATextThatIsTooLongTheBeginningIsRead) {
  Upstream upstream;
  upstream.on(net::Method::kPost, "/embeddings", [](const net::Request& request) {
    if (Json::parse(request.body).value("truncate", false))
      return net::Response::json(200, R"({"data":[{"index":0,"embedding":[1,0]}]})");
    return net::Response::json(400, R"({"error":{"message":"too long","code":"context_length_exceeded"}})");
  });
  auto engine = connect_remote_embed(upstream.start());
  const std::vector<std::string> texts{"a"};
  EXPECT_TRUE((*engine)->embed(texts, {}));
  EXPECT_FALSE(upstream.body(0).contains("truncate")) << "OpenAI's own API refuses what it does not know";
}

TEST(RemoteEmbed, AMissingVectorIsAnError) {
  Upstream upstream;
  upstream.on_post("/embeddings", 200, R"({"data":[{"index":0,"embedding":[1,0]}]})");
  auto engine = connect_remote_embed(upstream.start());
  const std::vector<std::string> texts{"a", "b"};
  EXPECT_EQ((*engine)->embed(texts, {}).error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace morgan::engines
