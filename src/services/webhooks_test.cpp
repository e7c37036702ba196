// The receiver is a real server.
#include "services/webhooks.h"

#include "base/hmac.h"
#include "net/server.h"
#include "test_support/temporary_folder.h"

#include <gtest/gtest.h>

#include <functional>

namespace morgan::services {

namespace {

namespace fs = std::filesystem;

class WebhooksTest : public ::testing::Test {
 protected:
  void SetUp() override {
    net::Router routes;
    routes.add(net::Method::kPost, "/hook", [this](const net::Request& request) {
      const std::scoped_lock lock(mutex_);
      seen_.push_back(request);
      changed_.notify_all();
      const int status = statuses_.empty() ? 200 : statuses_.front();
      if (!statuses_.empty()) statuses_.pop_front();
      return net::Response::text(status, "");
    });
    server_ = net::Server::listen({}, std::move(routes)).value();
    server_->start();
  }
  void TearDown() override {
    hooks_.reset();
    server_->stop(std::chrono::milliseconds(0));
  }

  WebhookOptions options() const {
    WebhookOptions made;
    made.urls = {"http://127.0.0.1:" + std::to_string(server_->port()) + "/hook"};
    made.secret = "s3cret";
    made.folder = folder_.path();
    made.first_retry = std::chrono::milliseconds(1);
    return made;
  }
  void start() { hooks_ = std::make_unique<Webhooks>(options()); }
  std::vector<net::Request> seen(std::size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(20), [&] { return seen_.size() >= count; }));
    return seen_;
  }
  void wait_until_empty() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (hooks_->waiting() > 0 && std::chrono::steady_clock::now() < end)
      std::this_thread::yield();
    EXPECT_EQ(hooks_->waiting(), 0U);
  }
  static Json event_of(const net::Request& request) { return Json::parse(request.body); }

  test_support::TemporaryFolder folder_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<net::Request> seen_;
  std::deque<int> statuses_;
  std::unique_ptr<net::Server> server_;
  std::unique_ptr<Webhooks> hooks_;
};

TEST_F(WebhooksTest, AnEventIsSignedAndSaysWhatHappened) {
  start();
  hooks_->service_error("tts", "AUDIO_SYNTHESIS_ERROR", "req_1");
  const net::Request request = seen(1).at(0);
  const Json event = event_of(request);
  EXPECT_EQ(event["event"], "service_error");
  EXPECT_EQ(event["error_code"], "AUDIO_SYNTHESIS_ERROR");
  EXPECT_EQ(event["request_id"], "req_1");
  EXPECT_EQ(request.header("Content-Type"), "application/json");
  const std::string time(request.header("X-Morgan-Timestamp"));
  EXPECT_EQ(request.header("X-Morgan-Signature"), "sha256=" + hmac_sha256("s3cret", time + "." + request.body));
}

TEST_F(WebhooksTest, WhatFailsIsTriedAgainInOrder) {
  statuses_ = {500, 503, 429};
  start();
  hooks_->conversation_start("ada", "api", "en");
  hooks_->conversation_end("ada", "api", 2.5);
  const auto requests = seen(5);
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(event_of(requests[i])["event"], "conversation_start");
  EXPECT_EQ(event_of(requests[4])["event"], "conversation_end");
  EXPECT_EQ(event_of(requests[4])["metadata"]["duration"], 2.5);
  EXPECT_EQ(event_of(requests[0])["id"], event_of(requests[3])["id"]);
  wait_until_empty();
}

TEST_F(WebhooksTest, WhatIsRefusedIsGivenUp) {
  statuses_ = {410};
  start();
  hooks_->conversation_start("ada", "api", "");
  hooks_->conversation_start("bob", "api", "");
  EXPECT_EQ(event_of(seen(2).at(1))["user_id"], "bob");
  wait_until_empty();
}

TEST_F(WebhooksTest, WhatWasNotDeliveredSurvivesARestart) {
  statuses_ = std::deque<int>(1000, 500);
  start();
  hooks_->conversation_start("ada", "api", "");
  hooks_->conversation_start("bob", "api", "");
  seen(2);
  hooks_.reset();
  {
    const std::scoped_lock lock(mutex_);
    seen_.clear();
    statuses_.clear();
  }
  start();
  const auto requests = seen(2);
  EXPECT_EQ(event_of(requests[0])["user_id"], "ada");
  EXPECT_EQ(event_of(requests[1])["user_id"], "bob");
  wait_until_empty();
  hooks_.reset();
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path()))
    EXPECT_TRUE(entry.is_directory()) << entry.path();
}

TEST_F(WebhooksTest, NoMoreThanAThousandWait) {
  statuses_ = std::deque<int>(1000, 500);
  WebhookOptions slow = options();
  slow.first_retry = std::chrono::hours(1);
  hooks_ = std::make_unique<Webhooks>(slow);
  for (int i = 0; i < 1100; ++i)
    hooks_->conversation_start("user", "api", "");
  EXPECT_EQ(hooks_->waiting(), Webhooks::kMostWaiting);
}

}  // namespace

}  // namespace morgan::services
