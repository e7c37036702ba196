#include "engines/stt/streaming_transcriber.h"

#include "base/strings.h"
#include "engines/stt/loudness.h"
#include "engines/stt/transcript_units.h"

#include <algorithm>
#include <mutex>
#include <vector>

namespace morgan::engines {

namespace {

constexpr std::size_t samples_of(double seconds) {
  return static_cast<std::size_t>(seconds * audio::kSpeechRate);
}

constexpr double seconds_of(std::size_t samples) {
  return static_cast<double>(samples) / audio::kSpeechRate;
}

/// How much is looked at to know what is loud and what is quiet.
constexpr std::size_t kRangeSamples = samples_of(10);
/// Two passes agree only when the second heard so much more: else it says the same for the same reason.
constexpr std::size_t kNewSamples = samples_of(0.2);
/// What was heard so long after the last sound counts as heard to its end.
constexpr std::size_t kRingOutSamples = samples_of(0.12);
/// A window shorter than this is not worth a cut.
constexpr std::size_t kShortWindow = samples_of(1.6);
/// Known words that stay in the window: they tell where the new ones begin.
constexpr std::size_t kAnchors = 2;
constexpr double kAnchorSeconds = 0.4;
/// How far word times may be off, when a quiet place is looked for between two words.
constexpr double kTimeSlack = 0.15;
/// Loudness of a good cut relative to loud speech; in a long window any dip will do.
constexpr float kGoodDip = 0.1F;
constexpr float kFairDip = 0.3F;
constexpr std::size_t kLongWindow = samples_of(4);
/// Beyond this the window is cut whether passes agree or not.
constexpr std::size_t kLongestWindow = samples_of(10);
/// A forced cut leaves the last words open.
constexpr double kOpenSeconds = 2;
/// What a whole check hears: Whisper takes a little more at once.
constexpr std::size_t kWholeSamples = samples_of(25);
constexpr std::size_t kDropSamples = samples_of(5);
/// A word below this needs three passes that agree.
constexpr float kSureProbability = 0.6F;
/// One word below this, and the final text is checked.
constexpr float kLeastProbability = 0.5F;
/// Words this near to the end may be cut off, or be heard otherwise once the next one is.
constexpr double kRightContextSeconds = 0.4;
/// So many passes in a row may not find what is known; then the likeliest place is taken.
constexpr int kDoubtfulPasses = 2;
/// Of less than this Whisper may be quite sure of a wrong language: half a second of "What happens" was Thai, and all
/// that followed was then heard as Thai, which is not at all.
constexpr std::size_t kLeastForLanguage = samples_of(1.5);
/// A language is kept when Whisper is this sure of it, or after so much speech.
constexpr float kSureLanguage = 0.8F;
constexpr float kLikelyLanguage = 0.5F;
constexpr std::size_t kLanguageSamples = samples_of(3);

struct Cut {
  std::size_t sample = 0;
  std::size_t unit = 0;  ///< first stable unit behind it
};

/// The end of the utterance as it was when a pass began.
struct Heard {
  std::vector<float> samples;
  std::size_t begin = 0;  ///< of samples, in the utterance
  std::size_t end = 0;
  LoudnessRange range;

  std::span<const float> from(std::size_t sample) const {
    return std::span<const float>(samples).subspan(std::clamp(sample, begin, end) - begin);
  }
};

bool is_auto(const std::string& language) {
  return language.empty() || to_lower_ascii(language) == "auto";
}

std::string punctuation_of(const Unit& unit) {
  return unit.text.substr(without_punctuation(unit.text));
}

bool is_unsure(std::span<const Unit> units) {
  const auto least = std::min_element(units.begin(), units.end(),
                                      [](const Unit& a, const Unit& b) { return a.probability < b.probability; });
  return least != units.end() && least->probability < kLeastProbability;
}

float mean_probability(std::span<const Unit> units) {
  float sum = 0;
  for (const Unit& unit : units)
    sum += unit.probability;
  return units.empty() ? 0.0F : sum / static_cast<float>(units.size());
}

}  // namespace

struct StreamingTranscriber::State {
  State(SttEngine& engine_in, StreamingOptions options_in) : engine(engine_in), options(std::move(options_in)) {}

  SttEngine& engine;
  StreamingOptions options;

  std::mutex mutex;
  std::vector<float> kept;    // guarded by mutex; the utterance from kept_from on
  std::size_t kept_from = 0;  // guarded by mutex

