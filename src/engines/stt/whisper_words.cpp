#include "engines/stt/whisper_words.h"

#include "base/strings.h"

#include <algorithm>

namespace morgan::engines {

std::vector<SttWord> words_of(const std::vector<WhisperToken>& tokens) {
  std::vector<SttWord> words;
  std::size_t tokens_in_word = 0;
  for (const WhisperToken& token : tokens) {
    const bool begins = words.empty() || token.text.starts_with(' ');
    if (begins) {
      words.push_back({token.text, token.start_seconds, token.end_seconds, token.probability});
      tokens_in_word = 1;
      continue;
    }
    SttWord& word = words.back();
    word.text += token.text;
    word.end_seconds = std::max(word.end_seconds, token.end_seconds);
    // The mean over the word's tokens, kept up as they come.
    ++tokens_in_word;
    word.probability += (token.probability - word.probability) / static_cast<float>(tokens_in_word);
  }
  for (SttWord& word : words)
    word.text = std::string(trim(word.text));
  std::erase_if(words, [](const SttWord& word) { return word.text.empty(); });
  return words;
}

void shift(SttSegment& segment, double seconds) {
  segment.start_seconds += seconds;
  segment.end_seconds += seconds;
  for (SttWord& word : segment.words) {
    word.start_seconds += seconds;
    word.end_seconds += seconds;
  }
}

void fit_words(SttSegment& segment) {
  double earliest = segment.start_seconds;
  for (SttWord& word : segment.words) {
    word.start_seconds = std::clamp(word.start_seconds, earliest, segment.end_seconds);
    word.end_seconds = std::clamp(word.end_seconds, word.start_seconds, segment.end_seconds);
    earliest = word.end_seconds;
  }
}

}  // namespace morgan::engines
