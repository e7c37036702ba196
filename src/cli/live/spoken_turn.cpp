#include "cli/live/spoken_turn.h"

#include <algorithm>
#include <cmath>

namespace morgan::cli {

namespace {

constexpr double kStagesTolerance = 5;  // ms
/// The rest of a sentence that was cut off gets an answer of its own; it is waited for so long.
constexpr std::chrono::seconds kSecondAnswer{3};
/// For the end of an answer that was cancelled, and the message about its turn.
constexpr std::chrono::seconds kEndPatience{5};
constexpr std::chrono::milliseconds kTick{20};

Time after(Time from, double seconds) {
  return from + std::chrono::microseconds(static_cast<std::int64_t>(seconds * 1e6));
}

double number_of(const Json& json, std::string_view name) {
  const auto number = json_number(json, name);
  return number && *number ? **number : 0;
}

void read_stages(const HeardAnswer& answer, SpokenTurn& turn) {
  turn.turn = answer.turn;
  if (!answer.turn.is_object() || !answer.turn.contains("stages")) return;
  double sum = 0;
  double until_sent = 0;
  bool sent = false;
  for (const Json& stage : answer.turn["stages"]) {
    const double ms = number_of(stage, "ms");
    sum += ms;
    if (sent) continue;
    const auto name = json_string(stage, "name");
    turn.stages.push_back({name && *name ? **name : "", ms});
    until_sent += ms;
    sent = turn.stages.back().name == "sent";
  }
  if (sent) turn.sent_ms = until_sent;
  turn.stages_add_up = std::abs(sum - number_of(answer.turn, "total_ms")) <= kStagesTolerance;
}

/// What became of the recording whose last voiced sample was spoken at `speech_end`.
void judge(const LiveLog& log, Time speech_end, SpokenTurn& turn) {
  for (const HeardAnswer& answer : log.answers()) {
    if (answer.aside) continue;
    if (answer.started < speech_end) ++turn.cut_offs;
    if (answer.started < speech_end && answer.status == "reopened") ++turn.taken_back;
    if (answer.started >= speech_end && answer.status == "interrupted") ++turn.interruptions;
  }
  std::vector<std::string> said;
  for (const FinalTranscript& transcript : log.finals()) {
    // A turn that was taken back is told again, longer.
    const bool goes_on = !said.empty() && transcript.text.starts_with(said.back());
    if (goes_on)
      said.back() = transcript.text;
    else
      said.push_back(transcript.text);
    turn.final_ms = ms_between(speech_end, transcript.at);
  }
  for (const std::string& part : said)
    turn.transcript += (turn.transcript.empty() ? "" : " ") + part;
  turn.errors = log.errors();
  const HeardAnswer* const answer = log.newest();
  if (answer == nullptr) return;
  turn.answer = answer->text;
  turn.status = answer->status;
  read_stages(*answer, turn);
  const auto onset = answer->onset();
  turn.answered = onset.has_value();
  if (!onset) return;
  turn.first_voiced_ms = ms_between(speech_end, onset->arrived);
  turn.audible_ms = ms_between(speech_end, onset->audible);
}

}  // namespace

std::optional<double> SpokenTurn::outside_ms() const {
  if (!sent_ms || !first_voiced_ms) return std::nullopt;
  return *first_voiced_ms - *sent_ms;
}

Result<SpokenTurn> speak_turn(LiveCall& call, const Clip& clip, const SpokenTurnOptions& options) {
  SpokenTurn turn;
  turn.recording = clip.name;
  turn.speech_seconds = static_cast<double>(clip.voiced.end - clip.voiced.first) / LiveCall::kRate;
  const FrameCounts before = call.frames();
  LiveLog log;
  const Time start = call.play(clip.pcm.samples);
  const Time speech_end = after(start, static_cast<double>(clip.voiced.end) / LiveCall::kRate);
  const Time all_played = after(start, clip.seconds());
  Time give_up = after(speech_end, options.patience_seconds);
  std::int64_t cancelled = 0;
  while (Clock::now() < give_up) {
    MORGAN_TRY(const auto arrival, call.next(std::min(give_up, Clock::now() + kTick)));
    if (arrival) log.take(*arrival);
    const HeardAnswer* const answer = log.newest();
    const Time now = Clock::now();
    if (answer == nullptr || now < all_played) continue;
    const bool early = answer->started < speech_end && now < speech_end + kSecondAnswer;
    if (early || answer->status == "reopened") continue;
    const bool enough = options.listen_seconds > 0 && answer->seconds() >= options.listen_seconds;
    if (enough && !answer->ended && cancelled != answer->response) {
      MORGAN_CHECK_OK(call.cancel());
      cancelled = answer->response;
      give_up = std::min(give_up, now + kEndPatience);
    }
    if (!answer->samples.empty() && !answer->ended && cancelled == 0) give_up = after(now, options.patience_seconds);
    if (answer->ended && !answer->turn.is_null()) break;
  }
  const HeardAnswer* const answer = log.newest();
  if (answer != nullptr && !answer->ended) MORGAN_CHECK_OK(call.cancel());
  judge(log, speech_end, turn);
  if (!clip.text.empty()) turn.word_errors = text::count_word_errors(clip.text, turn.transcript);
  const FrameCounts now = call.frames();
  turn.frames = {now.sent - before.sent, now.late - before.late, now.dropped - before.dropped};
  return turn;
}

Result<void> stay_quiet(LiveCall& call, double seconds) {
  const Time until = after(Clock::now(), seconds);
  while (Clock::now() < until)
    MORGAN_CHECK_OK(call.next(until));
  return {};
}

}  // namespace morgan::cli
