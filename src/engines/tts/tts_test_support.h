// What the tests of both synthesizers share: the real models, loaded once, and a way to listen.
#pragma once

#include "engines/tts/tts_engine.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace morgan::engines {

/// Folder of a model, or "" when the tests have no models.
inline std::filesystem::path test_model(const std::string& id) {
  const char* home = std::getenv("MORGAN_HOME");
  return home == nullptr ? std::filesystem::path() : std::filesystem::path(home) / "models" / id;
}

struct Spoken {
  std::vector<float> samples;
  std::size_t pieces = 0;

  float peak() const {
    float most = 0;
    for (const float sample : samples)
      most = std::max(most, std::abs(sample));
    return most;
  }
};

struct TimedSpeech {
  std::vector<float> samples;
  std::vector<SpokenWord> words;  ///< times in `samples`
  std::size_t chunks = 0;
};

/// Listens and checks what every engine promises of the words.
inline TimedSpeech listen_timed(TtsEngine& engine, const TtsRequest& request) {
  TimedSpeech spoken;
  const auto take = [&](const SpeechChunk& chunk) {
    std::size_t last = 0;
    for (SpokenWord word : chunk.words) {
      EXPECT_GE(word.begin_sample, last) << request.text << ": " << word.text;
      EXPECT_GE(word.end_sample, word.begin_sample) << request.text << ": " << word.text;
      EXPECT_LE(word.end_sample, chunk.samples.size()) << request.text << ": " << word.text;
      EXPECT_EQ(request.text.substr(word.text_end - word.text.size(), word.text.size()), word.text);
      last = word.end_sample;
      word.begin_sample += spoken.samples.size();
      word.end_sample += spoken.samples.size();
      spoken.words.push_back(std::move(word));
    }
    spoken.samples.insert(spoken.samples.end(), chunk.samples.begin(), chunk.samples.end());
    ++spoken.chunks;
    return true;
  };
  const auto done = engine.synthesize_timed(request, take, StopToken());
  EXPECT_TRUE(done) << done.error().message;
  std::string words;
  for (const SpokenWord& word : spoken.words)
    words += word.text + "\n";
  std::string written;
  std::istringstream in(request.text);
  for (std::string word; in >> word;)
    written += word + "\n";
  EXPECT_EQ(words, written);
  return spoken;
}

inline Spoken listen(TtsEngine& engine, const TtsRequest& request) {
  Spoken spoken;
  const auto take = [&](std::span<const float> samples) {
    spoken.samples.insert(spoken.samples.end(), samples.begin(), samples.end());
    ++spoken.pieces;
    return true;
  };
  const auto done = engine.synthesize(request, take, StopToken());
  EXPECT_TRUE(done) << done.error().message;
  return spoken;
}

}  // namespace morgan::engines
