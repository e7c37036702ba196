// JSON at the edges: parsing with limits and a message that says where, typed field access that says
// what was expected. The parser is nlohmann-json.
#pragma once

#include "base/result.h"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace morgan {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

/// @error kInvalidArgument  malformed, not UTF-8, or nested deeper than 64
Result<Json> parse_json(std::string_view text);

/// As parse_json, and the document must be an object.
Result<Json> parse_json_object(std::string_view text);

/// Serializes; bytes that are not UTF-8 become U+FFFD instead of an exception.
std::string dump_json(const Json& value, int indent = -1);
std::string dump_json(const OrderedJson& value, int indent = -1);

/// A field of an object: nullopt when it is absent or null.
/// @error kInvalidArgument  another type; `param` is the name
Result<std::optional<std::string>> json_string(const Json& object, std::string_view name);
Result<std::optional<double>> json_number(const Json& object, std::string_view name);
Result<std::optional<long long>> json_integer(const Json& object, std::string_view name);
Result<std::optional<bool>> json_bool(const Json& object, std::string_view name);

}  // namespace morgan
