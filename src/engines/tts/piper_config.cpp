#include "engines/tts/piper_config.h"

#include "base/file.h"
#include "base/json_util.h"
#include "engines/tts/phonemizer.h"

#include <array>
#include <cmath>

namespace morgan::engines {

namespace {

constexpr char32_t kPad = '_';
constexpr char32_t kStart = '^';
constexpr char32_t kEnd = '$';

struct Accented {
  char32_t whole;
  char32_t letter;
  char32_t accent;
};

/// The accented letters that espeak-ng writes in IPA.
constexpr std::array kAccented = {
    Accented{0x00E7, 'c', 0x0327}, Accented{0x00E3, 'a', 0x0303}, Accented{0x1EBD, 'e', 0x0303},
    Accented{0x0129, 'i', 0x0303}, Accented{0x00F1, 'n', 0x0303}, Accented{0x00F5, 'o', 0x0303},
    Accented{0x0169, 'u', 0x0303}, Accented{0x1EF9, 'y', 0x0303}, Accented{0x00E1, 'a', 0x0301},
    Accented{0x00E9, 'e', 0x0301}, Accented{0x00E4, 'a', 0x0308}, Accented{0x00EB, 'e', 0x0308},
    Accented{0x00F6, 'o', 0x0308}, Accented{0x00FC, 'u', 0x0308}};

Phonemes decomposed(const Phonemes& phonemes) {
  Phonemes apart;
  for (std::size_t i = 0; i < phonemes.codes.size(); ++i) {
    const char32_t code = phonemes.codes[i];
    const auto found =
        std::find_if(kAccented.begin(), kAccented.end(), [code](const Accented& a) { return a.whole == code; });
    if (found == kAccented.end()) {
      apart.append(code, phonemes.words[i]);
    } else {
      apart.append(found->letter, phonemes.words[i]);
      apart.append(found->accent, phonemes.words[i]);
    }
  }
  return apart;
}

/// The object `name` of `parent`; an empty one when it is absent or something else.
Json object_in(const Json& parent, const char* name) {
  const auto found = parent.find(name);
  return found != parent.end() && found->is_object() ? *found : Json::object();
}

/// A positive number, `fallback` when absent.
Result<float> scale_in(const Json& inference, const char* name, float fallback) {
  MORGAN_TRY(const auto number, json_number(inference, name));
  if (!number) return fallback;
  if (!(*number >= 0 && *number <= 10)) return fail(ErrorCode::kCorrupt, std::string(name) + " is not from 0 to 10");
  return static_cast<float>(*number);
}

Result<std::map<char32_t, std::vector<std::int64_t>>> parse_ids(const Json& map, long long symbols) {
  std::map<char32_t, std::vector<std::int64_t>> ids;
  for (const auto& [phoneme, list] : map.items()) {
    const std::vector<char32_t> codes = code_points(phoneme);
    if (codes.size() != 1 || !list.is_array()) return fail(ErrorCode::kCorrupt, "phoneme_id_map: '" + phoneme + "'");
    for (const Json& id : list) {
      // The model reads its table at this place without a check of its own.
      if (!id.is_number_integer() || id.get<long long>() < 0 || id.get<long long>() >= symbols) {
        return fail(ErrorCode::kCorrupt, "phoneme_id_map: a number outside the model's for '" + phoneme + "'");
      }
      ids[codes[0]].push_back(id.get<std::int64_t>());
    }
  }
  for (const char32_t needed : {kPad, kStart, kEnd, char32_t{' '}}) {
    if (!ids.contains(needed)) return fail(ErrorCode::kCorrupt, "phoneme_id_map lacks a symbol that every voice has");
  }
  return ids;
}

/// "en_US" to "en-US".
std::string language_tag(std::string code) {
  std::replace(code.begin(), code.end(), '_', '-');
  return code;
}

Result<PiperConfig> parse_config(const std::string& content) {
  MORGAN_TRY(const Json document, parse_json_object(content));
  PiperConfig config;
  MORGAN_TRY(const auto rate, json_integer(object_in(document, "audio"), "sample_rate"));
  if (!rate || *rate < 8000 || *rate > 48000)
    return fail(ErrorCode::kCorrupt, "audio.sample_rate is not from 8000 to 48000");
  config.sample_rate_hz = static_cast<int>(*rate);
  MORGAN_TRY(const auto voice, json_string(object_in(document, "espeak"), "voice"));
  if (!voice || voice->empty()) return fail(ErrorCode::kCorrupt, "espeak.voice is absent");
  config.espeak_voice = *voice;
  MORGAN_TRY(const auto type, json_string(document, "phoneme_type"));
  if (type && *type != "espeak")
    return fail(ErrorCode::kCorrupt, "phoneme_type is '" + *type + "'; only 'espeak' is known");
  MORGAN_TRY(const auto code, json_string(object_in(document, "language"), "code"));
  config.language = language_tag(code.value_or(config.espeak_voice));
  const Json inference = object_in(document, "inference");
  MORGAN_TRY(config.noise_scale, scale_in(inference, "noise_scale", config.noise_scale));
  MORGAN_TRY(config.length_scale, scale_in(inference, "length_scale", config.length_scale));
  MORGAN_TRY(config.noise_w, scale_in(inference, "noise_w", config.noise_w));
  if (config.length_scale < 0.05F) return fail(ErrorCode::kCorrupt, "inference.length_scale is too small");
  MORGAN_TRY(const auto speakers, json_integer(document, "num_speakers"));
  if (speakers.value_or(1) > 1) return fail(ErrorCode::kCorrupt, "voices with several speakers are not known");
  MORGAN_TRY(const auto symbols, json_integer(document, "num_symbols"));
  constexpr long long kPiperSymbols = 256;
  MORGAN_TRY(config.phoneme_ids, parse_ids(object_in(document, "phoneme_id_map"),
                                           std::min(symbols.value_or(kPiperSymbols), kPiperSymbols)));
  return config;
}

}  // namespace

Result<PiperConfig> load_piper_config(const std::filesystem::path& file) {
  constexpr std::uint64_t kLimit = 4U << 20;
  MORGAN_TRY(const std::string content, read_file(file, kLimit));
  Result<PiperConfig> config = parse_config(content);
  if (config) return config;
  return fail(ErrorCode::kCorrupt,
              "the voice configuration " + file.string() + " is damaged: " + config.error().message);
}

PiperInput piper_input(const PiperConfig& config, const Phonemes& phonemes) {
  PiperInput input;
  const auto append = [&](char32_t code, std::uint32_t word) {
    const auto found = config.phoneme_ids.find(code);
    if (found == config.phoneme_ids.end()) return false;
    input.ids.insert(input.ids.end(), found->second.begin(), found->second.end());
    input.words.resize(input.ids.size(), word);
    return true;
  };
  append(kStart, kNoWord);
  append(kPad, kNoWord);
  const Phonemes apart = decomposed(phonemes);
  for (std::size_t i = 0; i < apart.codes.size(); ++i) {
    const char32_t code = apart.codes[i];
    const bool reserved = code == kStart || code == kPad || code == kEnd;
    const std::uint32_t word = code == ' ' || is_kept_mark(code) ? kNoWord : apart.words[i];
    if (!reserved && append(code, word)) append(kPad, word);
  }
  append(kEnd, kNoWord);
  return input;
}

}  // namespace morgan::engines
