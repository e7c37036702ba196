// From the model's time of each symbol to the times of the words as they were written: which words of the
// request's text the normalized ones come from, and where in a chunk each is heard. Private to tts/.
#pragma once

#include "engines/tts/tts_engine.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::engines {

/// A blank-separated word and where it stands.
struct TextWord {
  std::string_view text;
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Words between blanks, tabs and line ends, as phonemize() counts them.
std::vector<TextWord> words_of(std::string_view text);

/// For each word of `spoken`, the place of the word of `written` that it comes from. Never falls. Equal words hold
/// the two texts together; what stands between two of them is shared by length.
std::vector<std::uint32_t> written_places(std::span<const TextWord> written, std::span<const TextWord> spoken);

/// Where a word of a piece is heard in the samples of one run of the model.
struct WordSpan {
  std::uint32_t word = 0;  ///< place in the piece's text
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// @param words   the word of each symbol that the model was given, or kNoWord
/// @param frames  how long the model made each; empty: it does not say, and all are as long
/// @param samples the length of the whole
std::vector<WordSpan> word_spans(std::span<const std::uint32_t> words, std::span<const float> frames,
                                 std::size_t samples);

/// Hands out the words of a text chunk by chunk, each once and in order. Words without a sound (a dash, an emoji)
/// come with the word before them, or with the next when there is none, and take no time.
class WordTeller {
 public:
  /// @param written  the request's text @param spoken  what is planned and rendered of it; both outlive me
  WordTeller(std::string_view written, std::string_view spoken);

  /// @param spans   of one chunk, `word` counted in the spoken text, samples counted in the chunk
  /// @param next    the word of the spoken text that the chunk after this one begins with
  std::vector<SpokenWord> tell(std::span<const WordSpan> spans, std::size_t next);
  /// What no chunk has told.
  std::vector<SpokenWord> rest();

 private:
  void tell_silent(std::size_t until, std::size_t at, std::vector<SpokenWord>& out);

  std::vector<TextWord> written_;
  std::vector<TextWord> spoken_;
  std::vector<std::uint32_t> places_;  // of spoken_ in written_
  std::size_t told_ = 0;               // of written_
};

}  // namespace morgan::engines
