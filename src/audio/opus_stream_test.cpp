#include "audio/opus_stream.h"

#include "audio/audio_test_signals.h"
#include "audio/media_decoder.h"
#include "base/file.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

namespace morgan::audio {
namespace {

std::unique_ptr<OpusStreamEncoder> encoder_at(int rate) {
  auto encoder = OpusStreamEncoder::create(rate);
  EXPECT_TRUE(encoder) << encoder.error().message;
  return std::move(*encoder);
}

std::vector<std::string> encoded(OpusStreamEncoder& encoder, std::span<const float> samples, std::size_t chunk) {
  std::vector<std::string> packets;
  const auto take = [&packets](Result<std::vector<std::string>> made) {
    ASSERT_TRUE(made) << made.error().message;
    packets.insert(packets.end(), made->begin(), made->end());
  };
  for (; !samples.empty(); samples = samples.subspan(std::min(chunk, samples.size())))
    take(encoder.push(samples.first(std::min(chunk, samples.size()))));
  take(encoder.flush());
  return packets;
}

std::vector<float> decoded(const std::vector<std::string>& packets, int rate) {
  auto decoder = OpusStreamDecoder::create(rate);
  EXPECT_TRUE(decoder);
  std::vector<float> out;
  for (const std::string& packet : packets) {
    const auto samples = (*decoder)->decode(packet);
    EXPECT_TRUE(samples) << samples.error().message;
    if (samples) out.insert(out.end(), samples->begin(), samples->end());
  }
  return out;
}

/// Real speech at a rate, or a chord where there is none.
std::vector<float> speech(int rate) {
  const char* folder = std::getenv("MORGAN_TEST_AUDIO");
  if (folder != nullptr) {
    const auto bytes = read_file(std::string(folder) + "/jfk.wav", 10'000'000);
    if (bytes) {
      auto pcm = decode_media(*bytes, rate);
      if (pcm) return std::move(pcm->samples);
    }
  }
  auto chord = sine(220, 3, rate, 0.2F).samples;
  const auto upper = sine(660, 3, rate, 0.1F).samples;
  for (std::size_t i = 0; i < chord.size(); ++i)
    chord[i] += upper[i];
  return chord;
}

/// Signal to noise in dB once the decoder's delay is taken off.
double snr_db(std::span<const float> original, std::span<const float> heard, std::size_t delay) {
  double signal = 0;
  double noise = 0;
  for (std::size_t i = 0; i < original.size() && i + delay < heard.size(); ++i) {
    signal += static_cast<double>(original[i]) * original[i];
    const double difference = static_cast<double>(heard[i + delay]) - original[i];
    noise += difference * difference;
  }
  return 10 * std::log10(signal / (noise + 1e-12));
}

TEST(OpusStream, SpeechComesBackAtEveryRate) {
  for (const int rate : {8000, 12000, 16000, 24000, 48000}) {
    const auto original = speech(rate);
    const auto encoder = encoder_at(rate);
    const auto packets = encoded(*encoder, original, 441);
    const auto heard = decoded(packets, rate);
    EXPECT_GE(heard.size(), original.size() + encoder->delay_samples()) << rate;
    EXPECT_LT(heard.size(), original.size() + encoder->delay_samples() + static_cast<std::size_t>(rate) / 50) << rate;
    EXPECT_GT(snr_db(original, heard, encoder->delay_samples()), 6) << rate;
    EXPECT_LT(static_cast<double>(encoder->delay_samples()) / rate, 0.01);
    std::size_t bytes = 0;
    for (const std::string& packet : packets)
      bytes += packet.size();
    EXPECT_LT(static_cast<double>(bytes) * 8 / (static_cast<double>(original.size()) / rate), 40'000) << rate;
  }
}

TEST(OpusStream, ATonePassesClean) {
  const auto original = sine(440, 1, 16000, 0.3F).samples;
  const auto encoder = encoder_at(16000);
  const auto heard = decoded(encoded(*encoder, original, 320), 16000);
  EXPECT_GT(snr_db(original, heard, encoder->delay_samples()), 12);
}

TEST(OpusStream, ChunksNeverChangeThePackets) {
  const auto samples = speech(16000);
  const auto part = std::span(samples).first(20'000);
  const auto whole = encoded(*encoder_at(16000), part, part.size());
  EXPECT_EQ(whole.size(), (part.size() + 104) / 320 + 1);
  for (const std::size_t chunk : {1U, 159U, 320U, 4801U})
    EXPECT_EQ(encoded(*encoder_at(16000), part, chunk), whole) << chunk;
}

TEST(OpusStream, ConcealsWhatIsLost) {
  const auto original = sine(300, 1, 16000, 0.3F).samples;
  const auto packets = encoded(*encoder_at(16000), original, 320);
  auto decoder = OpusStreamDecoder::create(16000);
  ASSERT_TRUE(decoder);
  for (int i = 0; i < 20; ++i)
    ASSERT_TRUE((*decoder)->decode(packets[static_cast<std::size_t>(i)]));
  const auto first = (*decoder)->conceal();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->size(), 320U);
  EXPECT_GT(rms(*first), 0.1);
  for (int i = 0; i < 30; ++i)
    ASSERT_TRUE((*decoder)->conceal());
  EXPECT_LT(rms(*(*decoder)->conceal()), 0.01);
  EXPECT_TRUE((*decoder)->decode(packets[21]));
}

TEST(OpusStream, RefusesWhatIsNoPacketAndGoesOn) {
  auto decoder = OpusStreamDecoder::create(16000);
  ASSERT_TRUE(decoder);
  const auto packets = encoded(*encoder_at(16000), sine(300, 0.2, 16000).samples, 320);
  const std::string seven_times_twenty = std::string("\x4B\x07", 2) + std::string(700, 'x');
  for (const std::string& bad : {std::string(), std::string("\xFF"), std::string("\x4B"), seven_times_twenty,
                                 std::string(100'000, '\0'), std::string("\x03\x00", 2)}) {
    const auto refused = (*decoder)->decode(bad);
    ASSERT_FALSE(refused) << bad.size();
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(refused.error().reason, "INVALID_AUDIO");
    EXPECT_TRUE((*decoder)->decode(packets[0]));
  }
}

TEST(OpusStream, RandomPacketsGiveSamplesOrAnError) {
  auto decoder = OpusStreamDecoder::create(48000);
  ASSERT_TRUE(decoder);
  std::mt19937 random(5);
  std::size_t taken = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string packet(random() % 200 + 1, '\0');
    for (char& byte : packet)
      byte = static_cast<char>(random());
    const auto samples = (*decoder)->decode(packet);
    if (!samples) continue;
    ++taken;
    ASSERT_LE(samples->size(), 48000U * 120 / 1000);
    for (const float sample : *samples)
      ASSERT_TRUE(sample >= -1 && sample <= 1);
  }
  EXPECT_GT(taken, 100U);
}

TEST(OpusStream, SamplesThatAreNoNumbersAreSilence) {
  const auto encoder = encoder_at(16000);
  std::vector<float> samples(3200, std::nanf(""));
  samples[7] = INFINITY;
  EXPECT_LT(rms(decoded(encoded(*encoder, samples, 320), 16000)), 0.001);
}

TEST(OpusStream, RefusesOtherRates) {
  EXPECT_EQ(OpusStreamEncoder::create(22050).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(OpusStreamDecoder::create(44100).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(OpusStreamEncoder::create(16000, {.bits_per_second = 1}).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace morgan::audio
