// A real HTTP server in the test's process that speaks the upstream's side of OpenAI's API.
#pragma once

#include "base/json_util.h"
#include "engines/remote/openai_engines.h"
#include "net/server.h"

#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace morgan::engines {

/// What a handler saw; copied, for handlers run on the server's threads.
struct SeenRequest {
  std::string path;
  std::string body;
  std::string authorization;
  std::string content_type;
};

class Upstream {
 public:
  Upstream() = default;
  ~Upstream() {
    if (server_) server_->stop(std::chrono::milliseconds(500));
  }

  void on(net::Method method, const std::string& path, net::Handler handler) {
    routes_.add(method, "/v1" + path,
                [this, handler = std::move(handler)](const net::Request& request) {
                  {
                    const std::lock_guard lock(mutex_);
                    seen_.push_back({request.path, request.body, std::string(request.header("Authorization")),
                                     std::string(request.header("Content-Type"))});
                  }
                  return handler(request);
                },
                {40'000'000});
  }
  /// Always the same answer.
  void on_post(const std::string& path, int status, const std::string& json) {
    on(net::Method::kPost, path, [=](const net::Request&) { return net::Response::json(status, json); });
  }

  RemoteOptions start() {
    net::ServerOptions options;
    options.name = "upstream";
    options.worker_threads = 4;
    auto server = net::Server::listen(options, std::move(routes_));
    EXPECT_TRUE(server) << server.error().message;
    server_ = std::move(server).value();
    server_->start();
    RemoteOptions remote;
    remote.base_url = "http://127.0.0.1:" + std::to_string(server_->port()) + "/v1";
    remote.api_key = "sk-secret-key";
    remote.model = "upstream-model";
    return remote;
  }

  std::vector<SeenRequest> seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  Json body(std::size_t index) const { return Json::parse(seen().at(index).body); }

 private:
  mutable std::mutex mutex_;  // guards seen_
  std::vector<SeenRequest> seen_;
  net::Router routes_;
  std::unique_ptr<net::Server> server_;  // last: it ends before what its handlers use
};

/// An answer that is streamed, one write per piece.
inline net::Response streamed(std::vector<std::string> pieces, const std::string& content_type) {
  net::Response response;
  response.headers.emplace("Content-Type", content_type);
  response.stream = [pieces = std::move(pieces)](net::BodyWriter& writer) -> Result<void> {
    for (const auto& piece : pieces)
      MORGAN_CHECK_OK(writer.write(piece));
    return {};
  };
  return response;
}

}  // namespace morgan::engines
