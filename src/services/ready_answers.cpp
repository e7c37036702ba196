#include "services/ready_answers.h"

#include <utility>

namespace morgan::services {

namespace {

/// What the answer may depend on; "" when it is not to be kept.
std::string key_of(const net::Request& request, std::uint64_t version) {
  if (request.body.size() > ReadyAnswers::kMostRequest || !request.header("Cache-Control").empty()) return {};
  std::string key = std::to_string(version);
  // With its length: no two lists of parts are the same text.
  const auto add = [&key](std::string_view part) {
    key += ' ';
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

/// Lines of names and values, an empty one, the body: no header has a line break in it.
std::string packed(const net::Response& response) {
  std::string text;
  for (const auto& [name, value] : response.headers)
    text += name + '\n' + value + '\n';
  return text + '\n' + response.body;
}

net::Response unpacked(std::string text) {
  net::Response response;
  std::size_t at = 0;
  const auto line = [&] {
    const std::size_t end = text.find('\n', at);
    std::string found = text.substr(at, end - at);
    at = end + 1;
    return found;
  };
  for (std::string name = line(); !name.empty(); name = line())
    response.headers.emplace(std::move(name), line());
  response.body = text.erase(0, at);
  return response;
}

}  // namespace

std::optional<net::Response> ReadyAnswers::get(const net::Request& request, std::uint64_t version) {
  const std::string key = key_of(request, version);
  auto found = key.empty() ? std::nullopt : answers_.get(key);
  if (!found) return std::nullopt;
  return unpacked(std::move(*found));
}

void ReadyAnswers::put(const net::Request& request, const net::Response& response, std::uint64_t version) {
  if (response.stream || response.body.size() > kMostAnswer) return;
  if (const std::string key = key_of(request, version); !key.empty()) answers_.set(key, packed(response), kFresh);
}

void keep_ready_speech(std::shared_ptr<ReadyAnswers> answers, const stores::SpeechCache* cache, Metrics* metrics,
                       ApiRoutes::Handler& handler, net::RouteOptions& options) {
  options.ready = [answers, cache, metrics](const net::Request& request) {
    auto response = answers->get(request, cache->replaced());
    if (response && metrics != nullptr) metrics->count("morgan_speech_cache_total", {{"result", "hit"}});
    return response;
  };
  handler = [answers, cache, handle = std::move(handler)](const net::Request& request) -> Result<net::Response> {
    // Before it is looked up: what is put in its place meanwhile makes it old.
    const std::uint64_t version = cache->replaced();
    Result<net::Response> response = handle(request);
    if (response && response->status == 200) {
      const auto kept = response->headers.find("X-Cache");
      if (kept != response->headers.end() && kept->second == "hit") answers->put(request, *response, version);
    }
    return response;
  };
}

}  // namespace morgan::services
