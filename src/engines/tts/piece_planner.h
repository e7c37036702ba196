// What is synthesized in one go: normalized text cut into pieces that start small, so that sound starts
// early, and grow, so that each is ready before the one before it has been heard. Private to tts/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::engines {

/// What the listener should hear after a piece.
enum class PieceEnd : std::uint8_t {
  kPhrase,    ///< nothing: the sentence goes on
  kClause,    ///< the breath of a comma
  kSentence,  ///< the pause between sentences
};

struct SpeechPiece {
  std::string text;
  PieceEnd end = PieceEnd::kSentence;
  std::size_t first_word = 0;  ///< place of its first word among the blank-separated words of the whole text
};

struct PlanOptions {
  /// Length that the first piece should not exceed where the sentence has a place to cut.
  std::size_t first_chars = 40;
  /// How much longer each piece may be than the one before: below the reciprocal of the model's real-time
  /// factor.
  double growth = 3;
  std::size_t max_chars = 300;
  bool continues = false;  ///< the sentence may go on after the text: only a full stop ends it
};

/// @param text  already normalized. Every piece has something to say and ends with a mark.
std::vector<SpeechPiece> plan_pieces(std::string_view text, const PlanOptions& options);

}  // namespace morgan::engines
