// JSON Schemas of built-in tools, written shortly.
#pragma once

#include "base/json_util.h"

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace morgan::tools {

inline Json text_schema(std::string_view description, std::size_t most_bytes = 200) {
  return {{"type", "string"}, {"minLength", 1}, {"maxLength", most_bytes}, {"description", description}};
}

inline Json number_schema(std::string_view description) {
  return {{"type", "number"}, {"description", description}};
}

inline Json integer_schema(std::string_view description, long long least, long long most) {
  return {{"type", "integer"}, {"minimum", least}, {"maximum", most}, {"description", description}};
}

/// An object with these properties and no others.
inline Json object_schema(std::initializer_list<std::pair<const char*, Json>> properties,
                          std::vector<std::string> required = {}) {
  Json schema{{"type", "object"}, {"properties", Json::object()}, {"additionalProperties", false}};
  for (const auto& [name, property] : properties)
    schema["properties"][name] = property;
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

}  // namespace morgan::tools
