// Markdown, HTML marks, emoji and invisible characters taken out of a text. Private to text/; the
// public form is strip_markup() of normalize.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace morgan::text {

/// For speech, headings, list items and table rows end in a full stop, so that the voice pauses there.
enum class LineEnds : std::uint8_t { kAsWritten, kWithStops };

std::string strip_markup(std::string_view text, LineEnds line_ends);

}  // namespace morgan::text
