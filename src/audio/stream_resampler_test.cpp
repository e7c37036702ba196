#include "audio/stream_resampler.h"

#include "audio/audio_test_signals.h"
#include "audio/resampler.h"

#include <gtest/gtest.h>

namespace morgan::audio {
namespace {

constexpr std::pair<int, int> kPairs[] = {{48000, 16000}, {44100, 16000}, {24000, 16000}, {8000, 16000},
                                          {22050, 24000}, {22050, 48000}, {24000, 48000}, {16000, 16000},
                                          {11025, 16000}, {32000, 16000}};

std::vector<float> streamed(int from, int to, std::span<const float> samples, std::size_t most) {
  auto stream = StreamResampler::create(from, to);
  EXPECT_TRUE(stream);
  std::vector<float> out;
  for (std::size_t size = 1; !samples.empty(); size = size * 7 % most + 1) {
    const auto made = stream->push(samples.first(std::min(size, samples.size())));
    out.insert(out.end(), made.begin(), made.end());
    samples = samples.subspan(std::min(size, samples.size()));
  }
  const auto rest = stream->flush();
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

/// How far a converted sine is from the same sine made at the new rate, in dB; edges left out.
double noise_db(int from, int to, double hertz) {
  const auto out = streamed(from, to, sine(hertz, 0.5, from).samples, 997);
  const auto ideal = sine(hertz, 0.5, to).samples;
  std::vector<float> difference;
  const std::size_t edge = static_cast<std::size_t>(to) / 50;
  for (std::size_t i = edge; i + edge < std::min(out.size(), ideal.size()); ++i)
    difference.push_back(out[i] - ideal[i]);
  return 20 * std::log10(rms(difference) / rms(ideal) + 1e-9);
}

TEST(StreamResampler, KeepsTheSignalAndItsTime) {
  for (const auto& [from, to] : kPairs) {
    EXPECT_LT(noise_db(from, to, 440), -65) << from << " to " << to;
    EXPECT_LT(noise_db(from, to, 0.85 * std::min(from, to) / 2), -38) << from << " to " << to;
    EXPECT_EQ(streamed(from, to, std::vector<float>(static_cast<std::size_t>(from)), 500).size(),
              static_cast<std::size_t>(to));
  }
}

TEST(StreamResampler, RemovesWhatTheLowerRateCannotHold) {
  for (const auto& [from, to] : {std::pair{48000, 16000}, {44100, 16000}, {24000, 16000}}) {
    const auto out = streamed(from, to, sine(1.16 * to / 2, 0.5, from).samples, 997);
    EXPECT_LT(rms(std::span(out).subspan(out.size() / 10, out.size() * 8 / 10)), 0.5 * 0.707 * 3.2e-4)
        << from << " to " << to;
  }
}

TEST(StreamResampler, ChunksNeverChangeTheSamples) {
  const auto source = sine(700, 0.3, 44100).samples;
  const auto whole = streamed(44100, 16000, source, 1'000'000);
  for (const std::size_t most : {2U, 13U, 882U})
    EXPECT_EQ(streamed(44100, 16000, source, most), whole) << most;
}

TEST(StreamResampler, HoldsBackNoMoreThanItSays) {
  for (const auto& [from, to] : kPairs) {
    auto stream = StreamResampler::create(from, to);
    ASSERT_TRUE(stream);
    EXPECT_LE(static_cast<double>(stream->delay_samples()) / to, 0.0025) << from << " to " << to;
    std::size_t pushed = 0;
    std::size_t made = 0;
    const std::vector<float> frame(static_cast<std::size_t>(from) / 100);
    for (int i = 0; i < 50; ++i) {
      made += stream->push(frame).size();
      pushed += frame.size();
      EXPECT_GE(static_cast<double>(made + stream->delay_samples() + 1),
                static_cast<double>(pushed) * to / static_cast<double>(from));
    }
  }
}

TEST(StreamResampler, AFlushedStreamBeginsAnew) {
  const auto source = sine(440, 0.1, 48000).samples;
  auto stream = StreamResampler::create(48000, 16000);
  ASSERT_TRUE(stream);
  const auto round = [&] {
    auto out = stream->push(source);
    const auto rest = stream->flush();
    out.insert(out.end(), rest.begin(), rest.end());
    return out;
  };
  const auto first = round();
  EXPECT_EQ(round(), first);
}

TEST(StreamResampler, RefusesRatesThatNoMicrophoneHas) {
  EXPECT_EQ(StreamResampler::create(4000, 16000).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(StreamResampler::create(16000, 96000).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace morgan::audio
