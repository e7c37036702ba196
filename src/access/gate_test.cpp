#include "access/gate.h"

#include "access/client_address.h"
#include "base/file.h"
#include "base/strings.h"

#include <unistd.h>

namespace morgan::access {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

constexpr std::time_t kWall = 1'800'000'000;

net::Request from(const std::string& address, net::Headers headers = {}) {
  net::Request request;
  request.path = "/api/text";
  request.peer = address;
  request.from_here = address == "127.0.0.1" || address == "::1";
  request.headers = std::move(headers);
  if (request.headers.count("Host") == 0) request.headers.emplace("Host", "localhost:8000");
  return request;
}

net::Headers bearer(const std::string& key) {
  return {{"Authorization", "Bearer " + key}};
}

class GateTest : public testing::Test {
 protected:
  GateTest() {
    options_.home = folder_;
    fs::create_directories(folder_);
  }
  ~GateTest() override {
    gate_.reset();
    fs::remove_all(folder_);
  }

  NewKey key(std::string user, std::vector<std::string> scopes = {"all"}, std::time_t expires_at = 0) {
    ApiKey wanted;
    wanted.user = std::move(user);
    wanted.scopes = std::move(scopes);
    wanted.expires_at = expires_at;
    return store_.create(std::move(wanted), kWall).value();
  }

