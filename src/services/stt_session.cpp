#include "services/stt_session.h"

#include "audio/pcm16.h"
#include "base/ids.h"
#include "services/audio_input.h"

#include <algorithm>
#include <array>

namespace morgan::services {

namespace {

constexpr std::size_t samples_of(double seconds) {
  return static_cast<std::size_t>(seconds * audio::kSpeechRate);
}

/// A pass needs so much new audio, and so much time since the last one: it takes about 0.1 s of two cores.
constexpr std::size_t kPassSamples = samples_of(0.3);
constexpr auto kPassEvery = std::chrono::milliseconds(300);
/// Sent faster than it is spoken: the part that is not yet stable must stay short all the same.
constexpr std::size_t kMostUnheard = samples_of(4);
/// What is kept in front of the first speech.
constexpr std::size_t kLeadSamples = samples_of(0.5);
constexpr float kSpeech = 0.4F;
constexpr int kSpeechFrames = 3;

}  // namespace

SttSession::SttSession(std::string id, SttSessionOptions options, engines::SttEngine& stt, engines::VadEngine* vad)
    : id_(std::move(id)),
      options_(std::move(options)),
      stt_(stt),
      stream_(stt, engines::StreamingOptions{options_.language, options_.prompt}),
      vad_(vad != nullptr ? vad->open() : nullptr) {
  last_.language = options_.language;
}

Result<void> SttSession::push_pcm16(std::string_view bytes, int rate_hz) {
  if (bytes.size() % 2 != 0) {
    return fail(
        Error{ErrorCode::kInvalidArgument,
              "PCM16 has two bytes a sample, but an odd number of bytes came (" + std::to_string(bytes.size()) + ")",
              "INVALID_AUDIO", "audio_data"});
  }
  return push(audio::decode_pcm16(bytes, rate_hz > 0 ? rate_hz : options_.rate_hz));
}

Result<void> SttSession::push(const audio::PcmBuffer& pcm) {
  if (pcm.rate_hz == audio::kSpeechRate) return take(pcm.samples);
  if (resampler_rate_ != pcm.rate_hz) {
    MORGAN_TRY(resampler_, audio::Resampler::create(pcm.rate_hz, audio::kSpeechRate));
    resampler_rate_ = pcm.rate_hz;
  }
  return take(resampler_->push(pcm.samples));
}

Result<void> SttSession::take(std::span<const float> samples) {
  heard_ += samples.size();
  if (vad_ != nullptr) return look_for_speech(samples);
  return add(samples);
}

Result<void> SttSession::look_for_speech(std::span<const float> samples) {
  waiting_.insert(waiting_.end(), samples.begin(), samples.end());
  constexpr std::size_t kFrame = engines::VadEngine::kFrameSamples;
  while (speech_frames_ < kSpeechFrames && (frames_ + 1) * kFrame <= waiting_.size()) {
    MORGAN_TRY(const float probability, vad_->push(std::span<const float>(waiting_).subspan(frames_ * kFrame, kFrame)));
    ++frames_;
    speech_frames_ = probability >= kSpeech ? speech_frames_ + 1 : 0;
  }
  if (speech_frames_ >= kSpeechFrames) {
    vad_.reset();
    const std::vector<float> lead = std::exchange(waiting_, {});
    return add(lead);
  }
  const std::size_t seen = frames_ * kFrame;
  if (seen > 2 * kLeadSamples) {
    const std::size_t drop = (seen - kLeadSamples) / kFrame;
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(drop * kFrame));
    frames_ -= drop;
  }
  return {};
}

Result<void> SttSession::add(std::span<const float> samples) {
  constexpr std::size_t kMost = samples_of(engines::StreamingTranscriber::kMaxSeconds);
  while (!samples.empty()) {
    if (stream_.samples() >= kMost) {
      // Ten minutes are one utterance for the transcriber; here they are only a part.
      MORGAN_TRY(const engines::Hypothesis closed, stream_.decode(engines::DecodeKind::kFinal, cancelled()));
      if (!before_.empty() && !closed.text.empty()) before_ += ' ';
      before_ += closed.text;
      stream_.reset();
      passed_ = 0;
    }
    const std::size_t size = std::min({samples.size(), kMostUnheard, kMost - stream_.samples()});
    MORGAN_CHECK_OK(stream_.push(samples.first(size)));
    samples = samples.subspan(size);
    if (stream_.samples() - passed_ < kMostUnheard) continue;
    MORGAN_TRY(const engines::Hypothesis now, stream_.decode(engines::DecodeKind::kPartial, cancelled()));
    last_ = text_of(now);
    passed_ = stream_.samples();
  }
  return {};
}

