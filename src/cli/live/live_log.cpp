#include "cli/live/live_log.h"

#include "audio/pcm16.h"
#include "cli/live/voiced.h"

#include <algorithm>

namespace morgan::cli {

namespace {

/// Fields that another version of the server may lack are empty, never an error: a measurement goes on.
std::string text_of(const Json& json, std::string_view name) {
  const auto text = json_string(json, name);
  return text && *text ? **text : "";
}

std::int64_t integer_of(const Json& json, std::string_view name) {
  const auto number = json_integer(json, name);
  return number && *number ? **number : 0;
}

bool is_true(const Json& json, std::string_view name) {
  const auto value = json_bool(json, name);
  return value && value->value_or(false);
}

void mark(std::optional<Time>& place, Time at) {
  if (!place) place = at;
}

}  // namespace

std::optional<HeardAnswer::Onset> HeardAnswer::onset() const {
  if (samples.empty() || rate_hz <= 0) return std::nullopt;
  const auto voiced = find_voiced({samples, rate_hz});
  if (!voiced) return std::nullopt;
  const auto piece =
      std::find_if(pieces.begin(), pieces.end(), [&](const Piece& each) { return each.end > voiced->first; });
  const auto offset = std::chrono::microseconds(static_cast<std::int64_t>(voiced->first) * 1'000'000 / rate_hz);
  return Onset{piece->at, std::max(piece->at, pieces.front().at + offset)};
}

std::optional<double> HeardAnswer::stage_at_ms(const std::string& stage) const {
  if (!turn.is_object() || !turn.contains("stages")) return std::nullopt;
  for (const Json& each : turn["stages"]) {
    if (text_of(each, "name") != stage) continue;
    const auto at = json_number(each, "at_ms");
    if (at && *at) return **at;
  }
  return std::nullopt;
}

const HeardAnswer* LiveLog::newest() const {
  const auto found =
      std::find_if(answers_.rbegin(), answers_.rend(), [](const HeardAnswer& answer) { return !answer.aside; });
  return found == answers_.rend() ? nullptr : &*found;
}

HeardAnswer* LiveLog::newest() {
  return const_cast<HeardAnswer*>(static_cast<const LiveLog*>(this)->newest());
}

HeardAnswer* LiveLog::find(const Json& json) {
  const std::int64_t response = integer_of(json, "response");
  const auto found = std::find_if(answers_.begin(), answers_.end(),
                                  [&](const HeardAnswer& answer) { return answer.response == response; });
  return found == answers_.end() ? nullptr : &*found;
}

void LiveLog::take(const Arrival& arrival) {
  if (!arrival.json.is_null()) {
    take_json(arrival.json, arrival.at);
    return;
  }
  // The socket keeps order: sound belongs to the last answer that began. Before the first, it is of an older stretch.
  if (answers_.empty()) return;
  HeardAnswer& answer = answers_.back();
  const audio::PcmBuffer pcm = audio::decode_pcm16(arrival.sound, answer.rate_hz);
  answer.samples.insert(answer.samples.end(), pcm.samples.begin(), pcm.samples.end());
  answer.pieces.push_back({answer.samples.size(), arrival.at});
}

void LiveLog::take_json(const Json& json, Time at) {
  const std::string type = text_of(json, "type");
  if (type == "transcription") {
    if (is_true(json, "is_final")) finals_.push_back({text_of(json, "text"), at});
  } else if (type == "state") {
    state_ = text_of(json, "state");
    if (state_ == "hearing") heard_.push_back(at);
  } else if (type == "response_start") {
    HeardAnswer answer;
    answer.response = integer_of(json, "response");
    answer.aside = is_true(json, "aside");
    answer.started = at;
    answer.rate_hz = std::max(1, static_cast<int>(integer_of(json, "output_sample_rate")));
    answers_.push_back(std::move(answer));
  } else if (type == "error") {
    errors_.push_back(text_of(json, "message"));
  } else if (type == "turn") {
    if (!json.contains("turn") || !json["turn"].is_object()) return;
    if (HeardAnswer* const answer = find(json["turn"])) answer->turn = json["turn"];
  } else if (HeardAnswer* const answer = find(json)) {
    if (type == "response") {
      answer->text = text_of(json, "text");
    } else if (type == "response_end") {
      answer->status = text_of(json, "status");
      mark(answer->ended, at);
    } else if (type == "duck") {
      const auto gain = json_number(json, "gain");
      if (gain && gain->value_or(1) < 1)
        mark(answer->ducked, at);
      else
        mark(answer->resumed, at);
    } else if (type == "hold") {
      mark(answer->held, at);
    } else if (type == "resume") {
      mark(answer->resumed, at);
    }
  }
}

}  // namespace morgan::cli
