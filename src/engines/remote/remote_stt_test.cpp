#include "audio/media_decoder.h"
#include "engines/remote/upstream_test_server.h"
#include "net/multipart.h"

#include <cmath>
#include <map>

namespace morgan::engines {
namespace {

/// What an upstream would make of a request's form.
struct Form {
  explicit Form(const SeenRequest& request) : body(request.body) {
    const auto parts = net::parse_multipart(request.content_type, body);
    EXPECT_TRUE(parts) << parts.error().message;
    for (const auto& part : *parts)
      fields.emplace(part.name, std::string(part.data));
  }
  std::string value(const std::string& name) const {
    const auto at = fields.find(name);
    return at == fields.end() ? "" : at->second;
  }
  std::string body;
  std::multimap<std::string, std::string> fields;
};

audio::PcmBuffer tone(double seconds) {
  audio::PcmBuffer pcm;
  pcm.samples.resize(static_cast<std::size_t>(seconds * pcm.rate_hz));
  for (std::size_t i = 0; i < pcm.samples.size(); ++i) {
    pcm.samples[i] = 0.5F * static_cast<float>(std::sin(static_cast<double>(i) * 0.17));
  }
  return pcm;
}

std::unique_ptr<SttEngine> connect(const RemoteOptions& options) {
  auto engine = connect_remote_stt(options);
  EXPECT_TRUE(engine);
  return std::move(engine).value();
}

TEST(RemoteStt, SendsAWavAndReadsSegmentsAndWords) {
  Upstream upstream;
  upstream.on_post("/audio/transcriptions", 200, R"({"task":"transcribe","language":"Welsh","duration":1.5,
    "text":" Bore da. Sut mae? ","segments":[
      {"id":0,"start":0.0,"end":0.7,"text":" Bore da.","avg_logprob":-0.1,"no_speech_prob":0.02,"compression_ratio":1.1,
       "temperature":0.0,"tokens":[1,2]},
      {"id":1,"start":0.7,"end":1.5,"text":" Sut mae?","avg_logprob":-0.3}],
    "words":[{"word":" Bore","start":0.0,"end":0.3},{"word":"Sut","start":0.7,"end":0.9}]})");
  const auto engine = connect(upstream.start());
  SttRequest request;
  request.language = "auto";
  request.prompt = "Names: Angharad";
  request.word_timestamps = true;
  double progress = 0;
  request.on_progress = [&](double part) { progress = part; };
  const auto pcm = tone(1.5);
  const auto transcript = engine->transcribe(pcm, request, {});
  ASSERT_TRUE(transcript) << transcript.error().message;
  EXPECT_EQ(transcript->text, "Bore da. Sut mae?");
  EXPECT_EQ(transcript->language, "cy");
  EXPECT_DOUBLE_EQ(transcript->duration_seconds, 1.5);
  EXPECT_EQ(progress, 1.0);
  ASSERT_EQ(transcript->segments.size(), 2U);
  EXPECT_EQ(transcript->segments[0].text, "Bore da.");
  EXPECT_EQ(transcript->segments[0].tokens, (std::vector<int>{1, 2}));
  EXPECT_NEAR(transcript->segments[0].confidence, std::exp(-0.1), 1e-4);
  EXPECT_NEAR(transcript->confidence, (0.7 * std::exp(-0.1) + 0.8 * std::exp(-0.3)) / 1.5, 1e-3);
  ASSERT_EQ(transcript->segments[0].words.size(), 1U);
  EXPECT_EQ(transcript->segments[0].words[0].text, "Bore");
  EXPECT_EQ(transcript->segments[1].words[0].text, "Sut");

