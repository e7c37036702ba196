// multipart/form-data (RFC 7578), parsed from a whole body.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace morgan::net {

struct FormPart {
  std::string name;
  std::string filename;  ///< "" when the part is a plain field; never to be used as a path
  std::string content_type;
  std::string_view data;  ///< into the body that was parsed
};

/// @param content_type  the request's header, with its boundary
/// @error kInvalidArgument  not multipart, no boundary, no closing boundary, a malformed part, over 64 parts
Result<std::vector<FormPart>> parse_multipart(std::string_view content_type, std::string_view body);

}  // namespace morgan::net
