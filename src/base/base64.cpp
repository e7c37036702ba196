#include "base/base64.h"

#include <openssl/evp.h>

namespace morgan {

std::string base64_encode(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int written =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(written));
  return text;
}

Result<std::string> base64_decode(std::string_view text) {
  if (text.starts_with("data:")) {
    const std::size_t comma = text.find(',');
    if (comma == std::string_view::npos) {
      return fail(ErrorCode::kInvalidArgument, "base64 text starts with 'data:' but has no comma");
    }
    text.remove_prefix(comma + 1);
  }
  std::string compact;
  compact.reserve(text.size() + 4);
  for (const char c : text) {
    if (c != '\r' && c != '\n' && c != ' ' && c != '\t') compact += c;
  }
  while (!compact.empty() && compact.back() == '=')
    compact.pop_back();
  const std::size_t whole = compact.size();
  if (whole % 4 == 1) return fail(ErrorCode::kInvalidArgument, "base64 text has an impossible length");
  compact.append((4 - whole % 4) % 4, '=');

  std::string bytes(compact.size() / 4 * 3, '\0');
  const int decoded =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(compact.data()), static_cast<int>(compact.size()));
  if (decoded < 0) return fail(ErrorCode::kInvalidArgument, "base64 text holds a character outside the alphabet");
  bytes.resize(whole * 3 / 4);
  return bytes;
}

}  // namespace morgan
