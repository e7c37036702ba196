// OpenAI's transcription API names languages in English ("welsh"); Morgan uses ISO 639-1 ("cy"). Private to
// this folder.
#pragma once

#include <string>
#include <string_view>

namespace morgan::engines {

/// "English" or "en" to "en"; a name that is not known comes back in lower case.
std::string language_code(std::string_view name);

}  // namespace morgan::engines
