// HTTPS and WSS with real certificates, and clients that do not do what they should.
#include "base/file.h"
#include "net/self_signed.h"
#include "net/server_test_support.h"
#include "net/tls_identity.h"
#include "net/ws_client.h"

#include <unistd.h>

#include <filesystem>

namespace morgan::net {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kAtOnce{0};

class ServerTls : public testing::Test {
 protected:
  ServerTls() {
    fs::create_directories(folder_);
    make_certificate("cert.pem", "key.pem");
  }
  ~ServerTls() override { fs::remove_all(folder_); }

  void make_certificate(const std::string& certificate, const std::string& key) {
    const auto made = write_self_signed({.names = {"localhost", "127.0.0.1"}}, folder_ / certificate, folder_ / key);
    ASSERT_TRUE(made) << made.error().message;
  }

  std::unique_ptr<Server> started(ServerOptions options = {}) {
    auto identity = TlsIdentity::load(folder_ / "cert.pem", folder_ / "key.pem");
    EXPECT_TRUE(identity) << identity.error().message;
    identity_ = *identity;
    options.tls = identity_;
    Router routes;
    routes.add(Method::kGet, "/hello", [](const Request&) { return Response::text(200, "hello"); });
    routes.add(Method::kPost, "/echo",
               [](const Request& request) { return Response::bytes(request.body, "text/plain"); },
               {.body_limit = 4'000'000});
    routes.add(Method::kPost, "/small", [](const Request&) { return Response::text(200, ""); }, {.body_limit = 1'000});
    routes.add(Method::kGet, "/stream", [](const Request&) {
      Response response;
      response.stream = [](BodyWriter& out) -> Result<void> {
        for (int i = 0; i < 50; ++i)
          MORGAN_CHECK_OK(out.write(std::string(10'000, static_cast<char>('a' + i % 26))));
        return {};
      };
      return response;
    });
    routes.add_ws("/ws", [](const Request&, WsPeer& peer) {
      for (;;) {
        auto message = peer.receive();
        if (!message || !peer.send(std::move(*message))) return;
      }
    });
    return start_server(std::move(routes), std::move(options));
  }

  ClientRequest request(const Server& server, const std::string& path, const std::string& ca = "cert.pem") const {
    ClientRequest request;
    request.url = "https://localhost:" + std::to_string(server.port()) + path;
    request.ca_file = ca.empty() ? "" : (folder_ / ca).string();
    return request;
  }

  std::string wss(const Server& server) const { return "wss://127.0.0.1:" + std::to_string(server.port()) + "/ws"; }

  fs::path folder_ = fs::temp_directory_path() / ("morgan-tls-" + std::to_string(::getpid()));
  std::shared_ptr<TlsIdentity> identity_;
};

TEST_F(ServerTls, AnswersWholeAndStreamedOverHttps) {
  const auto server = started();
  EXPECT_EQ(http_request(request(*server, "/hello"))->body, "hello");
  ClientRequest large = request(*server, "/echo");
  large.method = Method::kPost;
  large.body = std::string(3'000'000, 'x');
  const auto echoed = http_request(large);
  ASSERT_TRUE(echoed) << echoed.error().message;
  EXPECT_EQ(echoed->body, large.body);
  EXPECT_EQ(http_request(request(*server, "/stream"))->body.size(), 500'000U);
}

TEST_F(ServerTls, AClientTrustsOnlyWhomItWasTold) {
  const auto server = started();
  const auto stranger = http_request(request(*server, "/hello", ""));
  ASSERT_FALSE(stranger);
  EXPECT_EQ(stranger.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(stranger.error().message.find("client.ca_file"), std::string::npos) << stranger.error().message;
  const auto socket = WsClient::connect(wss(*server), {}, kTestPatience);
  ASSERT_FALSE(socket);
  EXPECT_NE(socket.error().message.find("client.ca_file"), std::string::npos) << socket.error().message;
}

TEST_F(ServerTls, ACertificateOfAnotherNameIsNotTaken) {
  const auto made = write_self_signed({.names = {"other.example"}}, folder_ / "cert.pem", folder_ / "key.pem");
  ASSERT_TRUE(made);
  const auto server = started();
  EXPECT_FALSE(http_request(request(*server, "/hello")));
  EXPECT_FALSE(WsClient::connect(wss(*server), {}, kTestPatience, (folder_ / "cert.pem").string()));
}

TEST_F(ServerTls, WebSocketsTalkOverIt) {
  const auto server = started();
  const auto client = WsClient::connect(wss(*server), {}, kTestPatience, (folder_ / "cert.pem").string());
  ASSERT_TRUE(client) << client.error().message;
  for (const std::size_t size : {1U, 70'000U, 900'000U}) {
    ASSERT_TRUE((*client)->send({true, std::string(size, 'y')}));
    const auto back = (*client)->receive(kTestPatience);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->data.size(), size);
  }
  (*client)->close(1000, "", kTestPatience);
  EXPECT_EQ((*client)->close_code(), 1000);
}

TEST_F(ServerTls, ThisMachineMayStillSpeakInTheClear) {
  const auto server = started();
  EXPECT_EQ(get(*server, "/hello").body, "hello");
  const auto client = WsClient::connect("ws" + url_of(*server, "/ws").substr(4), {}, kTestPatience);
  EXPECT_TRUE(client);
}

TEST_F(ServerTls, ARefusedUploadStillReadsWhy) {
  const auto server = started();
  ClientRequest large = request(*server, "/small");
  large.method = Method::kPost;
  large.body = std::string(8'000'000, 'x');
  const auto answer = http_request(large);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 413);
}

TEST_F(ServerTls, JunkInsteadOfAHandshakeEndsThatConnectionOnly) {
  const auto server = started();
  RawClient junk(server->port());
  junk.send(std::string("\x16\x03\x01\x02\x00", 5) + std::string(600, 'z'));
  junk.read_all();
  EXPECT_EQ(http_request(request(*server, "/hello"))->status, 200);
}

TEST_F(ServerTls, AHandshakeThatIsNotFinishedEndsInTime) {
  ServerOptions options;
  options.header_timeout = std::chrono::milliseconds(200);
  const auto server = started(options);
  RawClient silent(server->port());
  RawClient half(server->port());
  half.send("\x16\x03");
  EXPECT_EQ(half.read_all(), "");
  EXPECT_EQ(silent.read_all(), "");
}

TEST_F(ServerTls, StoppingEndsConnectionsInEveryState) {
  const auto server = started();
  RawClient silent(server->port());
  RawClient half(server->port());
  half.send("\x16\x03");
  const auto socket = WsClient::connect(wss(*server), {}, kTestPatience, (folder_ / "cert.pem").string());
  ASSERT_TRUE(socket);
  ASSERT_TRUE(http_request(request(*server, "/hello")));  // kept alive
  server->stop(kAtOnce);
  EXPECT_FALSE((*socket)->receive(kTestPatience));
}

TEST_F(ServerTls, AChangedCertificateIsUsedWithoutARestart) {
  const auto server = started();
  ASSERT_TRUE(http_request(request(*server, "/hello")));
  fs::copy_file(folder_ / "cert.pem", folder_ / "old.pem");
  make_certificate("cert.pem", "key.pem");
  ASSERT_TRUE(identity_->reload());
  // A WebSocket begins with a connection of its own; HTTP's may be one of before.
  EXPECT_TRUE(WsClient::connect(wss(*server), {}, kTestPatience, (folder_ / "cert.pem").string()));
  EXPECT_FALSE(WsClient::connect(wss(*server), {}, kTestPatience, (folder_ / "old.pem").string()));

  // And by itself, within a second or two.
  make_certificate("cert.pem", "key.pem");
  const auto until = std::chrono::steady_clock::now() + kTestPatience;
  bool taken = false;
  while (!taken && std::chrono::steady_clock::now() < until)
    taken = WsClient::connect(wss(*server), {}, kTestPatience, (folder_ / "cert.pem").string()).has_value();
  EXPECT_TRUE(taken);
}

TEST_F(ServerTls, ABrokenCertificateLeavesTheOneBeforeInUse) {
  const auto server = started();
  fs::copy_file(folder_ / "cert.pem", folder_ / "old.pem");
  ASSERT_TRUE(write_file_atomically(folder_ / "cert.pem", "not a certificate"));
  const auto reloaded = identity_->reload();
  ASSERT_FALSE(reloaded);
  EXPECT_EQ(reloaded.error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(WsClient::connect(wss(*server), {}, kTestPatience, (folder_ / "old.pem").string()));
}

TEST_F(ServerTls, FilesThatCannotBeUsedAreTold) {
  EXPECT_EQ(TlsIdentity::load(folder_ / "none.pem", folder_ / "key.pem").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(TlsIdentity::load(folder_ / "key.pem", folder_ / "key.pem").error().code, ErrorCode::kInvalidArgument);
  make_certificate("other.pem", "other-key.pem");
  const auto mixed = TlsIdentity::load(folder_ / "cert.pem", folder_ / "other-key.pem");
  ASSERT_FALSE(mixed);
  EXPECT_NE(mixed.error().message.find("is not the key of"), std::string::npos);
  EXPECT_FALSE(write_self_signed({.names = {"a,DNS:b"}}, folder_ / "x.pem", folder_ / "y.pem"));
  EXPECT_FALSE(write_self_signed({}, folder_ / "x.pem", folder_ / "y.pem"));
}

TEST_F(ServerTls, OnlyTheOwnerReadsTheKey) {
  EXPECT_EQ(fs::status(folder_ / "key.pem").permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

}  // namespace
}  // namespace morgan::net
