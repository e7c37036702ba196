#include "services/ready_answers.h"

#include <utility>

namespace morgan::services {

namespace {

bool asks_for_fresh(const net::Request& request) {
  return !request.header("Cache-Control").empty();
}

/// What the answer may depend on; "" when it is too much to be kept.
std::string key_of(const net::Request& request) {
  if (request.body.size() > ReadyAnswers::kMostRequest) return {};
  std::string key;
  // With its length: no two lists of parts are the same text.
  const auto add = [&key](std::string_view part) {
    key += std::to_string(part.size());
    key += ':';
    key += part;
  };
  add(request.path);
  for (const std::string_view name : {"Content-Type", "Content-Encoding", "Accept"})
    add(request.header(name));
  for (const auto& [name, value] : request.query) {
    add(name);
    add(value);
  }
  add(request.body);
  return key;
}

std::size_t size_of(const std::string& key, const net::Response& response) {
  constexpr std::size_t kAround = 500;  // headers, lists
  return 2 * key.size() + response.body.size() + kAround;
}

}  // namespace

std::optional<net::Response> ReadyAnswers::get(const net::Request& request, std::uint64_t version,
                                               Clock::time_point now) {
  if (asks_for_fresh(request)) return std::nullopt;
  const std::string key = key_of(request);
  if (key.empty()) return std::nullopt;
  std::shared_ptr<const net::Response> response;
  {
    const std::lock_guard lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return std::nullopt;
    if (found->second->until <= now || found->second->version != version) {
      drop(found->second);
      return std::nullopt;
    }
    entries_.splice(entries_.begin(), entries_, found->second);
    response = found->second->response;
  }
  return *response;
}

void ReadyAnswers::put(const net::Request& request, const net::Response& response, std::uint64_t version,
                       Clock::time_point now) {
  if (asks_for_fresh(request) || response.stream || response.body.size() > kMostAnswer) return;
  std::string key = key_of(request);
  if (key.empty()) return;
  const std::size_t size = size_of(key, response);
  auto kept = std::make_shared<const net::Response>(response);
  const std::lock_guard lock(mutex_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) drop(found->second);
  entries_.push_front({key, std::move(kept), version, now + kFresh, size});
  by_key_.emplace(std::move(key), entries_.begin());
  bytes_ += size;
  while (bytes_ > most_bytes_ && !entries_.empty())
    drop(std::prev(entries_.end()));
}

std::size_t ReadyAnswers::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

void ReadyAnswers::drop(Entries::iterator entry) {
  bytes_ -= entry->size;
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

void keep_ready_speech(std::shared_ptr<ReadyAnswers> answers, const stores::SpeechCache* cache, Metrics* metrics,
                       ApiRoutes::Handler& handler, net::RouteOptions& options) {
  options.ready = [answers, cache, metrics](const net::Request& request) {
    auto response = answers->get(request, cache->replaced(), ReadyAnswers::Clock::now());
    if (response && metrics != nullptr) metrics->count("morgan_speech_cache_total", {{"result", "hit"}});
    return response;
  };
  handler = [answers, cache, handle = std::move(handler)](const net::Request& request) -> Result<net::Response> {
    // Before it is looked up: what is put in its place meanwhile makes it old.
    const std::uint64_t version = cache->replaced();
    Result<net::Response> response = handle(request);
    if (response && response->status == 200) {
      const auto kept = response->headers.find("X-Cache");
      if (kept != response->headers.end() && kept->second == "hit")
        answers->put(request, *response, version, ReadyAnswers::Clock::now());
    }
    return response;
  };
}

}  // namespace morgan::services
