#include "engines/remote/remote_voices.h"

#include "base/strings.h"

#include <utility>

namespace morgan::engines {

namespace {

constexpr std::chrono::seconds kFresh{300};
constexpr std::chrono::seconds kRetry{30};
/// A list of voices is not worth a longer wait.
constexpr std::chrono::milliseconds kTimeout{3'000};

bool is_default(const std::string& name) {
  return name.empty() || name == "default";
}

/// {"voices": [...]}, {"data": [...]} or a bare list, of names or of objects.
std::vector<Voice> voices_of(const Json& answer) {
  const Json* list = &answer;
  for (const char* const name : {"voices", "data"}) {
    if (answer.is_object() && answer.contains(name)) list = &answer.at(name);
  }
  std::vector<Voice> voices;
  if (!list->is_array()) return voices;
  for (const Json& entry : *list) {
    Voice voice;
    if (entry.is_string()) voice.name = entry.get<std::string>();
    // The identifier is what a request takes; a name may be for people only.
    for (const char* const name : {"voice_id", "id", "voice", "name"}) {
      if (voice.name.empty()) voice.name = string_or(entry, name, "");
    }
    if (voice.name.empty()) continue;
    voice.language = string_or(entry, "language", "");
    voice.gender = string_or(entry, "gender", "");
    voice.description = string_or(entry, "description", "");
    voices.push_back(std::move(voice));
  }
  return voices;
}

}  // namespace

std::vector<Voice> RemoteVoices::list() {
  const std::lock_guard lock(mutex_);
  refresh();
  const std::string& own = client_.options().voice;
  if (!voices_.empty() || own.empty()) return voices_;
  return {complete({own, "", "", 0, "", ""})};
}

Result<Voice> RemoteVoices::find(const std::string& name) {
  const std::string& own = client_.options().voice;
  const std::lock_guard lock(mutex_);
  const std::string& wanted = is_default(name) ? own : name;
  // The configured voice needs no list.
  if (wanted.empty() || wanted != own) refresh();
  for (const Voice& voice : voices_) {
    if (wanted.empty() || voice.name == wanted) return voice;
  }
  // Many upstreams, OpenAI's own too, have no list: they know best whether they have the voice.
  if (!wanted.empty() && (wanted == own || has_no_list_)) return complete({wanted, "", "", 0, "", ""});
  if (failure_) return fail(*failure_);
  std::vector<std::string> names;
  for (const Voice& voice : voices_)
    names.push_back(voice.name);
  const std::string message =
      wanted.empty() ? "the upstream " + client_.address() + " lists no voices; name one in the configuration"
                     : "no voice '" + wanted + "' at " + client_.address() + did_you_mean(wanted, names);
  return fail({ErrorCode::kNotFound, message, "VOICE_NOT_FOUND", "voice"});
}

Voice RemoteVoices::complete(Voice voice) const {
  voice.sample_rate_hz = kRemotePcmRate;
  voice.backend = "openai";
  if (voice.description.empty()) voice.description = "spoken by " + client_.address();
  return voice;
}

void RemoteVoices::refresh() {
  const auto now = std::chrono::steady_clock::now();
  if (now < ask_again_) return;
  net::ClientRequest request = client_.request(net::Method::kGet, "/audio/voices");
  request.total_timeout = kTimeout;
  const auto response = client_.send(request, {});
  ask_again_ = now + kFresh;
  failure_.reset();
  if (response && response->status == 200) {
    const auto parsed = parse_json(response->body);
    auto listed = parsed ? voices_of(*parsed) : std::vector<Voice>{};
    has_no_list_ = listed.empty();
    voices_.clear();
    for (auto& voice : listed)
      voices_.push_back(complete(std::move(voice)));
    return;
  }
  has_no_list_ = response && response->status >= 400 && response->status < 500 && response->status != 401 &&
                 response->status != 403 && response->status != 429;
  if (has_no_list_) {
    voices_.clear();
    return;
  }
  // What was known before stays: the upstream may be back soon.
  failure_ = response ? client_.refusal(*response) : response.error();
  ask_again_ = now + kRetry;
}

}  // namespace morgan::engines
