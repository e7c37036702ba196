// Wake words: was one of a few phrases just said?
#pragma once

#include "audio/pcm.h"
#include "base/result.h"
#include "engines/engine_info.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace morgan::engines {

struct WakeWord {
  std::string name;    ///< "hey_jarvis"
  std::string phrase;  ///< "hey jarvis"
};

struct WakeDetection {
  std::string name;
  std::size_t at_sample = 0;  ///< counted from the stream's first; behind the phrase
  float score = 0;            ///< 0..1
};

/// One stream's state. @thread one caller at a time; streams are independent
class WakeStream {
 public:
  virtual ~WakeStream() = default;
  /// @param samples 16 kHz mono, any number. One phrase is told once.
  virtual Result<std::vector<WakeDetection>> push(std::span<const float> samples) = 0;
};

/// @thread any
class WakeEngine {
 public:
  virtual ~WakeEngine() = default;
  virtual std::vector<WakeWord> words() const = 0;
  /// @param names  of words(); empty: all of them   @error kNotFound  none of the names is known
  virtual Result<std::unique_ptr<WakeStream>> open(const std::vector<std::string>& names) = 0;
  virtual EngineInfo info() const = 0;
};

}  // namespace morgan::engines
