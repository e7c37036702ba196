#include "services/ready_answers.h"

#include "test_support/temporary_folder.h"

#include <gtest/gtest.h>

namespace morgan::services {
namespace {

net::Request speak(std::string body, std::string path = "/synthesize") {
  net::Request request;
  request.method = net::Method::kPost;
  request.path = std::move(path);
  request.headers.emplace("Content-Type", "application/json");
  request.body = std::move(body);
  return request;
}

net::Response spoken(std::string audio, const char* cache = "hit") {
  net::Response response = net::Response::bytes(std::move(audio), "audio/wav");
  response.headers.emplace("X-Cache", cache);
  return response;
}

class ReadyAnswersTest : public ::testing::Test {
 protected:
  std::chrono::steady_clock::time_point now_{};
  ReadyAnswers answers_{10'000, [this] { return now_; }};
};

TEST_F(ReadyAnswersTest, TheSameRequestGetsTheSameAnswerForSomeSeconds) {
  EXPECT_FALSE(answers_.get(speak("{}"), 1));
  answers_.put(speak("{}"), spoken("sound"), 1);
  now_ += std::chrono::seconds(9);
  const auto again = answers_.get(speak("{}"), 1);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->body, "sound");
  EXPECT_EQ(again->headers, spoken("sound").headers);
  now_ += std::chrono::seconds(1);
  EXPECT_FALSE(answers_.get(speak("{}"), 1));
}

TEST_F(ReadyAnswersTest, AnotherRequestGetsAnotherAnswer) {
  answers_.put(speak("{}"), spoken("sound"), 1);
  EXPECT_FALSE(answers_.get(speak("{ }"), 1));
  EXPECT_FALSE(answers_.get(speak("{}", "/generate/audio"), 1));
  net::Request json = speak("{}");
  json.headers.emplace("Accept", "application/json");
  EXPECT_FALSE(answers_.get(json, 1));
  net::Request queried = speak("{}");
  queried.query["voice"] = "joe";
  EXPECT_FALSE(answers_.get(queried, 1));
}

TEST_F(ReadyAnswersTest, WhatWasMadeOfSomethingElseIsNotGiven) {
  answers_.put(speak("{}"), spoken("sound"), 1);
  EXPECT_TRUE(answers_.get(speak("{}"), 1));
  EXPECT_FALSE(answers_.get(speak("{}"), 2));
}

TEST_F(ReadyAnswersTest, WhoAsksForNoCacheGetsNone) {
  net::Request anew = speak("{}");
  anew.headers.emplace("Cache-Control", "no-cache");
  answers_.put(anew, spoken("sound"), 1);
  EXPECT_FALSE(answers_.get(speak("{}"), 1));
  answers_.put(speak("{}"), spoken("sound"), 1);
  EXPECT_FALSE(answers_.get(anew, 1));
}

TEST_F(ReadyAnswersTest, WhatIsLargeOrStreamedIsNotKept) {
  ReadyAnswers roomy(10'000'000);
  const net::Request long_text = speak(std::string(ReadyAnswers::kMostRequest + 1, ' '));
  roomy.put(long_text, spoken("sound"), 1);
  EXPECT_FALSE(roomy.get(long_text, 1));
  roomy.put(speak("1"), spoken(std::string(ReadyAnswers::kMostAnswer + 1, 'a')), 1);
  EXPECT_FALSE(roomy.get(speak("1"), 1));
  net::Response streamed = spoken("");
  streamed.stream = [](net::BodyWriter&) { return Result<void>(); };
  roomy.put(speak("2"), streamed, 1);
  EXPECT_FALSE(roomy.get(speak("2"), 1));
  roomy.put(speak("3"), spoken(std::string("a\n\n\0b", 5)), 1);
  ASSERT_TRUE(roomy.get(speak("3"), 1));
  EXPECT_EQ(roomy.get(speak("3"), 1)->body, std::string("a\n\n\0b", 5));
}

TEST(ReadySpeech, OnlyWhatTheSpeechCacheGaveIsGivenAgainUntilAnotherSoundIsKept) {
  const test_support::TemporaryFolder folder;
  Metrics metrics;
  auto cache = stores::SpeechCache::open(folder / "speech", 1'000'000, nullptr, metrics);
  ASSERT_TRUE(cache);
  const std::string key(64, 'a');
  (*cache)->put(key, "sound");
  int handled = 0;
  const char* came_from = "miss";
  ApiRoutes::Handler handler = [&](const net::Request&) -> Result<net::Response> {
    ++handled;
    return spoken("sound", came_from);
  };
  net::RouteOptions options;
  keep_ready_speech(std::make_shared<ReadyAnswers>(10'000), cache->get(), nullptr, handler, options);
  ASSERT_TRUE(handler(speak("{}")));
  EXPECT_FALSE(options.ready(speak("{}"))) << "it was spoken, not kept";
  came_from = "hit";
  ASSERT_TRUE(handler(speak("{}")));
  const auto again = options.ready(speak("{}"));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->body, "sound");
  EXPECT_EQ(handled, 2);
  (*cache)->put(std::string(64, 'b'), "other speech");
  EXPECT_TRUE(options.ready(speak("{}")));
  (*cache)->put(key, "the same words, spoken anew");
  EXPECT_FALSE(options.ready(speak("{}")));
}

}  // namespace
}  // namespace morgan::services
