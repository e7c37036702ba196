#include "app/upstream_watch.h"

#include "base/log.h"
#include "net/http_client.h"

namespace morgan::app {

namespace {

constexpr std::chrono::seconds kInterval{5};
constexpr std::chrono::milliseconds kPatience{2'000};
constexpr int kServerError = 500;
constexpr int kUnauthorized = 401;

}  // namespace

UpstreamWatch::UpstreamWatch(std::vector<Upstream> upstreams) : upstreams_(std::move(upstreams)) {
  if (!upstreams_.empty()) thread_ = std::thread(&UpstreamWatch::watch, this);
}

UpstreamWatch::~UpstreamWatch() {
  stop_.request_stop(StopReason::kShutdown);
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  stopping_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::string UpstreamWatch::trouble(const std::string& role) const {
  const std::lock_guard lock(mutex_);
  const auto found = trouble_.find(role);
  return found == trouble_.end() ? "" : found->second;
}

void UpstreamWatch::watch() {
  for (;;) {
    for (const Upstream& upstream : upstreams_) {
      std::string now = ask(upstream);
      const std::lock_guard lock(mutex_);
      std::string& before = trouble_[upstream.role];
      if (before.empty() != now.empty()) {
        if (now.empty())
          log::info("app", "an upstream answers again", {{"role", upstream.role}});
        else
          log::warn("app", "an upstream does not answer", {{"role", upstream.role}, {"why", now}});
      }
      before = std::move(now);
    }
    std::unique_lock lock(mutex_);
    if (stopping_.wait_for(lock, kInterval, [this] { return stopped_; })) return;
  }
}

std::string UpstreamWatch::ask(const Upstream& upstream) const {
  net::ClientRequest request;
  request.url = upstream.base_url + (upstream.base_url.ends_with('/') ? "models" : "/models");
  request.connect_timeout = kPatience;
  request.total_timeout = kPatience;
  request.ca_file = upstream.ca_file;
  if (!upstream.api_key.empty()) request.headers.emplace("Authorization", "Bearer " + upstream.api_key);
  const auto response = net::http_request(request, stop_.token());
  if (!response) return response.error().message;
  // Not every server lists its models; that it answers is enough.
  if (response->status >= kServerError) return upstream.base_url + " answers " + std::to_string(response->status);
  if (response->status == kUnauthorized) return upstream.base_url + " does not take the key that it is shown";
  return {};
}

}  // namespace morgan::app
