#include "services/ready_answers.h"

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
  const ReadyAnswers::Clock::time_point now_{};
  ReadyAnswers answers_{10'000};
};

TEST_F(ReadyAnswersTest, TheSameRequestGetsTheSameAnswerForSomeSeconds) {
  EXPECT_FALSE(answers_.get(speak("{}"), now_));
  answers_.put(speak("{}"), spoken("sound"), now_);
  const auto again = answers_.get(speak("{}"), now_ + std::chrono::seconds(9));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->body, "sound");
  EXPECT_EQ(again->headers.find("X-Cache")->second, "hit");
  EXPECT_FALSE(answers_.get(speak("{}"), now_ + ReadyAnswers::kFresh));
  EXPECT_EQ(answers_.bytes(), 0U) << "what is too old goes";
}

TEST_F(ReadyAnswersTest, AnotherRequestGetsAnotherAnswer) {
  answers_.put(speak("{}"), spoken("sound"), now_);
  EXPECT_FALSE(answers_.get(speak("{ }"), now_));
  EXPECT_FALSE(answers_.get(speak("{}", "/generate/audio"), now_));
  net::Request json = speak("{}");
  json.headers.emplace("Accept", "application/json");
  EXPECT_FALSE(answers_.get(json, now_));
  net::Request queried = speak("{}");
  queried.query["voice"] = "joe";
  EXPECT_FALSE(answers_.get(queried, now_));
}

TEST_F(ReadyAnswersTest, WhoAsksForNoCacheGetsNone) {
  net::Request anew = speak("{}");
  anew.headers.emplace("Cache-Control", "no-cache");
  answers_.put(anew, spoken("sound"), now_);
  EXPECT_EQ(answers_.bytes(), 0U);
  answers_.put(speak("{}"), spoken("sound"), now_);
  EXPECT_FALSE(answers_.get(anew, now_));
}

TEST_F(ReadyAnswersTest, TheOneThatWasNotUsedGoesWhenThereIsNoRoom) {
  for (const char* body : {"1", "2", "3"}) {
    answers_.put(speak(body), spoken(std::string(2'000, 'a')), now_);
    EXPECT_TRUE(answers_.get(speak("1"), now_));
  }
  answers_.put(speak("4"), spoken(std::string(2'000, 'a')), now_);
  EXPECT_TRUE(answers_.get(speak("1"), now_));
  EXPECT_FALSE(answers_.get(speak("2"), now_));
  EXPECT_TRUE(answers_.get(speak("4"), now_));
  EXPECT_LE(answers_.bytes(), 10'000U);
}

TEST_F(ReadyAnswersTest, WhatIsLargeOrStreamedIsNotKept) {
  answers_.put(speak(std::string(ReadyAnswers::kMostRequest + 1, ' ')), spoken("sound"), now_);
  answers_.put(speak("1"), spoken(std::string(ReadyAnswers::kMostAnswer + 1, 'a')), now_);
  net::Response streamed = spoken("");
  streamed.stream = [](net::BodyWriter&) { return Result<void>(); };
  answers_.put(speak("2"), streamed, now_);
  EXPECT_EQ(answers_.bytes(), 0U);
}

TEST(ReadySpeech, OnlyWhatTheSpeechCacheGaveIsGivenAgain) {
  int handled = 0;
  const char* cache = "miss";
  ApiRoutes::Handler handler = [&](const net::Request&) -> Result<net::Response> {
    ++handled;
    return spoken("sound", cache);
  };
  net::RouteOptions options;
  keep_ready_speech(std::make_shared<ReadyAnswers>(10'000), nullptr, handler, options);
  ASSERT_TRUE(handler(speak("{}")));
  EXPECT_FALSE(options.ready(speak("{}"))) << "it was spoken, not kept";
  cache = "hit";
  ASSERT_TRUE(handler(speak("{}")));
  const auto again = options.ready(speak("{}"));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->body, "sound");
  EXPECT_EQ(handled, 2);
  net::Request anew = speak("{}");
  anew.headers.emplace("Cache-Control", "no-cache");
  ASSERT_TRUE(handler(anew));
  EXPECT_FALSE(options.ready(speak("{}"))) << "what is kept may be another sound now";
}

}  // namespace
}  // namespace morgan::services
