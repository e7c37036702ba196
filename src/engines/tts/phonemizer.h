// Text to IPA by espeak-ng, the front end that Piper and Kokoro were trained with. Private to tts/.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::engines {

/// Whether letters of one sound (affricates, diphthongs) are joined by '^', as in "t^\u0283".
enum class PhonemeTies : std::uint8_t { kNone, kCaret };

/// Of a symbol that sounds in no word.
inline constexpr std::uint32_t kNoWord = 0xFFFFFFFF;

/// IPA with, for each code point, the word of the text that it belongs to.
struct Phonemes {
  std::u32string codes;
  /// As long as `codes`: the place of the word among the blank-separated words of the text. Never falls.
  std::vector<std::uint32_t> words;

  void append(char32_t code, std::uint32_t word) {
    codes += code;
    words.push_back(word);
  }
  void drop_last() {
    codes.pop_back();
    words.pop_back();
  }
  /// True when there is a sound among the marks and blanks.
  bool has_sound() const;
};

/// Clause by clause: the marks ; : , . ! ? dash, ellipsis, double quotes and round brackets stay where they
/// are, so that the model hears them; what lies between becomes IPA with stress marks. Letters of scripts
/// that an English voice would only name ("Chinese letter") are left out.
/// @param text  valid UTF-8 @param voice  espeak-ng's name: "en-us", "en-gb"
/// @error kUnavailable  espeak-ng's data is not installed   @error kNotFound  no such voice
/// @thread any; espeak-ng is one global machine, so calls wait for each other (below a millisecond a sentence)
Result<Phonemes> phonemize(std::string_view text, const std::string& voice, PhonemeTies ties);

/// The code points of valid UTF-8; bytes that are none are skipped.
std::vector<char32_t> code_points(std::string_view text);
void append_code_point(std::string& out, char32_t code);

/// True for the marks that phonemize() keeps.
bool is_kept_mark(char32_t code);

}  // namespace morgan::engines
