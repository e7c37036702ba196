#include "audio/resampler.h"

#include <fmt/format.h>
#include <soxr.h>

#include <cmath>
#include <cstddef>
#include <memory>
#include <utility>

namespace morgan::audio {
namespace {

constexpr int kLeastRate = 1'000;
constexpr int kMostRate = 384'000;
/// Samples handed to soxr at once, so that its buffers stay small whatever the caller pushes.
constexpr std::size_t kBlock = 1 << 16;

struct SoxrDeleter {
  void operator()(soxr* stream) const { soxr_delete(stream); }
};

class SameRate final : public Resampler {
 public:
  std::vector<float> push(std::span<const float> samples) override { return {samples.begin(), samples.end()}; }
  std::vector<float> finish() override { return {}; }
};

class SoxrResampler final : public Resampler {
 public:
  SoxrResampler(soxr_t stream, double ratio) : stream_(stream), ratio_(ratio) {}

  std::vector<float> push(std::span<const float> samples) override {
    std::vector<float> out;
    out.reserve(expected(samples.size()));
    while (!samples.empty()) {
      const auto block = samples.first(std::min(kBlock, samples.size()));
      std::size_t used = 0;
      if (!process(block.data(), block.size(), expected(block.size()), out, &used)) break;
      samples = samples.subspan(used);
    }
    return out;
  }

  std::vector<float> finish() override {
    std::vector<float> out;
    while (process(nullptr, 0, kBlock, out, nullptr)) {
    }
    return out;
  }

 private:
  std::size_t expected(std::size_t count) const {
    return static_cast<std::size_t>(std::ceil(static_cast<double>(count) * ratio_)) + 64;
  }

  /// @return false when nothing moved, neither in nor out
  bool process(const float* in, std::size_t count, std::size_t room, std::vector<float>& out, std::size_t* used) {
    const std::size_t before = out.size();
    out.resize(before + room);
    std::size_t made = 0;
    soxr_process(stream_.get(), in, count, used, out.data() + before, room, &made);
    out.resize(before + made);
    return made > 0 || (used != nullptr && *used > 0);
  }

  std::unique_ptr<soxr, SoxrDeleter> stream_;
  double ratio_;
};

}  // namespace

Result<std::unique_ptr<Resampler>> Resampler::create(int from_hz, int to_hz) {
  for (const int rate : {from_hz, to_hz}) {
    if (rate < kLeastRate || rate > kMostRate) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("sample rate {} Hz is outside {}..{} Hz", rate, kLeastRate, kMostRate));
    }
  }
  if (from_hz == to_hz) return std::unique_ptr<Resampler>(std::make_unique<SameRate>());
  const auto io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
  const auto quality = soxr_quality_spec(SOXR_HQ, 0);
  const auto runtime = soxr_runtime_spec(1);
  soxr_error_t error = nullptr;
  soxr_t stream = soxr_create(from_hz, to_hz, 1, &error, &io, &quality, &runtime);
  if (stream == nullptr || error != nullptr) {
    if (stream != nullptr) soxr_delete(stream);
    return fail(ErrorCode::kInternal, fmt::format("soxr cannot convert {} Hz to {} Hz: {}", from_hz, to_hz,
                                                  error != nullptr ? error : "unknown reason"));
  }
  return std::unique_ptr<Resampler>(std::make_unique<SoxrResampler>(stream, static_cast<double>(to_hz) / from_hz));
}

Result<PcmBuffer> resample(PcmView pcm, int to_hz) {
  MORGAN_TRY(const auto resampler, Resampler::create(pcm.rate_hz, to_hz));
  PcmBuffer out{resampler->push(pcm.samples), to_hz};
  const auto rest = resampler->finish();
  out.samples.insert(out.samples.end(), rest.begin(), rest.end());
  return out;
}

}  // namespace morgan::audio
