// The model's raw samples to a piece that joins its neighbours: silence cut to a known length at both ends,
// edges faded, level set by a fixed gain. Private to tts/.
#pragma once

#include "engines/tts/piece_planner.h"

#include <span>
#include <vector>

namespace morgan::engines {

struct ShapeOptions {
  int rate_hz = 22050;
  float gain = 1.0F;  ///< the same for every piece of a voice, so that none jumps in loudness
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

/// The pause that follows a piece, seconds.
double pause_seconds(PieceEnd end, double speed);

}  // namespace morgan::engines
