#include "audio/media_decoder.h"

#include "audio/audio_test_signals.h"
#include "audio/media_encoder.h"
#include "base/file.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <limits>
#include <random>

namespace morgan::audio {
namespace {

void expect_invalid(std::string_view bytes, std::string_view words) {
  const auto decoded = decode_media(bytes, kSpeechRate);
  ASSERT_FALSE(decoded) << words;
  EXPECT_EQ(decoded.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(decoded.error().reason, "INVALID_AUDIO");
  EXPECT_NE(decoded.error().message.find(words), std::string::npos) << decoded.error().message;
}

TEST(MediaDecoder, ReadsEverySampleTypeOfWav) {
  const auto tone = sine(440, 0.5, 16000);
  for (const WavShape shape : {WavShape{.bits = 8}, WavShape{.bits = 16}, WavShape{.bits = 24}, WavShape{.bits = 32},
                               WavShape{.bits = 32, .is_float = true}, WavShape{.bits = 64, .is_float = true}}) {
    const auto decoded = decode_media(wav_file(shape, wav_data(shape, tone)), 16000);
    ASSERT_TRUE(decoded) << shape.bits << decoded.error().message;
    ASSERT_EQ(decoded->samples.size(), tone.samples.size()) << shape.bits;
    EXPECT_NEAR(strength_of(440, *decoded), 0.5, 0.01) << shape.bits;
    EXPECT_NEAR(rms(decoded->samples), 0.3536, 0.01) << shape.bits;
  }
}

TEST(MediaDecoder, ReadsEveryRateAndChannelCount) {
  for (const int rate : {4000, 8000, 11025, 22050, 44100, 48000, 96000, 192000}) {
    for (const int channels : {1, 2, 6}) {
      const WavShape shape{.rate_hz = rate, .channels = channels};
      const auto decoded = decode_media(wav_file(shape, wav_data(shape, sine(440, 0.5, rate))), kSpeechRate);
      ASSERT_TRUE(decoded) << rate << " " << channels << " " << decoded.error().message;
      EXPECT_EQ(decoded->rate_hz, kSpeechRate);
      EXPECT_NEAR(decoded->seconds(), 0.5, 0.001) << rate;
      EXPECT_NEAR(strength_of(440, *decoded), 0.5, 0.01) << rate << " " << channels;
    }
  }
}

TEST(MediaDecoder, AveragesChannels) {
  std::string data;
  for (int i = 0; i < 8000; ++i) {
    append_value(data, std::int16_t{16384});
    append_value(data, std::int16_t{-8192});
  }
  const auto decoded = decode_media(wav_file({.channels = 2}, data), 16000);
  ASSERT_TRUE(decoded);
  EXPECT_NEAR(decoded->samples[4000], 0.125, 1e-4);
}

TEST(MediaDecoder, ReadsItsOwnEncodersBack) {
  const auto tone = sine(440, 2.0, 24000);
  for (const AudioFormat format :
       {AudioFormat::kWav, AudioFormat::kMp3, AudioFormat::kOpus, AudioFormat::kAac, AudioFormat::kFlac}) {
    const auto file = encode_media(format, tone);
    ASSERT_TRUE(file) << to_string(format);
    const auto decoded = decode_media(*file, kSpeechRate);
    ASSERT_TRUE(decoded) << to_string(format) << decoded.error().message;
    EXPECT_NEAR(decoded->seconds(), 2.0, 0.12) << to_string(format);
    EXPECT_NEAR(strength_of(440, *decoded), 0.5, 0.05) << to_string(format);
  }
}

TEST(MediaDecoder, TakesTruncatedFilesAsFarAsTheyGo) {
  const auto tone = sine(440, 2.0, 16000);
  for (const AudioFormat format : {AudioFormat::kWav, AudioFormat::kMp3, AudioFormat::kOpus, AudioFormat::kFlac}) {
    const auto file = encode_media(format, tone);
    ASSERT_TRUE(file);
    const auto decoded = decode_media(std::string_view(*file).substr(0, file->size() / 2), kSpeechRate);
    ASSERT_TRUE(decoded) << to_string(format) << decoded.error().message;
    EXPECT_GT(decoded->seconds(), 0.5) << to_string(format);
    EXPECT_LT(decoded->seconds(), 1.6) << to_string(format);
  }
}

TEST(MediaDecoder, ReadsWavThatLiesAboutItsSize) {
  const auto data = wav_data({}, sine(440, 1.0, 16000));
  for (const std::int64_t claimed : {std::int64_t{0}, std::int64_t{0xFFFFFFFF}, std::int64_t{2'000'000'000}}) {
    const auto decoded = decode_media(wav_file({.claimed_bytes = claimed}, data), 16000);
    ASSERT_TRUE(decoded) << claimed << decoded.error().message;
    EXPECT_NEAR(decoded->seconds(), 1.0, 0.01) << claimed;
  }
}

TEST(MediaDecoder, TurnsBadFloatsIntoSilenceAndClamps) {
  std::string data;
  for (int i = 0; i < 4000; ++i) {
    append_value(data, std::numeric_limits<float>::quiet_NaN());
    append_value(data, std::numeric_limits<float>::infinity());
    append_value(data, 7.5F);
    append_value(data, -7.5F);
  }
  const auto decoded = decode_media(wav_file({.bits = 32, .is_float = true}, data), 16000);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->samples[400], 0.0F);
  EXPECT_EQ(decoded->samples[401], 0.0F);
  EXPECT_EQ(decoded->samples[402], 1.0F);
  EXPECT_EQ(decoded->samples[403], -1.0F);
}

TEST(MediaDecoder, RefusesWhatIsNotAudio) {
  expect_invalid("", "empty");
  expect_invalid("hello, this is a text that somebody renamed to question.wav", "not an audio file");
  expect_invalid(std::string(5000, '\0'), "not an audio file");
  expect_invalid("{\"json\": true}", "wav, mp3");
  expect_invalid("RIFF", "not an audio file");
  expect_invalid("#EXTM3U\n#EXTINF:1,x\nfile:///etc/passwd\n", "not an audio file");
  expect_invalid("ffconcat version 1.0\nfile /etc/passwd\n", "not an audio file");
}

TEST(MediaDecoder, RefusesHeaderWithoutSamples) {
  const auto decoded = decode_media(wav_file({}, ""), kSpeechRate);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().reason, "INVALID_AUDIO");
  const auto cut = decode_media(wav_file({}, "").substr(0, 30), kSpeechRate);
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().reason, "INVALID_AUDIO");
}

TEST(MediaDecoder, StopsAtTheLimitInEveryFormat) {
  const PcmBuffer silence{std::vector<float>(16000 * 10), 16000};
  for (const AudioFormat format : {AudioFormat::kWav, AudioFormat::kMp3, AudioFormat::kOpus, AudioFormat::kFlac}) {
    const auto file = encode_media(format, silence);
    ASSERT_TRUE(file);
    const auto refused = decode_media(*file, kSpeechRate, {.max_seconds = 5});
    ASSERT_FALSE(refused) << to_string(format);
    EXPECT_EQ(refused.error().code, ErrorCode::kTooLarge);
    EXPECT_NE(refused.error().message.find("5 seconds"), std::string::npos) << refused.error().message;
    EXPECT_TRUE(decode_media(*file, kSpeechRate, {.max_seconds = 11})) << to_string(format);
  }
}

/// A FLAC whose STREAMINFO states `samples`. @source RFC 9639, section 8.2: 36 bits, the last of bytes 18 to 25
std::string flac_that_states(std::uint64_t samples, std::string file) {
  const auto at = [&](std::size_t i) -> char& { return file[i]; };
  at(21) = static_cast<char>((static_cast<unsigned>(at(21)) & 0xF0U) | ((samples >> 32U) & 0x0FU));
  for (std::size_t i = 0; i < 4; ++i)
    at(22 + i) = static_cast<char>((samples >> (24U - 8U * i)) & 0xFFU);
  return file;
}

TEST(MediaDecoder, BelievesAHeaderThatStatesTooMuch) {
  const auto file = encode_media(AudioFormat::kFlac, PcmBuffer{std::vector<float>(16000 * 2), 16000});
  ASSERT_TRUE(file);
  const auto ten_hours = flac_that_states(std::uint64_t{10} * 3600 * 16000, *file);
  const auto refused = decode_media(ten_hours, kSpeechRate);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kTooLarge);
  EXPECT_TRUE(decode_media(flac_that_states(std::uint64_t{2} * 3600 * 16000, *file), kSpeechRate));
}

TEST(MediaDecoder, StopsAtTheLimitWhereTheHeaderStatesLess) {
  const auto file = encode_media(AudioFormat::kFlac, PcmBuffer{std::vector<float>(16000 * 10), 16000});
  ASSERT_TRUE(file);
  for (const std::uint64_t stated : {0, 16000}) {
    const auto refused = decode_media(flac_that_states(stated, *file), kSpeechRate, {.max_seconds = 5});
    ASSERT_FALSE(refused) << stated;
    EXPECT_EQ(refused.error().code, ErrorCode::kTooLarge) << stated;
    const auto whole = decode_media(flac_that_states(stated, *file), kSpeechRate, {.max_seconds = 11});
    ASSERT_TRUE(whole) << whole.error().message;
    EXPECT_EQ(whole->samples.size(), 160'000U) << stated;
    EXPECT_LE(whole->samples.capacity(), 176'000U) << stated;
  }
}

TEST(MediaDecoder, CountsWhatItsResultHolds) {
  const auto file = encode_media(AudioFormat::kFlac, PcmBuffer{std::vector<float>(16000), 16000});
  ASSERT_TRUE(file);
  SampleBudget budget(40'000);
  SampleLease lease(budget);
  const auto decoded = decode_media(*file, kSpeechRate, {}, &lease);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(budget.held(), decoded->samples.size());
  SampleLease second(budget);
  EXPECT_TRUE(decode_media(*file, kSpeechRate, {}, &second));
  SampleLease third(budget);
  const auto refused = decode_media(*file, kSpeechRate, {}, &third);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kOverloaded);
}

TEST(MediaDecoder, RefusesWhileOthersHoldTheWholeBudget) {
  const auto file = encode_media(AudioFormat::kOpus, PcmBuffer{std::vector<float>(16000), 16000});
  ASSERT_TRUE(file);
  SampleLease others;
  ASSERT_TRUE(others.grow_to(kBudgetSamples));
  EXPECT_EQ(decode_media(*file, kSpeechRate).error().code, ErrorCode::kOverloaded);
  others.shrink_to(0);
  EXPECT_TRUE(decode_media(*file, kSpeechRate));
}

TEST(MediaDecoder, SurvivesDamage) {
  const auto tone = sine(440, 0.5, 16000);
  std::mt19937 random(7);
  for (const AudioFormat format :
       {AudioFormat::kWav, AudioFormat::kMp3, AudioFormat::kOpus, AudioFormat::kAac, AudioFormat::kFlac}) {
    const auto file = encode_media(format, tone);
    ASSERT_TRUE(file);
    for (int round = 0; round < 40; ++round) {
      std::string damaged = *file;
      for (int hit = 0; hit < 20; ++hit)
        damaged[random() % damaged.size()] = static_cast<char>(random());
      damaged.resize(random() % damaged.size() + 1);
      const auto decoded = decode_media(damaged, kSpeechRate, {.max_seconds = 5});
      if (!decoded) {
        EXPECT_TRUE(decoded.error().code == ErrorCode::kInvalidArgument || decoded.error().code == ErrorCode::kTooLarge)
            << decoded.error().message;
        continue;
      }
      for (const float sample : decoded->samples)
        ASSERT_TRUE(sample >= -1 && sample <= 1);
    }
  }
}

TEST(MediaDecoder, ReadsRealSpeech) {
  const char* folder = std::getenv("MORGAN_TEST_AUDIO");
  if (folder == nullptr) GTEST_SKIP() << "MORGAN_TEST_AUDIO names no folder with jfk.wav";
  const auto file = read_file(std::filesystem::path(folder) / "jfk.wav", 100'000'000);
  if (!file) GTEST_SKIP() << file.error().message;
  const auto decoded = decode_media(*file, kSpeechRate);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_NEAR(decoded->seconds(), 11.0, 0.1);
  EXPECT_GT(rms(decoded->samples), 0.02);
  // Through each lossy format and back the speech keeps its loudness.
  for (const AudioFormat format : {AudioFormat::kMp3, AudioFormat::kOpus, AudioFormat::kAac}) {
    const auto encoded = encode_media(format, *decoded);
    ASSERT_TRUE(encoded);
    const auto again = decode_media(*encoded, kSpeechRate);
    ASSERT_TRUE(again);
    EXPECT_NEAR(rms(again->samples), rms(decoded->samples), 0.01) << to_string(format);
  }
}

}  // namespace
}  // namespace morgan::audio
