// HMAC-SHA-256 (RFC 2104), by OpenSSL: to sign what others must be able to trust.
#pragma once

#include <string>
#include <string_view>

namespace morgan {

/// Lower-case hexadecimal.
std::string hmac_sha256(std::string_view key, std::string_view text);

}  // namespace morgan
