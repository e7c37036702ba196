#include "dialogue/live/turn_trace.h"

#include <algorithm>
#include <cmath>

namespace morgan::dialogue::live {

namespace {

constexpr std::array<std::string_view, kTurnStages> kNames{"pause_seen",  "transcript", "first_token", "first_clause",
                                                           "first_audio", "decision",   "sent",        "played"};

double tenths(double value) {
  return std::round(value * 10) / 10;
}

}  // namespace

std::string_view to_string(TurnStage stage) {
  return kNames[static_cast<std::size_t>(stage)];
}

void TurnTrace::mark(TurnStage stage, runtime::TimePoint when) {
  auto& place = reached[static_cast<std::size_t>(stage)];
  if (!place) place = when;
}

double TurnTrace::ms(TurnStage stage) const {
  const auto& when = reached[static_cast<std::size_t>(stage)];
  return when ? std::chrono::duration<double, std::milli>(*when - speech_end).count() : -1;
}

OrderedJson TurnTrace::to_json() const {
  OrderedJson stages = OrderedJson::array();
  double until = 0;
  for (std::size_t i = 0; i < kTurnStages; ++i) {
    const auto stage = static_cast<TurnStage>(i);
    if (!reached[i]) continue;
    // Of the rounded times, so that what is shown adds up too.
    const double ended = tenths(std::max(until, ms(stage)));
    stages.push_back(
        OrderedJson{{"name", to_string(stage)}, {"at_ms", tenths(ms(stage))}, {"ms", tenths(ended - until)}});
    until = ended;
  }
  return {{"turn", turn},
          {"response", response},
          {"session_id", session_id},
          {"user_id", user_id},
          {"at", at},
          {"outcome", outcome},
          {"speech_seconds", tenths(speech_seconds * 100) / 100},
          {"total_ms", until},
          {"stages", std::move(stages)},
          {"turn_probability", std::round(static_cast<double>(turn_probability) * 1000) / 1000},
          {"wait_ms", wait_ms},
          {"drafts", drafts},
          {"prompt_tokens", prompt_tokens},
          {"cached_tokens", cached_tokens},
          {"completion_tokens", completion_tokens},
          {"recording", recording}};
}

void TurnLog::add(OrderedJson turn) {
  const std::lock_guard lock(mutex_);
  turns_.push_front(std::move(turn));
  if (turns_.size() > kKept) turns_.pop_back();
}

std::vector<OrderedJson> TurnLog::recent(std::size_t limit, const std::string& user_id) const {
  const std::lock_guard lock(mutex_);
  std::vector<OrderedJson> found;
  for (const OrderedJson& turn : turns_) {
    if (found.size() >= limit) break;
    if (user_id.empty() || turn.value("user_id", "") == user_id) found.push_back(turn);
  }
  return found;
}

long long TurnLog::erase(const std::string& user_id) {
  const std::lock_guard lock(mutex_);
  return static_cast<long long>(
      std::erase_if(turns_, [&](const OrderedJson& turn) { return turn.value("user_id", "") == user_id; }));
}

}  // namespace morgan::dialogue::live
