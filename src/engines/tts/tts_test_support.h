// What the tests of both synthesizers share: the real models, loaded once, and a way to listen.
#pragma once

#include "engines/tts/tts_engine.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

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
