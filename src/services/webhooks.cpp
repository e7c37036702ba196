#include "services/webhooks.h"

#include "base/file.h"
#include "base/hmac.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/stop.h"
#include "base/strings.h"
#include "base/time_text.h"
#include "net/http_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace morgan::services {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::seconds kOneTry{10};
constexpr std::uint64_t kMostEvent = 100'000;

long long unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// The receiver has understood, and does not want it: no use to ask again.
bool is_final(int status) {
  return status / 100 == 4 && status != 408 && status != 429;
}

}  // namespace

/// One address: events go there one after another, in order, from a thread of its own.
class Webhooks::Address {
 public:
  Address(std::string url, fs::path folder, const WebhookOptions& options)
      : url_(std::move(url)), folder_(std::move(folder)), options_(options) {
    read_folder();
    thread_ = std::thread([this] { run(); });
  }
  ~Address() {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    stop_.request_stop(StopReason::kShutdown);
    changed_.notify_all();
    thread_.join();
  }
  Address(const Address&) = delete;
  Address& operator=(const Address&) = delete;

  void add(const std::string& body) {
    const std::scoped_lock lock(mutex_);
    if (waiting_.size() >= kMostWaiting) {
      if (!std::exchange(full_, true))
        log::warn("webhooks", "events are given up: too many are waiting", {{"address", net::place_of(url_)}});
      drop_first();
    }
    waiting_.push_back({++last_number_, body, unix_seconds(), false});
    changed_.notify_all();
  }
  std::size_t waiting() const {
    const std::scoped_lock lock(mutex_);
    return waiting_.size();
  }

 private:
  struct Event {
    std::uint64_t number = 0;
    std::string body;
    long long since = 0;
    bool on_disk = false;
  };

  fs::path file_of(std::uint64_t number) const { return folder_ / fmt::format("{:016}.json", number); }

  /// What an earlier process left, in order.
  void read_folder() {
    std::error_code status;
    fs::create_directories(folder_, status);
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder_, status)) {
      if (entry.path().extension() == ".json") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
      const auto text = read_file(file, kMostEvent);
      const auto number = parse_integer(file.stem().string());
      const auto newline = text ? text->find('\n') : std::string::npos;
      const auto since = newline == std::string::npos ? std::nullopt : parse_integer(text->substr(0, newline));
      if (!number || !since) {
        fs::remove(file, status);
        continue;
      }
      last_number_ = static_cast<std::uint64_t>(*number);
      waiting_.push_back({last_number_, text->substr(newline + 1), *since, true});
    }
  }

  void run() {
    std::chrono::milliseconds pause = options_.first_retry;
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      write_new(lock);
      if (stopping_) return;
      if (waiting_.empty()) continue;
      const Event event = waiting_.front();
      lock.unlock();
      const bool done = deliver(event);
      lock.lock();
      // It may have been dropped meanwhile.
      if (done && !waiting_.empty() && waiting_.front().number == event.number) drop_first();
      if (done) {
        full_ = false;
        pause = options_.first_retry;
        continue;
      }
      const auto until = std::chrono::steady_clock::now() + pause;
      while (!stopping_ && std::chrono::steady_clock::now() < until) {
        changed_.wait_until(lock, until);
        write_new(lock);  // what comes while we wait
      }
      pause = std::min(2 * pause, options_.last_retry);
    }
  }

  /// Before it is tried, so that a crash loses nothing. Writes without the lock.
  void write_new(std::unique_lock<std::mutex>& lock) {
    for (std::size_t i = 0; i < waiting_.size(); ++i) {
      if (waiting_[i].on_disk) continue;
      waiting_[i].on_disk = true;
      const Event event = waiting_[i];
      lock.unlock();
      const auto written = write_file_atomically(file_of(event.number), fmt::format("{}\n{}", event.since, event.body));
      if (!written) log::warn("webhooks", "an event could not be kept", {{"why", written.error().message}});
      lock.lock();
      std::error_code ignored;
      const bool dropped = waiting_.empty() || event.number < waiting_.front().number;
      if (dropped) fs::remove(file_of(event.number), ignored);
    }
  }

  void drop_first() {
    std::error_code ignored;
    fs::remove(file_of(waiting_.front().number), ignored);
    waiting_.pop_front();
  }

  /// @return true: it is done with, well or not
  bool deliver(const Event& event) {
    net::ClientRequest post;
    post.method = net::Method::kPost;
    post.url = url_;
    post.body = event.body;
    post.total_timeout = post.stall_timeout = kOneTry;
    post.max_body = kMostEvent;
    post.headers.emplace("Content-Type", "application/json");
    post.headers.emplace("User-Agent", "Morgan");
    if (!options_.secret.empty()) {
      const std::string time = std::to_string(unix_seconds());
      post.headers.emplace("X-Morgan-Timestamp", time);
      post.headers.emplace("X-Morgan-Signature", "sha256=" + hmac_sha256(options_.secret, time + "." + event.body));
    }
    const auto response = net::http_request(post, stop_.token());
    if (response && response->status / 100 == 2) return true;
    const std::string why = response ? "status " + std::to_string(response->status) : response.error().message;
    const bool late = unix_seconds() - event.since > std::chrono::seconds(options_.give_up).count();
    const bool give_up = late || (response && is_final(response->status));
    if (give_up) log::warn("webhooks", "an event is given up", {{"address", net::place_of(url_)}, {"why", why}});
    return give_up;
  }

  const std::string url_;
  const fs::path folder_;
  const WebhookOptions options_;
  StopSource stop_;
  mutable std::mutex mutex_;  // guards what follows, but thread_
  std::condition_variable changed_;
  std::deque<Event> waiting_;
  std::uint64_t last_number_ = 0;
  bool stopping_ = false;
  bool full_ = false;  // and said so
  std::thread thread_;
};

Webhooks::Webhooks(WebhookOptions options) {
  for (const std::string& url : options.urls) {
    // Named after the address, so that each finds its own again.
    const std::string name = hmac_sha256("webhook", url).substr(0, 16);
    addresses_.push_back(std::make_unique<Address>(url, options.folder / name, options));
  }
}

Webhooks::~Webhooks() = default;

void Webhooks::send(OrderedJson event) {
  event["id"] = random_id("evt_");
  const std::string body = dump_json(event);
  for (const auto& address : addresses_)
    address->add(body);
}

void Webhooks::conversation_start(const std::string& user_id, const std::string& source, const std::string& language) {
  OrderedJson metadata{{"source", source}};
  if (!language.empty()) metadata["language"] = language;
  send(OrderedJson{{"event", "conversation_start"},
                   {"user_id", user_id},
                   {"timestamp", now_iso8601()},
                   {"metadata", std::move(metadata)}});
}

void Webhooks::conversation_end(const std::string& user_id, const std::string& source, double seconds) {
  OrderedJson metadata{{"source", source}};
  if (seconds >= 0) metadata["duration"] = seconds;
  send(OrderedJson{{"event", "conversation_end"},
                   {"user_id", user_id},
                   {"timestamp", now_iso8601()},
                   {"metadata", std::move(metadata)}});
}

void Webhooks::service_error(const std::string& service, const std::string& code, const std::string& request_id) {
  send(OrderedJson{{"event", "service_error"},
                   {"service", service},
                   {"error_code", code},
                   {"timestamp", now_iso8601()},
                   {"request_id", request_id}});
}

std::size_t Webhooks::waiting() const {
  std::size_t all = 0;
  for (const auto& address : addresses_)
    all += address->waiting();
  return all;
}

}  // namespace morgan::services