  net::GateAnswer ask(const net::Request& request, const std::string& scope = "core", seconds later = seconds(0)) {
    if (!gate_) gate_ = Gate::open(options_).value();
    net::RouteAccess access;
    access.scope = scope;
    return gate_->admit("core", request, access, Gate::Clock::time_point(seconds(1'000) + later),
                        kWall + later.count());
  }

  static void expect_refused(const net::GateAnswer& answer, const std::string& reason) {
    ASSERT_TRUE(answer.refused);
    EXPECT_EQ(answer.refused->reason, reason);
    EXPECT_EQ(answer.caller, nullptr);
    EXPECT_EQ(answer.headers.count("WWW-Authenticate"), reason.empty() ? 1U : 0U);
  }

  fs::path folder_ = fs::temp_directory_path() / ("morgan-gate-" + std::to_string(::getpid()));
  KeyStore store_{KeyStore::file_of(folder_)};
  GateOptions options_;
  std::unique_ptr<Gate> gate_;
};

TEST_F(GateTest, ThisMachineNeedsNoKeyAndOthersDo) {
  const auto here = ask(from("127.0.0.1"));
  ASSERT_FALSE(here.refused);
  EXPECT_EQ(here.caller->user, "");
  EXPECT_FALSE(ask(from("::1")).refused);
  expect_refused(ask(from("192.0.2.1")), "");
  expect_refused(ask(from("192.0.2.1", bearer("sk-anything"))), "");
}

TEST_F(GateTest, WhatSdksSendForWantOfAKeyIsNoneOnThisMachine) {
  EXPECT_FALSE(ask(from("127.0.0.1", bearer("none"))).refused);
  EXPECT_FALSE(ask(from("127.0.0.1", {{"X-API-Key", "sk-xxx"}})).refused);
}

TEST_F(GateTest, AKeyLetsInUnderItsUserHoweverItIsShown) {
  const NewKey anna = key("anna");
  const net::Headers ways[] = {bearer(anna.text),
                               {{"Authorization", "bearer  " + anna.text}},
                               {{"X-API-Key", anna.text}},
                               {{"Sec-WebSocket-Protocol", "realtime, openai-insecure-api-key." + anna.text}}};
  for (const net::Headers& way : ways) {
    const auto answer = ask(from("192.0.2.1", way));
    ASSERT_FALSE(answer.refused) << way.begin()->first;
    EXPECT_EQ(answer.caller->user, "anna");
    EXPECT_EQ(answer.caller->key, anna.key.id);
  }
  expect_refused(ask(from("192.0.2.1", {{"Authorization", "Basic " + anna.text}})), "");
}

TEST_F(GateTest, AKeyThatCountsNoLongerIsRefusedEvenOnThisMachine) {
  const NewKey anna = key("anna");
  ASSERT_FALSE(ask(from("127.0.0.1", bearer(anna.text))).refused);
  ASSERT_TRUE(store_.revoke(anna.key.id));
  expect_refused(ask(from("127.0.0.1", bearer(anna.text))), "");
  expect_refused(ask(from("192.0.2.1", bearer(anna.text))), "");
  const NewKey short_lived = key("anna", {"all"}, kWall + 60);
  EXPECT_FALSE(ask(from("192.0.2.1", bearer(short_lived.text))).refused);
  expect_refused(ask(from("192.0.2.1", bearer(short_lived.text)), "core", seconds(60)), "");
}

TEST_F(GateTest, AKeyIsGoodForItsScopesOnly) {
  const NewKey speaker = key("anna", {"tts", "stt"});
  EXPECT_FALSE(ask(from("192.0.2.1", bearer(speaker.text)), "tts").refused);
  EXPECT_FALSE(ask(from("192.0.2.1", bearer(speaker.text)), "").refused);
  expect_refused(ask(from("192.0.2.1", bearer(speaker.text)), "core"), "FORBIDDEN");
  expect_refused(ask(from("127.0.0.1", bearer(speaker.text)), "metrics"), "FORBIDDEN");
}

TEST_F(GateTest, AProxyOrARebornNameIsNotThisMachine) {
  expect_refused(ask(from("127.0.0.1", {{"X-Forwarded-For", "203.0.113.9"}})), "");
  expect_refused(ask(from("127.0.0.1", {{"Forwarded", "for=203.0.113.9"}})), "");
  expect_refused(ask(from("127.0.0.1", {{"Host", "evil.example:8000"}})), "");
  expect_refused(ask(from("127.0.0.1", {{"Host", "127.0.0.1.evil.example"}})), "");
  for (const char* own : {"localhost", "127.0.0.1:8000", "[::1]:8000", "morgan.localhost:8000", "LOCALHOST"})
    EXPECT_FALSE(ask(from("127.0.0.1", {{"Host", own}})).refused) << own;
  const NewKey anna = key("anna");
  net::Headers proxied = bearer(anna.text);
  proxied.emplace("X-Forwarded-For", "203.0.113.9");
  EXPECT_FALSE(ask(from("127.0.0.1", proxied)).refused);
}

TEST_F(GateTest, ThisMachineMayBeAskedForAKeyToo) {
  options_.local_needs_key = true;
  expect_refused(ask(from("127.0.0.1")), "");
  EXPECT_FALSE(ask(from("127.0.0.1", bearer(key("anna").text))).refused);
}

TEST_F(GateTest, InsecureLetsEverybodyInButNoKeyThatIsWrong) {
  options_.insecure = true;
  EXPECT_FALSE(ask(from("192.0.2.1")).refused);
  EXPECT_FALSE(ask(from("127.0.0.1", {{"Host", "kitchen.lan"}})).refused);
  expect_refused(ask(from("192.0.2.1", bearer("morgan_abcdefgh_x"))), "");
}

TEST_F(GateTest, AKeyHasItsOwnLimitAndAddressesTheirs) {
  options_.key_requests_per_minute = 2;
  options_.address_requests_per_minute = 1;
  const NewKey anna = key("anna");
  const NewKey ben = key("ben");
  const auto first = ask(from("192.0.2.1", bearer(anna.text)));
  EXPECT_EQ(first.headers.find("X-RateLimit-Limit")->second, "2");
  EXPECT_EQ(first.headers.find("X-RateLimit-Remaining")->second, "1");
  EXPECT_FALSE(ask(from("192.0.2.2", bearer(anna.text))).refused);
  const auto third = ask(from("192.0.2.3", bearer(anna.text)));
  expect_refused(third, "RATE_LIMITED");
  EXPECT_EQ(third.headers.find("Retry-After")->second, "30");
  EXPECT_FALSE(ask(from("192.0.2.1", bearer(ben.text))).refused);
  EXPECT_FALSE(ask(from("192.0.2.1", bearer(anna.text)), "core", seconds(30)).refused);

  // Who shows no good key is counted by address, and one customer of a network is one address.
  expect_refused(ask(from("2001:db8::1", bearer("morgan_abcdefgh_x"))), "");
  expect_refused(ask(from("2001:db8::2", bearer("morgan_abcdefgh_y"))), "RATE_LIMITED");
  expect_refused(ask(from("2001:db8:0:1::2")), "");
  for (int i = 0; i < 5; ++i)
    EXPECT_FALSE(ask(from("127.0.0.1")).refused);
}

TEST_F(GateTest, AClientSecretStandsForItsMakerWhereItIsTaken) {
  const NewKey anna = key("anna");
  options_.local_needs_key = true;
  gate_ = Gate::open(options_).value();
  gate_->set_secrets([&](const std::string& secret) -> std::shared_ptr<const net::Caller> {
    if (secret != "ek_good") return nullptr;
    return std::make_shared<const net::Caller>(net::Caller{anna.key.id, "anna"});
  });
  const auto show = [&](const std::string& secret, bool taken) {
    net::RouteAccess access;
    access.scope = "core";
    access.takes_client_secret = taken;
    return gate_->admit("core", from("192.0.2.1", bearer(secret)), access);
  };
  EXPECT_EQ(show("ek_good", true).caller->user, "anna");
  expect_refused(show("ek_good", false), "");
  expect_refused(show("ek_bad", true), "");
  ASSERT_TRUE(store_.revoke(anna.key.id));
  expect_refused(show("ek_good", true), "");
}

TEST_F(GateTest, WritesRefusalsAndRequestsOfOthersAndNoSecret) {
  options_.audit = AuditLevel::kAll;
  const NewKey anna = key("anna", {"tts"});
  net::Request good = from("192.0.2.1", bearer(anna.text));
  good.caller = ask(good, "tts").caller;
  gate_->answered("tts", good, "/synthesize", 200, 0.25);
  ask(from("192.0.2.7", bearer("morgan_abcdefgh_guess")));
  net::Request local = from("127.0.0.1");
  local.caller = ask(local).caller;
  gate_->answered("core", local, "/api/text", 200, 0.1);
  gate_.reset();

  const std::string text = *read_file(AuditFile::file_of(folder_), 100'000);
  const auto lines = split(trim(text), '\n');
  ASSERT_EQ(lines.size(), 2U) << text;
  const Json request = *parse_json(lines[0]);
  EXPECT_EQ(request["event"], "request");
  EXPECT_EQ(request["key"], anna.key.id);
  EXPECT_EQ(request["user"], "anna");
  EXPECT_EQ(request["route"], "/synthesize");
  EXPECT_EQ(request["status"], 200);
  EXPECT_EQ(request["ms"], 250);
  const Json refused = *parse_json(lines[1]);
  EXPECT_EQ(refused["event"], "refused");
  EXPECT_EQ(refused["address"], "192.0.2.7");
  EXPECT_EQ(text.find("guess"), std::string::npos);
  EXPECT_EQ(text.find(anna.text), std::string::npos);
}

TEST_F(GateTest, ABrokenFileOfKeysKeepsItFromOpening) {
  ASSERT_TRUE(write_file_atomically(KeyStore::file_of(folder_), "{"));
  EXPECT_EQ(Gate::open(options_).error().code, ErrorCode::kCorrupt);
}

TEST(ClientAddress, NetworksAreWhatOneCustomerHas) {
  EXPECT_EQ(network_of("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(network_of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  EXPECT_EQ(network_of("::1"), "::/64");
  EXPECT_EQ(network_of(""), "");
}

}  // namespace
}  // namespace morgan::access
