// Percent-encoding and request targets (RFC 3986), for the router and the request guard.
#pragma once

#include "base/result.h"

#include <map>
#include <string>
#include <string_view>

namespace morgan::net {

enum class PlusSign : std::uint8_t { kLiteral, kSpace };

/// Undoes %XX. @error kInvalidArgument  a broken escape, bytes that are not UTF-8, or a NUL
Result<std::string> percent_decode(std::string_view text, PlusSign plus = PlusSign::kLiteral);

/// A request target, taken apart.
struct Target {
  std::string raw_path;                      ///< as sent, but for doubled slashes; for Router::find
  std::string path;                          ///< decoded
  std::map<std::string, std::string> query;  ///< decoded; the last of equal names counts
};

/// Accepts origin form ("/a?b=c"), absolute form ("http://host/a") and "*".
/// @error kInvalidArgument  anything else, or a part that does not decode
Result<Target> parse_target(std::string_view target);

}  // namespace morgan::net
