// SSML, as some Wyoming clients send it, to the text in it. Marks of pronunciation and pause are dropped.
#pragma once

#include <string>
#include <string_view>

namespace morgan::services {

/// Text without its tags; a tag separates words as a blank does. Entities are resolved.
std::string text_of_ssml(std::string_view ssml);

}  // namespace morgan::services
