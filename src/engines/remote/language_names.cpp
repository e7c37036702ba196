#include "engines/remote/language_names.h"

#include "base/strings.h"

#include <algorithm>
#include <array>
#include <utility>

namespace morgan::engines {

namespace {

/// Whisper's languages, sorted by name. @source openai/whisper, tokenizer.py, LANGUAGES
constexpr auto kNames = std::to_array<std::pair<std::string_view, std::string_view>>(
    {{"afrikaans", "af"},  {"albanian", "sq"},   {"amharic", "am"},     {"arabic", "ar"},
     {"armenian", "hy"},   {"assamese", "as"},   {"azerbaijani", "az"}, {"bashkir", "ba"},
     {"basque", "eu"},     {"belarusian", "be"}, {"bengali", "bn"},     {"bosnian", "bs"},
     {"breton", "br"},     {"bulgarian", "bg"},  {"cantonese", "yue"},  {"catalan", "ca"},
     {"chinese", "zh"},    {"croatian", "hr"},   {"czech", "cs"},       {"danish", "da"},
     {"dutch", "nl"},      {"english", "en"},    {"estonian", "et"},    {"faroese", "fo"},
     {"finnish", "fi"},    {"french", "fr"},     {"galician", "gl"},    {"georgian", "ka"},
     {"german", "de"},     {"greek", "el"},      {"gujarati", "gu"},    {"haitian creole", "ht"},
     {"hausa", "ha"},      {"hawaiian", "haw"},  {"hebrew", "he"},      {"hindi", "hi"},
     {"hungarian", "hu"},  {"icelandic", "is"},  {"indonesian", "id"},  {"italian", "it"},
     {"japanese", "ja"},   {"javanese", "jv"},   {"kannada", "kn"},     {"kazakh", "kk"},
     {"khmer", "km"},      {"korean", "ko"},     {"lao", "lo"},         {"latin", "la"},
     {"latvian", "lv"},    {"lingala", "ln"},    {"lithuanian", "lt"},  {"luxembourgish", "lb"},
     {"macedonian", "mk"}, {"malagasy", "mg"},   {"malay", "ms"},       {"malayalam", "ml"},
     {"maltese", "mt"},    {"maori", "mi"},      {"marathi", "mr"},     {"mongolian", "mn"},
     {"myanmar", "my"},    {"nepali", "ne"},     {"norwegian", "no"},   {"nynorsk", "nn"},
     {"occitan", "oc"},    {"pashto", "ps"},     {"persian", "fa"},     {"polish", "pl"},
     {"portuguese", "pt"}, {"punjabi", "pa"},    {"romanian", "ro"},    {"russian", "ru"},
     {"sanskrit", "sa"},   {"serbian", "sr"},    {"shona", "sn"},       {"sindhi", "sd"},
     {"sinhala", "si"},    {"slovak", "sk"},     {"slovenian", "sl"},   {"somali", "so"},
     {"spanish", "es"},    {"sundanese", "su"},  {"swahili", "sw"},     {"swedish", "sv"},
     {"tagalog", "tl"},    {"tajik", "tg"},      {"tamil", "ta"},       {"tatar", "tt"},
     {"telugu", "te"},     {"thai", "th"},       {"tibetan", "bo"},     {"turkish", "tr"},
     {"turkmen", "tk"},    {"ukrainian", "uk"},  {"urdu", "ur"},        {"uzbek", "uz"},
     {"vietnamese", "vi"}, {"welsh", "cy"},      {"yiddish", "yi"},     {"yoruba", "yo"}});

}  // namespace

std::string language_code(std::string_view name) {
  const std::string lower = to_lower_ascii(trim(name));
  const auto at = std::lower_bound(kNames.begin(), kNames.end(), lower,
                                   [](const auto& entry, const std::string& wanted) { return entry.first < wanted; });
  return at != kNames.end() && at->first == lower ? std::string(at->second) : lower;
}

}  // namespace morgan::engines
