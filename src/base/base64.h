// Base64 (RFC 4648, section 4), by OpenSSL's codec.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace morgan {

std::string base64_encode(std::string_view bytes);

/// Accepts missing padding, line breaks and a leading "data:...;base64," as browsers send it.
/// @error kInvalidArgument  a character outside the alphabet
Result<std::string> base64_decode(std::string_view text);

}  // namespace morgan
