// espeak-ng's IPA to the symbols that Kokoro was trained on, and those to tokens. Private to tts/.
#pragma once

#include "base/result.h"
#include "engines/tts/phonemizer.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::engines {

/// What a style row and the model's context can hold, without the zero before and after.
inline constexpr std::size_t kKokoroMaxTokens = 510;

/// One run of the model, and the word that each token is heard in.
struct KokoroTokens {
  std::vector<std::int64_t> tokens;
  std::vector<std::uint32_t> words;  ///< kNoWord: a blank or a mark
};

class KokoroVocabulary {
 public:
  /// @error kNotFound  no file   @error kCorrupt  not {"vocab": {symbol: number}}
  static Result<KokoroVocabulary> load(const std::filesystem::path& file);

  /// @param ipa  phonemize() with PhonemeTies::kCaret
  /// Diphthongs and affricates become single symbols, sounds English lacks their nearest, and so on; a rule
  /// whose symbols the vocabulary lacks is left out. Ties are removed.
  Phonemes to_symbols(Phonemes ipa, bool british) const;

  /// Tokens of the symbols, unknown ones skipped, in pieces of at most kKokoroMaxTokens that end at a mark
  /// or a blank where there is one.
  std::vector<KokoroTokens> to_tokens(const Phonemes& symbols) const;

  bool contains(std::u32string_view symbols) const;

 private:
  std::map<char32_t, std::int64_t> tokens_;
};

}  // namespace morgan::engines
