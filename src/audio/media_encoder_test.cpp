#include "audio/media_encoder.h"

#include "audio/audio_test_signals.h"
#include "audio/media_decoder.h"
#include "audio/pcm16.h"

#include <gtest/gtest.h>

#include <limits>

namespace morgan::audio {
namespace {

constexpr AudioFormat kAll[] = {AudioFormat::kWav, AudioFormat::kMp3,  AudioFormat::kOpus,
                                AudioFormat::kAac, AudioFormat::kFlac, AudioFormat::kPcm};

std::uint32_t little_endian(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, 4);
  return value;
}

/// Pushes 20 ms at a time; the first element is what each push gave.
std::vector<std::string> stream(AudioFormat format, const PcmBuffer& pcm, int output_rate_hz = 0) {
  const auto encoder = make_encoder(format, pcm.rate_hz, output_rate_hz);
  EXPECT_TRUE(encoder);
  std::vector<std::string> parts;
  const auto step = static_cast<std::size_t>(pcm.rate_hz / 50);
  for (std::size_t at = 0; at < pcm.samples.size(); at += step) {
    const auto bytes = (*encoder)->push(std::span(pcm.samples).subspan(at, std::min(step, pcm.samples.size() - at)));
    EXPECT_TRUE(bytes);
    parts.push_back(*bytes);
  }
  const auto last = (*encoder)->finish();
  EXPECT_TRUE(last);
  parts.push_back(*last);
  return parts;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const auto& part : parts)
    out += part;
  return out;
}

TEST(AudioFormat, NamesRoundTrip) {
  for (const AudioFormat format : kAll) {
    EXPECT_EQ(parse_audio_format(to_string(format)), format);
    EXPECT_TRUE(content_type(format).starts_with("audio/"));
  }
  EXPECT_EQ(parse_audio_format("ogg"), AudioFormat::kOpus);
  EXPECT_EQ(parse_audio_format("MP3"), AudioFormat::kMp3);
  EXPECT_EQ(parse_audio_format("m4b"), std::nullopt);
  EXPECT_EQ(parse_audio_format(""), std::nullopt);
}

TEST(MediaEncoder, StreamsPlayInEveryFormat) {
  const auto tone = sine(440, 1.5, 22050);
  for (const AudioFormat format : kAll) {
    const std::string file = joined(stream(format, tone));
    const auto decoded =
        format == AudioFormat::kPcm ? Result<PcmBuffer>(decode_pcm16(file, 22050)) : decode_media(file, 16000);
    ASSERT_TRUE(decoded) << to_string(format) << decoded.error().message;
    EXPECT_NEAR(decoded->seconds(), 1.5, 0.15) << to_string(format);
    EXPECT_NEAR(strength_of(440, *decoded), 0.5, 0.06) << to_string(format);
  }
}

TEST(MediaEncoder, FirstSoundLeavesWithin200Milliseconds) {
  const auto tone = sine(440, 1.0, 24000);
  for (const AudioFormat format : kAll) {
    const auto parts = stream(format, tone);
    std::string early;
    for (std::size_t i = 0; i < 10; ++i)
      early += parts[i];  // 200 ms
    const auto decoded =
        format == AudioFormat::kPcm ? Result<PcmBuffer>(decode_pcm16(early, 24000)) : decode_media(early, 16000);
    ASSERT_TRUE(decoded) << to_string(format) << decoded.error().message;
    EXPECT_GT(decoded->seconds(), 0.02) << to_string(format);
  }
}

TEST(MediaEncoder, WavHeaderTellsTheTruthWhenItCan) {
  const auto tone = sine(440, 0.5, 16000);
  const auto whole = encode_media(AudioFormat::kWav, tone);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->size(), 44 + 16000U);
  EXPECT_EQ(little_endian(*whole, 4), 36 + 16000U);
  EXPECT_EQ(little_endian(*whole, 24), 16000U);
  EXPECT_EQ(little_endian(*whole, 40), 16000U);
  const std::string streamed = joined(stream(AudioFormat::kWav, tone));
  EXPECT_EQ(little_endian(streamed, 4), 0xFFFFFFFFU);
  EXPECT_EQ(little_endian(streamed, 40), 0xFFFFFFFFU);
  EXPECT_EQ(streamed.substr(44), whole->substr(44));
}

TEST(MediaEncoder, EmptyAudioGivesAValidFileOrNothing) {
  for (const AudioFormat format : kAll) {
    const auto file = encode_media(format, PcmBuffer{{}, 24000});
    ASSERT_TRUE(file) << to_string(format) << file.error().message;
    if (format == AudioFormat::kWav) {
      EXPECT_EQ(file->size(), 44U);
    }
    if (format == AudioFormat::kPcm) {
      EXPECT_TRUE(file->empty());
    }
  }
}

TEST(MediaEncoder, SaturatesAndSilencesBadSamples) {
  const auto file =
      encode_media(AudioFormat::kPcm, PcmView(std::vector<float>{2.0F, -2.0F, std::numeric_limits<float>::quiet_NaN(),
                                                                 std::numeric_limits<float>::infinity(), 0.5F},
                                              16000));
  ASSERT_TRUE(file);
  EXPECT_EQ(*file, std::string("\xff\x7f\x00\x80\x00\x00\x00\x00\x00\x40", 10));
}

TEST(MediaEncoder, ChangesRate) {
  const auto file = encode_media(AudioFormat::kWav, sine(440, 0.5, 22050), 48000);
  ASSERT_TRUE(file);
  EXPECT_EQ(little_endian(*file, 24), 48000U);
  EXPECT_NEAR(static_cast<double>(file->size()), 44 + 48000, 8);
}

TEST(MediaEncoder, WritesUnusualRatesAsTheNextOneTheCodecHas) {
  for (const AudioFormat format : kAll) {
    const auto file = encode_media(format, sine(440, 2.0, 10000));
    ASSERT_TRUE(file) << to_string(format) << file.error().message;
    if (format == AudioFormat::kPcm) continue;
    const auto decoded = decode_media(*file, 16000);
    ASSERT_TRUE(decoded) << to_string(format);
    EXPECT_NEAR(strength_of(440, *decoded), 0.5, 0.08) << to_string(format);
  }
}

TEST(MediaEncoder, RefusesRatesOutsideItsRange) {
  for (const AudioFormat format : kAll) {
    for (const int rate : {0, -1, 7999, 48001}) {
      const auto made = make_encoder(format, rate);
      ASSERT_FALSE(made);
      EXPECT_EQ(made.error().code, ErrorCode::kInvalidArgument);
    }
    EXPECT_FALSE(make_encoder(format, 16000, 96000));
    EXPECT_FALSE(make_encoder(format, 16000, -5));
  }
}

TEST(MediaEncoder, AbandonedStreamsFreeTheirParts) {
  for (const AudioFormat format : kAll) {
    const auto encoder = make_encoder(format, 24000);
    ASSERT_TRUE(encoder);
    ASSERT_TRUE((*encoder)->push(sine(440, 0.3, 24000).samples));
  }
}

}  // namespace
}  // namespace morgan::audio