SessionText SttSession::text_of(const engines::Hypothesis& now) const {
  const std::string_view gap = before_.empty() || now.text.empty() ? "" : " ";
  SessionText text;
  text.text = before_ + std::string(gap) + now.text;
  text.stable_bytes = now.stable_bytes > 0 ? before_.size() + gap.size() + now.stable_bytes : before_.size();
  text.confidence = now.confidence;
  text.language = now.language;
  text.engine_ms = now.engine_ms;
  text.changed = true;
  return text;
}

Result<SessionText> SttSession::partial(const StopToken& stop) {
  const SteadyTime now = std::chrono::steady_clock::now();
  if (stream_.samples() < passed_ + kPassSamples || now < passed_at_ + kPassEvery) {
    last_.changed = false;
    return last_;
  }
  MORGAN_TRY(const engines::Hypothesis heard, stream_.decode(engines::DecodeKind::kPartial, stop));
  passed_ = heard.heard_samples;
  passed_at_ = now;
  last_ = text_of(heard);
  return last_;
}

Result<SessionText> SttSession::finish(const StopToken& stop) {
  if (stream_.samples() > 0) {
    MORGAN_TRY(const engines::Hypothesis heard, stream_.decode(engines::DecodeKind::kFinal, stop));
    last_ = text_of(heard);
  }
  last_.stable_bytes = last_.text.size();
  return last_;
}

SttSessions::SttSessions(engines::SttEngine& stt, engines::VadEngine* vad, std::function<SteadyTime()> now,
                         std::size_t most)
    : stt_(stt), vad_(vad), now_(std::move(now)), most_(most) {}

void SttSessions::drop_idle(SteadyTime now) {
  std::erase_if(sessions_, [now](const auto& item) { return now - item.second.used >= kIdle; });
}

Result<std::shared_ptr<SttSession>> SttSessions::open(std::string id, SttSessionOptions options,
                                                      const std::string& owner) {
  const std::lock_guard lock(mutex_);
  const SteadyTime now = now_();
  drop_idle(now);
  if (id.empty()) id = random_id("stt_");
  if (sessions_.contains(Key(owner, id))) {
    return fail(Error{ErrorCode::kConflict, "there is a session of this id already; end it or choose another id", "",
                      "session_id"});
  }
  if (sessions_.size() >= most_) {
    return fail(ErrorCode::kOverloaded,
                std::to_string(most_) + " transcriptions are being streamed, as many as there may be; try again later");
  }
  auto session = std::make_shared<SttSession>(id, std::move(options), stt_, vad_);
  sessions_.emplace(Key(owner, std::move(id)), Held{session, now, now});
  return session;
}

Result<std::shared_ptr<SttSession>> SttSessions::find(const std::string& id, const std::string& owner) {
  const std::lock_guard lock(mutex_);
  const SteadyTime now = now_();
  drop_idle(now);
  const auto found = sessions_.find(Key(owner, id));
  if (found == sessions_.end()) {
    return fail(ErrorCode::kNotFound, "there is no such session; it has ended, or was idle for 30 minutes");
  }
  found->second.used = now;
  return found->second.session;
}

Result<void> SttSessions::remove(const std::string& id, const std::string& owner) {
  MORGAN_TRY(const std::shared_ptr<SttSession> session, find(id, owner));
  session->cancel();
  const std::lock_guard lock(mutex_);
  sessions_.erase(Key(owner, id));
  return {};
}

std::vector<SttSessions::Entry> SttSessions::list(const std::string& owner) {
  const std::lock_guard lock(mutex_);
  const SteadyTime now = now_();
  drop_idle(now);
  std::vector<Entry> entries;
  for (const auto& [key, held] : sessions_) {
    if (key.first != owner) continue;
    entries.push_back({held.session, std::chrono::duration<double>(now - held.opened).count(),
                       std::chrono::duration<double>(now - held.used).count()});
  }
  return entries;
}

}  // namespace morgan::services
