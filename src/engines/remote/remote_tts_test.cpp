#include "audio/media_encoder.h"
#include "engines/remote/upstream_test_server.h"

#include <cmath>

namespace morgan::engines {
namespace {

std::unique_ptr<TtsEngine> connect(const RemoteOptions& options) {
  auto engine = connect_remote_tts(options);
  EXPECT_TRUE(engine);
  return std::move(engine).value();
}

audio::PcmBuffer ramp() {
  audio::PcmBuffer pcm;
  pcm.rate_hz = 24000;
  for (int i = 0; i < 4801; ++i)
    pcm.samples.push_back(static_cast<float>(i % 200 - 100) / 128.0F);
  return pcm;
}

std::string ramp_as(audio::AudioFormat format) {
  return *audio::encode_media(format, ramp());
}

struct Spoken {
  Result<void> result;
  std::vector<float> samples;
  int pieces = 0;
};

Spoken speak(TtsEngine& engine, const std::string& text, const std::string& voice = "default", double speed = 1) {
  Spoken spoken;
  spoken.result = engine.synthesize({text, voice, speed},
                                    [&](std::span<const float> samples) {
                                      spoken.samples.insert(spoken.samples.end(), samples.begin(), samples.end());
                                      ++spoken.pieces;
                                      return true;
                                    },
                                    {});
  return spoken;
}

void expect_ramp(const std::vector<float>& samples) {
  const auto expected = ramp().samples;
  ASSERT_EQ(samples.size(), expected.size());
  for (std::size_t i = 0; i < samples.size(); i += 97)
    ASSERT_NEAR(samples[i], expected[i], 1e-3) << i;
}

TEST(RemoteTts, StreamsPcmCutAnywhere) {
  Upstream upstream;
  upstream.on(net::Method::kPost, "/audio/speech", [](const net::Request&) {
    const std::string pcm = ramp_as(audio::AudioFormat::kPcm);
    return streamed({pcm.substr(0, 1), pcm.substr(1, 1000), pcm.substr(1001, 1002), pcm.substr(2003)}, "audio/pcm");
  });
  auto options = upstream.start();
  options.voice = "nova";
  const auto engine = connect(options);
  const auto spoken = speak(*engine, "Hello.", "default", 1.5);
  ASSERT_TRUE(spoken.result) << spoken.result.error().message;
  expect_ramp(spoken.samples);
  const auto sent = upstream.body(0);
  EXPECT_EQ(sent["voice"], "nova");
  EXPECT_EQ(sent["input"], "Hello.");
  EXPECT_EQ(sent["response_format"], "pcm");
  EXPECT_EQ(sent["speed"], 1.5);
  EXPECT_EQ(sent["model"], "upstream-model");
}

TEST(RemoteTts, TheFirstPieceGoesAloneAndTheRestTogether) {
  Upstream upstream;
  upstream.on(net::Method::kPost, "/audio/speech",
              [](const net::Request&) { return net::Response::bytes(ramp_as(audio::AudioFormat::kPcm), "audio/pcm"); });
  auto options = upstream.start();
  options.voice = "nova";
  const auto engine = connect(options);
  ASSERT_TRUE(speak(*engine, "This is the first. **This** is the second. And a third one.").result);
  ASSERT_EQ(upstream.seen().size(), 2U);
  EXPECT_EQ(upstream.body(0)["input"], "This is the first.");
  EXPECT_EQ(upstream.body(1)["input"], "This is the second. And a third one.");
}

TEST(RemoteTts, NothingToSayAsksNobody) {
  Upstream upstream;
  auto options = upstream.start();
  options.voice = "nova";
  const auto engine = connect(options);
  for (const char* const text : {"", "  \n", "...", "***"}) {
    const auto spoken = speak(*engine, text);
    EXPECT_TRUE(spoken.result) << text;
    EXPECT_TRUE(spoken.samples.empty());
  }
}

TEST(RemoteTts, FallsBackToWavAndRemembers) {
  Upstream upstream;
  upstream.on(net::Method::kPost, "/audio/speech", [](const net::Request& request) {
    if (Json::parse(request.body)["response_format"] == "pcm") {
      return net::Response::json(422, R"({"detail":"response_format must be one of wav, mp3"})");
    }
    return net::Response::bytes(ramp_as(audio::AudioFormat::kWav), "audio/wav");
  });
  auto options = upstream.start();
  options.voice = "nova";
  const auto engine = connect(options);
  for (const std::size_t requests : {2U, 3U}) {
    const auto spoken = speak(*engine, "Hello.");
    ASSERT_TRUE(spoken.result) << spoken.result.error().message;
    expect_ramp(spoken.samples);
    EXPECT_EQ(upstream.seen().size(), requests);
  }
}

TEST(RemoteTts, AFileInsteadOfPcmIsDecoded) {
  Upstream upstream;
  upstream.on(net::Method::kPost, "/audio/speech", [](const net::Request&) {
    return net::Response::bytes(ramp_as(audio::AudioFormat::kFlac), "audio/flac");
  });
  auto options = upstream.start();
  options.voice = "nova";
  const auto spoken = speak(*connect(options), "Hello.");
  ASSERT_TRUE(spoken.result) << spoken.result.error().message;
  expect_ramp(spoken.samples);
}

TEST(RemoteTts, ARefusingSinkStops) {
  Upstream upstream;
  upstream.on(net::Method::kPost, "/audio/speech", [](const net::Request&) {
    net::Response response;
    response.stream = [](net::BodyWriter& writer) -> Result<void> {
      for (;;)
        MORGAN_CHECK_OK(writer.write(std::string(4800, '\1')));
    };
    return response;
  });
  auto options = upstream.start();
  options.voice = "nova";
  int calls = 0;
  const auto result =
      connect(options)->synthesize({"Hello.", "nova", 1}, [&](std::span<const float>) { return ++calls < 2; }, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(calls, 2);
}

TEST(RemoteTts, VoicesAreListedOnceInAnyOfTheirForms) {
  for (const char* const list :
       {R"({"voices":["af_heart","am_adam"]})", R"({"data":[{"id":"af_heart"},{"voice_id":"am_adam"}]})",
        R"([{"id":"af_heart","name":"Heart","language":"en-US"},{"name":"am_adam"}])"}) {
    Upstream upstream;
    upstream.on(net::Method::kGet, "/audio/voices",
                [=](const net::Request&) { return net::Response::json(200, list); });
    const auto engine = connect(upstream.start());
    const auto voices = engine->voices();
    ASSERT_EQ(voices.size(), 2U) << list;
    EXPECT_EQ(voices[0].name, "af_heart");
    EXPECT_EQ(voices[0].sample_rate_hz, 24000);
    EXPECT_EQ(voices[0].backend, "openai");
    EXPECT_EQ(engine->find_voice("default")->name, "af_heart");
    EXPECT_EQ(engine->find_voice("am_adam")->name, "am_adam");
    const auto unknown = engine->find_voice("af_hart");
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().reason, "VOICE_NOT_FOUND");
    EXPECT_NE(unknown.error().message.find("af_heart"), std::string::npos);
    EXPECT_EQ(upstream.seen().size(), 1U);
  }
}

TEST(RemoteTts, AnUpstreamWithoutAListDecidesItself) {
  Upstream upstream;
  auto options = upstream.start();
  options.voice = "nova";
  const auto engine = connect(options);
  ASSERT_EQ(engine->voices().size(), 1U);
  EXPECT_EQ(engine->voices()[0].name, "nova");
  EXPECT_EQ(engine->find_voice("default")->name, "nova");
  EXPECT_EQ(engine->find_voice("shimmer")->name, "shimmer");
}

TEST(RemoteTts, RefusesBadSpeedsAndSaysWhoIsAway) {
  RemoteOptions options;
  options.base_url = "http://127.0.0.1:1/v1/";
  options.voice = "nova";
  const auto engine = connect(options);
  for (const double speed : {0.0, -1.0, 100.0, std::nan("")}) {
    EXPECT_EQ(speak(*engine, "Hello.", "nova", speed).result.error().param, "speed");
  }
  const auto spoken = speak(*engine, "Hello.");
  ASSERT_FALSE(spoken.result);
  EXPECT_EQ(spoken.result.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(spoken.result.error().message.find("127.0.0.1:1"), std::string::npos);
  EXPECT_EQ(engine->find_voice("other").error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace morgan::engines
