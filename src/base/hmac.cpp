#include "base/hmac.h"

#include "base/strings.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

namespace morgan {

std::string hmac_sha256(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> code{};
  unsigned int length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), code.data(), &length);
  return to_hex({code.data(), length});
}

}  // namespace morgan
