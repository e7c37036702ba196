#include "dialogue/live/live_service.h"

#include "base/log.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>

namespace morgan::dialogue::live {

namespace {

constexpr std::size_t kStrandThreads = 2;
/// Each answer that is being made holds two, each transcription one, each write one.
constexpr std::size_t kBlockingThreads = 256;
constexpr std::size_t kBlockingWaiting = 512;
/// Of all cores, what listening may take: the rest is for answering.
constexpr double kListeningShare = 0.35;
constexpr int kMeasuredFrames = 60;
/// Decoding, resampling, levels and the echo's guard, as a share of Silero's time; measured in docs/latency.md.
constexpr double kOtherWork = 0.5;

/// Counts down when the last copy goes.
std::shared_ptr<void> counted(std::atomic<std::size_t>& counter) {
  return std::shared_ptr<void>(&counter,
                               [](void* pointer) { static_cast<std::atomic<std::size_t>*>(pointer)->fetch_sub(1); });
}

bool count_up(std::atomic<std::size_t>& counter, std::size_t most) {
  std::size_t seen = counter.load();
  while (seen < most) {
    if (counter.compare_exchange_weak(seen, seen + 1)) return true;
  }
  return false;
}

}  // namespace

LiveService::LiveService(LiveParts parts, LiveServiceOptions options, Metrics* metrics)
    : parts_(std::move(parts)),
      options_(options),
      pool_(runtime::BlockingPool::create(kBlockingThreads, kBlockingWaiting)),
      strands_(runtime::StrandPool::create(kStrandThreads)) {
  parts_.pool = pool_.get();
  parts_.metrics = metrics;
  parts_.log = &log_;
  if (!parts_.options.recordings.empty()) {
    recorder_ = std::make_unique<TurnRecorder>(parts_.options.recordings, *pool_);
    parts_.recorder = recorder_.get();
  }
  max_streams_ = options_.max_streams > 0 ? options_.max_streams : measured_streams(*parts_.vad);
}

LiveService::~LiveService() {
  stop();
}

std::size_t LiveService::measured_streams(engines::VadEngine& vad) {
  const auto stream = vad.open();
  std::vector<float> frame(engines::VadEngine::kFrameSamples);
  for (std::size_t i = 0; i < frame.size(); ++i)
    frame[i] = 0.1F * static_cast<float>(static_cast<int>(i * 7919 % 200) - 100) / 100.0F;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kMeasuredFrames; ++i) {
    if (!stream->push(frame)) return 1;
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const double audio = kMeasuredFrames * static_cast<double>(frame.size()) / audio::kSpeechRate;
  const double share = seconds / audio * (1 + kOtherWork);
  const double cores = std::max(1U, std::thread::hardware_concurrency());
  return std::max<std::size_t>(1, static_cast<std::size_t>(cores * kListeningShare / share));
}

std::shared_ptr<runtime::Strand> LiveService::make_strand() {
  return strands_->make_strand();
}

Result<std::shared_ptr<LiveSession>> LiveService::open(std::shared_ptr<runtime::Strand> strand, LiveConfig config,
                                                       const std::string& id, LiveOutput* output,
                                                       std::shared_ptr<LiveMemory> memory) {
  if (!count_up(sessions_, options_.max_sessions)) {
    return fail(ErrorCode::kOverloaded, fmt::format("there are {} conversations, no more are taken (live.max_sessions)",
                                                    options_.max_sessions));
  }
  auto count = counted(sessions_);
  const bool own_memory = memory == nullptr;
  const std::string user_id = config.user_id;
  if (options_.on_open) options_.on_open(user_id, config.language);
  auto session = std::make_shared<LiveSession>(parts_, strand, std::move(config), id, output, std::move(memory));
  session->start();
  if (own_memory) {
    const std::scoped_lock lock(open_mutex_);
    std::erase_if(open_, [](const Open& other) { return other.session.expired(); });
    open_.push_back({session->config().user_id, std::move(strand), session, session->can_be_told()});
  }
  // The session and its place are given up together.
  const auto begin = std::chrono::steady_clock::now();
  return std::shared_ptr<LiveSession>(
      session.get(), [session, count, user_id, begin, on_close = options_.on_close](LiveSession*) mutable {
        session.reset();
        count.reset();
        if (on_close)
          on_close(user_id, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
      });
}

Result<std::shared_ptr<void>> LiveService::open_stream() {
  if (count_up(streams_, max_streams_)) return counted(streams_);
  parts_.metrics->count("morgan_live_refused_total", {{"why", "streams"}});
  return fail(
      ErrorCode::kOverloaded,
      fmt::format("{} microphones are being listened to, one more would make the others miss frames", max_streams_));
}

std::size_t LiveService::announce(const std::string& user_id, const Announcement& announcement) {
  const std::scoped_lock lock(open_mutex_);
  std::size_t told = 0;
  for (const Open& open : open_) {
    if (open.user_id != user_id || open.session.expired() || !open.can_be_told->load()) continue;
    ++told;
    open.strand->post([weak = open.session, announcement] {
      if (const auto session = weak.lock()) session->announce(announcement);
    });
  }
  return told;
}

Result<engines::Voice> LiveService::find_voice(const std::string& name) const {
  return parts_.tts->find_voice(name);
}

void LiveService::stop() {
  // Strands first: what they post to the pool is then taken to its end.
  strands_->stop();
  pool_->stop();
}

}  // namespace morgan::dialogue::live