  // What follows belongs to the thread that decodes.
  std::string language;
  std::string stable_text;
  std::vector<Unit> stable;
  std::vector<Cut> cuts{Cut{}};   // ascending; the last is where the window begins
  int doubtful_passes = 0;        // in a row
  std::size_t barred = 0;         // no cut before or at this unit: it went wrong
  std::vector<Unit> last_tail;    // behind the stable units, of the last pass that counts for agreement
  std::size_t last_tail_end = 0;  // what that pass had heard
  Hypothesis last;
  std::size_t last_end = 0;  // what the last pass of any kind had heard; 0: none
  bool unsure = false;       // about `last`

  struct Pass {
    std::vector<Unit> tail;   // behind the stable units
    std::string punctuation;  // behind the last stable unit
    bool clean = true;
    bool refused = false;
    double engine_ms = 0;
  };

  Heard listen(std::size_t from);
  Result<Pass> run(const Heard& heard, const Cut& cut, DecodeKind kind, bool thorough, const StopToken& stop);
  void learn_language(const Transcript& transcript, std::size_t samples);
  bool covers(const Heard& heard) const;
  bool is_settled(const Pass& pass);
  std::size_t count_agreed(Pass& pass, const Heard& heard) const;
  void agree(Pass& pass, const Heard& heard);
  void make_stable(std::span<const Unit> units, const std::string& punctuation);
  void move_cut(const Heard& heard);
  void bound_window(const Heard& heard);
  void drop_audio(std::size_t end);
  Hypothesis hypothesis_of(const Pass& pass, const Heard& heard) const;
  Result<void> hear_tail(const Heard& heard, DecodeKind kind, const StopToken& stop);
  Result<void> check_whole(const StopToken& stop);
  void forget();
};

Heard StreamingTranscriber::State::listen(std::size_t from) {
  Heard heard;
  {
    const std::lock_guard lock(mutex);
    heard.end = kept_from + kept.size();
    heard.begin = std::max(kept_from, std::min(from, heard.end - std::min(heard.end, kRangeSamples)));
    heard.samples.assign(kept.begin() + static_cast<std::ptrdiff_t>(heard.begin - kept_from), kept.end());
  }
  heard.range = loudness_range(heard.samples);
  return heard;
}

bool StreamingTranscriber::State::covers(const Heard& heard) const {
  return last_end > kRingOutSamples && is_quiet(heard.from(last_end - kRingOutSamples), heard.range);
}

void StreamingTranscriber::State::learn_language(const Transcript& transcript, std::size_t samples) {
  if (!language.empty() || transcript.segments.empty() || samples < kLeastForLanguage) return;
  const float sure = samples >= kLanguageSamples ? kLikelyLanguage : kSureLanguage;
  if (transcript.language_probability >= sure) language = transcript.language;
}

Result<StreamingTranscriber::State::Pass> StreamingTranscriber::State::run(const Heard& heard, const Cut& cut,
                                                                           DecodeKind kind, bool thorough,
                                                                           const StopToken& stop) {
  SttRequest request;
  request.language = language;
  request.likely_language = options.likely_language;
  // Not what was said before: it costs more than it helps (docs/latency.md).
  request.prompt = options.prompt;
  request.word_timestamps = true;
  request.priority = kind == DecodeKind::kPartial ? SttPriority::kPartial : SttPriority::kLive;
  // Where nothing is certain yet it may be no speech at all, and Whisper would make words up.
  request.use_vad = thorough && stable.empty();
  request.trusted_speech = !stable.empty();
  request.quick = !thorough;
  const std::span<const float> window = heard.from(cut.sample);
  MORGAN_TRY(const Transcript transcript, engine.transcribe(audio::PcmView(window, audio::kSpeechRate), request, stop));
  learn_language(transcript, window.size());
  last.language = language.empty() ? transcript.language : language;
  const std::vector<Unit> units = units_of(transcript, seconds_of(cut.sample));
  const std::span<const Unit> anchors = std::span<const Unit>(stable).subspan(cut.unit);
  const Alignment place = align_units(anchors, units);
  Pass pass;
  pass.refused = transcript.refused;
  pass.engine_ms = transcript.engine_seconds * 1000;
  pass.clean = place.clean;
  pass.tail.assign(units.begin() + static_cast<std::ptrdiff_t>(place.end), units.end());
  if (place.end > 0 && !anchors.empty() && units[place.end - 1].key == anchors.back().key) {
    pass.punctuation = punctuation_of(units[place.end - 1]);
  }
  return pass;
}

void StreamingTranscriber::State::make_stable(std::span<const Unit> units, const std::string& punctuation) {
  if (units.empty()) return;
  stable_text += punctuation;
  std::size_t begin = 0;
  for (const Unit& unit : units) {
    const bool first = stable_text.empty() && unit.text.starts_with(' ');
    begin = stable_text.size();
    stable_text += first ? unit.text.substr(1) : unit.text;
    stable.push_back(unit);
  }
  // What stands behind the last word shows only when the next one is known.
  stable_text.resize(begin + without_punctuation(std::string_view(stable_text).substr(begin)));
}

bool StreamingTranscriber::State::is_settled(const Pass& pass) {
  if (pass.clean) {
    doubtful_passes = 0;
    return true;
  }
  ++doubtful_passes;
  if (doubtful_passes == 1 && cuts.size() > 1) {
    // The window began inside a word, or Whisper went astray: back to the one before.
    barred = cuts.back().unit;
    cuts.pop_back();
  }
  return doubtful_passes > kDoubtfulPasses;
}

std::size_t StreamingTranscriber::State::count_agreed(Pass& pass, const Heard& heard) const {
  const std::size_t same = common_units(last_tail, pass.tail);
  for (std::size_t i = 0; i < same; ++i)
    pass.tail[i].seen = last_tail[i].seen + 1;
  const double settled = seconds_of(heard.end) - kRightContextSeconds;
  std::size_t agreed = 0;
  while (agreed < same && pass.tail[agreed].end_seconds <= settled &&
         (pass.tail[agreed].seen > 2 || pass.tail[agreed].probability >= kSureProbability))
    ++agreed;
  return agreed;
}

void StreamingTranscriber::State::agree(Pass& pass, const Heard& heard) {
  if (!is_settled(pass) || language.empty() || heard.end < last_tail_end + kNewSamples) return;
  if (const std::size_t agreed = count_agreed(pass, heard); agreed > 0) {
    make_stable(std::span<const Unit>(pass.tail).first(agreed), pass.punctuation);
    pass.punctuation = punctuation_of(pass.tail[agreed - 1]);
    pass.tail.erase(pass.tail.begin(), pass.tail.begin() + static_cast<std::ptrdiff_t>(agreed));
  }
  last_tail = pass.tail;
  last_tail_end = heard.end;
  move_cut(heard);
}

void StreamingTranscriber::State::move_cut(const Heard& heard) {
  const Cut current = cuts.back();
  const std::size_t length = heard.end - current.sample;
  if (length < kShortWindow) return;
  const float dip = length < kLongWindow ? kGoodDip : kFairDip;
  for (std::size_t unit = stable.size(); unit > std::max(current.unit, barred) + 1;) {
    --unit;
    const bool enough =
        stable.size() - unit >= kAnchors && stable.back().end_seconds - stable[unit].begin_seconds >= kAnchorSeconds;
    if (!enough) continue;
    const double between_begin = stable[unit - 1].end_seconds - kTimeSlack;
    const double between_end = std::max(stable[unit].begin_seconds, stable[unit - 1].end_seconds) + kTimeSlack;
    const std::size_t begin = std::max(samples_of(std::max(0.0, between_begin)), current.sample);
    const std::size_t end = std::min(samples_of(between_end), heard.end);
    if (begin < heard.begin || begin >= end) return;
    const QuietPlace place =
        quietest_place(heard.from(heard.begin), begin - heard.begin, end - heard.begin, heard.range);
    if (place.loudness > dip) continue;
    cuts.push_back({heard.begin + place.at, unit});
    return;
  }
}

void StreamingTranscriber::State::bound_window(const Heard& heard) {
  if (heard.end - cuts.back().sample <= kLongestWindow) return;
  // Passes agree on nothing: what the last one said before a quiet place is taken as it is.
  const std::size_t end = heard.end - samples_of(kOpenSeconds) - heard.begin;
  const QuietPlace place = quietest_place(heard.from(heard.begin), end - samples_of(kOpenSeconds), end, heard.range);
  const double limit = seconds_of(heard.begin + place.at);
  const auto open =
      std::find_if(last_tail.begin(), last_tail.end(), [limit](const Unit& unit) { return unit.end_seconds > limit; });
  make_stable(std::span<const Unit>(last_tail.begin(), open), "");
  last_tail.clear();
  cuts.push_back({heard.begin + place.at, stable.size()});
}

void StreamingTranscriber::State::drop_audio(std::size_t end) {
  // The first cut is kept from which a whole check may begin.
  while (cuts.size() > 1 && end - cuts.front().sample > kWholeSamples)
    cuts.erase(cuts.begin());
  const std::size_t needed = cuts.front().sample;
  const std::lock_guard lock(mutex);
  if (needed < kept_from + kDropSamples) return;
  kept.erase(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(needed - kept_from));
  kept_from = needed;
}

Hypothesis StreamingTranscriber::State::hypothesis_of(const Pass& pass, const Heard& heard) const {
  Hypothesis hypothesis;
  hypothesis.stable_bytes = stable_text.size();
  hypothesis.text = stable_text + pass.punctuation + text_of(pass.tail);
  if (stable_text.empty()) hypothesis.text = std::string(trim(hypothesis.text));
  hypothesis.language = last.language;
  hypothesis.language_known = !language.empty();
  hypothesis.heard_samples = heard.end;
  hypothesis.engine_ms = pass.engine_ms;
  const std::size_t units = stable.size() + pass.tail.size();
  const float sum = mean_probability(stable) * static_cast<float>(stable.size()) +
                    mean_probability(pass.tail) * static_cast<float>(pass.tail.size());
  hypothesis.confidence = units == 0 ? 0.0F : sum / static_cast<float>(units);
  return hypothesis;
}

Result<void> StreamingTranscriber::State::hear_tail(const Heard& heard, DecodeKind kind, const StopToken& stop) {
  MORGAN_TRY(Pass pass, run(heard, cuts.back(), kind, false, stop));
  double engine_ms = pass.engine_ms;
  if ((pass.refused || !pass.clean) && kind != DecodeKind::kPartial && cuts.size() > 1) {
    // With more of what was said before, Whisper finds its way again, and what is known is found: else words are
    // doubled.
    const Cut& before = cuts[cuts.size() - 2];
    MORGAN_TRY(Pass again, run(listen(before.sample), before, kind, false, stop));
    engine_ms += again.engine_ms;
    if (pass.refused || again.clean) pass = std::move(again);
  }
  if (pass.refused) {
    // Nothing is known of the tail but what the last pass said.
    pass = Pass{last_tail, "", false, true, 0};
  } else if (kind == DecodeKind::kPartial) {
    agree(pass, heard);
  }
  if (kind == DecodeKind::kPartial) {
    const std::size_t before = stable.size();
    bound_window(heard);
    if (stable.size() > before) pass = Pass{last_tail, "", false, true, 0};
    drop_audio(heard.end);
  }
  last = hypothesis_of(pass, heard);
  last.engine_ms = engine_ms;
  last.checked_whole = cuts.back().sample == 0;
  last_end = pass.refused ? 0 : heard.end;
  unsure = pass.refused || !pass.clean || is_unsure(pass.tail);
  return {};
}

Result<void> StreamingTranscriber::State::check_whole(const StopToken& stop) {
  const Cut cut = cuts.front();
  const Heard heard = listen(cut.sample);
  MORGAN_TRY(const Pass pass, run(heard, cut, DecodeKind::kFinal, true, stop));
  const double before = last.engine_ms;
  if (pass.clean || stable.empty()) last = hypothesis_of(pass, heard);
  last.engine_ms = before + pass.engine_ms;
  last.checked_whole = cut.sample == 0;
  last_end = heard.end;
  unsure = false;
  return {};
}

void StreamingTranscriber::State::forget() {
  stable_text.clear();
  stable.clear();
  cuts.assign(1, Cut{});
  barred = 0;
  doubtful_passes = 0;
  last_tail.clear();
  last_tail_end = 0;
  last = {};
  last.language = language;
  last_end = 0;
  unsure = false;
}

StreamingTranscriber::StreamingTranscriber(SttEngine& engine, StreamingOptions options)
    : state_(std::make_unique<State>(engine, std::move(options))) {
  if (!is_auto(state_->options.language)) state_->language = state_->options.language;
}

StreamingTranscriber::~StreamingTranscriber() = default;

Result<void> StreamingTranscriber::push(std::span<const float> samples) {
  const std::lock_guard lock(state_->mutex);
  if (state_->kept_from + state_->kept.size() + samples.size() > samples_of(kMaxSeconds)) {
    return fail(ErrorCode::kTooLarge, "the utterance is longer than " + std::to_string(static_cast<int>(kMaxSeconds)) +
                                          " s; begin another one");
  }
  state_->kept.insert(state_->kept.end(), samples.begin(), samples.end());
  return {};
}

std::size_t StreamingTranscriber::samples() const {
  const std::lock_guard lock(state_->mutex);
  return state_->kept_from + state_->kept.size();
}

Result<Hypothesis> StreamingTranscriber::decode(DecodeKind kind, const StopToken& stop) {
  State& state = *state_;
  const Heard heard = state.listen(state.cuts.back().sample);
  if (heard.end == 0) return state.last;
  if (state.covers(heard)) {
    state.last.heard_samples = heard.end;
    state.last.engine_ms = 0;
  } else {
    MORGAN_CHECK_OK(state.hear_tail(heard, kind, stop));
  }
  if (kind == DecodeKind::kFinal && state.unsure) MORGAN_CHECK_OK(state.check_whole(stop));
  return state.last;
}

void StreamingTranscriber::reset() {
  const std::lock_guard lock(state_->mutex);
  state_->kept.clear();
  state_->kept_from = 0;
  state_->forget();
}

}  // namespace morgan::engines
