// The model's raw samples to a piece that joins its neighbours: silence cut to a known length at both ends,
// edges faded, level evened. Private to tts/.
#pragma once

#include "engines/tts/piece_planner.h"

#include <optional>
#include <span>
#include <vector>

namespace morgan::engines {

struct ShapeOptions {
  int rate_hz = 22050;
  float gain = 1.0F;  ///< the same for every piece of a voice, so that none jumps in loudness
  /// What loudness_db() of the piece should be: brought three quarters of the way there, by 4 dB at most. A model says
  /// a short piece louder or softer than its neighbours by up to 5 dB.
  std::optional<double> level_db = {};
  /// A piece may come in parts that are joined again without a seam: all but the first do not open it, all but the
  /// last do not close it. Parts are not levelled.
  bool opens = true;
  bool closes = true;
  PieceEnd end = PieceEnd::kSentence;
  double speed = 1.0;  ///< pauses shrink with it
};

struct ShapedPiece {
  std::vector<float> samples;
  std::size_t skipped = 0;      ///< samples of `raw` before the first one that was kept
  std::size_t sound_begin = 0;  ///< where in `samples` the first sound begins
  std::size_t sound_end = 0;    ///< and the last ends
};

/// Silence at the head is at most 20 ms; the pause at the tail depends on what ends the piece. Samples stay
/// within -0.98..0.98. Empty when there is no sound in `raw`.
ShapedPiece shape_piece(std::span<const float> raw, const ShapeOptions& options);

/// The level of the louder frames (20 ms, within 12 dB of the loudest: vowels, not pauses and breaths), dB below full
/// scale. -100 for less than a frame.
double loudness_db(std::span<const float> samples, int rate_hz);

/// The pause that follows a piece, seconds.
double pause_seconds(PieceEnd end, double speed);

}  // namespace morgan::engines
