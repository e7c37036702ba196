// Text to speech, streamed.
#pragma once

#include "base/result.h"
#include "base/stop.h"
#include "engines/engine_info.h"

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace morgan::engines {

struct Voice {
  std::string name;      ///< "joe", "af_heart"
  std::string language;  ///< BCP 47: "en-US"
  std::string gender;    ///< "male", "female" or ""
  int sample_rate_hz = 0;
  std::string description;
  std::string backend;  ///< "piper", "kokoro", "openai"
};

struct TtsRequest {
  std::string text;               ///< valid UTF-8; normalized by the engine
  std::string voice = "default";  ///< a voice's name, or "default"
  double speed = 1.0;             ///< 0.25..4; 2 speaks twice as fast
  /// An answer that is spoken while it is written is one request per part of it. Then all but the first follow, and
  /// all but the last continue.
  bool follows = false;  ///< speech of the same answer is heard already: the first piece need not be small
  bool whole = false;    ///< nobody hears it before all of it is there: it may come late, and sooner ends
  bool continues =
      false;  ///< more of the same answer comes: only a full stop, not the end of the text, ends its melody
};

/// Takes pieces of speech as they are ready; false stops the synthesis.
using TtsSink = std::function<bool(std::span<const float> samples)>;

/// Where a word of the request's own text is heard, in samples of the chunk that it comes with. A word is what
/// stands between blanks. One without a sound, a dash say, begins and ends at one sample.
struct SpokenWord {
  std::string text;          ///< as it was written, with its punctuation: "$5," though "five dollars" is heard
  std::size_t text_end = 0;  ///< byte of the request's text behind it
  std::size_t begin_sample = 0;
  std::size_t end_sample = 0;
};

/// A piece of speech and the words in it, in order; together the chunks' words are those of the text. The last chunk
/// has no samples when words without a sound are left, as in a text of emoji alone.
struct SpeechChunk {
  std::span<const float> samples;
  std::vector<SpokenWord> words;
};

/// As TtsSink, with words.
using TimedSink = std::function<bool(const SpeechChunk& chunk)>;

class TtsEngine {
 public:
  virtual ~TtsEngine() = default;

  virtual std::vector<Voice> voices() const = 0;
  /// @error kNotFound, reason VOICE_NOT_FOUND  names the nearest
  virtual Result<Voice> find_voice(const std::string& name) const = 0;

  /// Speaks sentence by sentence; the first piece is a small clause so that sound starts early.
  /// Samples have the voice's rate. Text without anything to say gives no samples and no error.
  /// @error kInvalidArgument  speed   @error kNotFound  voice   @error kCancelled  stop, or the sink said so
  /// @thread any, concurrently
  virtual Result<void> synthesize(const TtsRequest& request, const TtsSink& sink, const StopToken& stop) = 0;

  /// The same, and tells where each word is heard: exactly where the model says how long its sounds are, else by
  /// the share of sounds within a piece. Here, for engines that know neither: at the usual pace of a voice.
  virtual Result<void> synthesize_timed(const TtsRequest& request, const TimedSink& sink, const StopToken& stop);

  virtual std::vector<EngineInfo> info() const = 0;
};

/// @error kInvalidArgument, param "speed"  not within 0.25..4
Result<void> check_speed(double speed);

}  // namespace morgan::engines