  const Form form(upstream.seen().at(0));
  EXPECT_EQ(form.value("model"), "upstream-model");
  EXPECT_EQ(form.value("response_format"), "verbose_json");
  EXPECT_EQ(form.value("prompt"), "Names: Angharad");
  EXPECT_EQ(form.fields.count("language"), 0U);
  EXPECT_EQ(form.fields.count("timestamp_granularities[]"), 2U);
  const auto sent = audio::decode_media(form.value("file"), 16000);
  ASSERT_TRUE(sent);
  ASSERT_EQ(sent->samples.size(), pcm.samples.size());
  EXPECT_NEAR(sent->samples[1000], pcm.samples[1000], 1e-3);
}

TEST(RemoteStt, FallsBackToPlainJsonAndRemembers) {
  Upstream upstream;
  upstream.on(net::Method::kPost, "/audio/transcriptions", [](const net::Request& request) {
    if (request.body.find("verbose_json") != std::string::npos) {
      return net::Response::json(400, R"({"error":{"message":"response_format not compatible"}})");
    }
    return net::Response::json(200, R"({"text":"plain words"})");
  });
  const auto engine = connect(upstream.start());
  SttRequest request;
  request.language = "en";
  for (const std::size_t requests : {2U, 3U}) {
    const auto transcript = engine->transcribe(tone(1), request, {});
    ASSERT_TRUE(transcript) << transcript.error().message;
    EXPECT_EQ(transcript->text, "plain words");
    EXPECT_EQ(transcript->language, "en");
    ASSERT_EQ(transcript->segments.size(), 1U);
    EXPECT_DOUBLE_EQ(transcript->segments[0].end_seconds, 1.0);
    EXPECT_EQ(upstream.seen().size(), requests);
  }
}

TEST(RemoteStt, TranslatesAtTheOtherAddress) {
  Upstream upstream;
  upstream.on_post("/audio/translations", 200, R"({"text":"good morning","language":"english"})");
  SttRequest request;
  request.task = SttTask::kTranslate;
  const auto transcript = connect(upstream.start())->transcribe(tone(1), request, {});
  ASSERT_TRUE(transcript) << transcript.error().message;
  EXPECT_EQ(transcript->text, "good morning");
  EXPECT_EQ(transcript->language, "en");
}

TEST(RemoteStt, LongAudioGoesInWindowsCutAtAPause) {
  Upstream upstream;
  upstream.on(net::Method::kPost, "/audio/transcriptions", [](const net::Request&) {
    return net::Response::json(200, R"({"text":"x","segments":[{"start":1,"end":2,"text":"x"}]})");
  });
  const auto engine = connect(upstream.start());
  auto pcm = tone(610);
  const auto pause = pcm.samples.begin() + 594 * pcm.rate_hz;
  std::fill(pause, pause + pcm.rate_hz / 2, 0.0F);
  std::vector<double> progress;
  SttRequest request;
  request.on_progress = [&](double part) { progress.push_back(part); };
  const auto transcript = engine->transcribe(pcm, request, {});
  ASSERT_TRUE(transcript) << transcript.error().message;
  EXPECT_EQ(transcript->text, "x x");
  ASSERT_EQ(transcript->segments.size(), 2U);
  EXPECT_DOUBLE_EQ(transcript->segments[0].start_seconds, 1);
  EXPECT_NEAR(transcript->segments[1].start_seconds, 595.25, 0.35);
  ASSERT_EQ(progress.size(), 2U);
  EXPECT_EQ(progress[1], 1.0);
}

TEST(RemoteStt, RefusalsRubbishAndSilence) {
  Upstream upstream;
  upstream.on_post("/audio/transcriptions", 200, R"({"nothing":"here"})");
  const auto engine = connect(upstream.start());
  EXPECT_EQ(engine->transcribe(tone(1), {}, {}).error().code, ErrorCode::kUnavailable);
  const auto nothing = engine->transcribe(audio::PcmBuffer{}, {}, {});
  ASSERT_TRUE(nothing);
  EXPECT_EQ(nothing->text, "");
  EXPECT_EQ(upstream.seen().size(), 1U);
  EXPECT_EQ(engine->detect_language(tone(1), {}).error().code, ErrorCode::kUnsupported);
  Upstream busy;
  busy.on_post("/audio/transcriptions", 429, "{}");
  EXPECT_EQ(connect(busy.start())->transcribe(tone(1), {}, {}).error().code, ErrorCode::kOverloaded);
}

}  // namespace
}  // namespace morgan::engines
