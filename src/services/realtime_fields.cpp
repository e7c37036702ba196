#include "services/realtime_fields.h"

#include "base/strings.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace morgan::services {

Failure realtime_error(std::string code, std::string message, std::string param) {
  return fail(Error{ErrorCode::kInvalidArgument, std::move(message), std::move(code), std::move(param)});
}

const Json* RealtimeFields::find(std::string_view name) const {
  const auto found = object_.find(std::string(name));
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

bool RealtimeFields::is_null(std::string_view name) const {
  const auto found = object_.find(std::string(name));
  return found != object_.end() && found->is_null();
}

std::string RealtimeFields::path(std::string_view name) const {
  return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
}

Failure RealtimeFields::wrong_type(std::string_view name, std::string_view expected) const {
  return realtime_error("invalid_type", fmt::format("field '{}' must be {}", path(name), expected), path(name));
}

Failure RealtimeFields::invalid(std::string_view name, std::string message) const {
  return realtime_error("invalid_value", std::move(message), path(name));
}

Failure RealtimeFields::missing(std::string_view name) const {
  return realtime_error("missing_required_parameter", fmt::format("field '{}' is required", path(name)), path(name));
}

Result<std::optional<std::string>> RealtimeFields::text(std::string_view name) const {
  const Json* value = find(name);
  if (value == nullptr) return std::optional<std::string>();
  if (!value->is_string()) return wrong_type(name, "a string");
  return std::optional(value->get<std::string>());
}

Result<std::optional<std::string>> RealtimeFields::word(std::string_view name,
                                                        std::initializer_list<std::string_view> known) const {
  MORGAN_TRY(auto value, text(name));
  if (!value || std::find(known.begin(), known.end(), *value) != known.end()) return value;
  const std::vector<std::string> names(known.begin(), known.end());
  return invalid(name, fmt::format("field '{}' is '{}', expected one of: {}{}", path(name), *value, join(names, ", "),
                                   did_you_mean(*value, names)));
}

Result<std::optional<double>> RealtimeFields::number(std::string_view name, double least, double most) const {
  const Json* value = find(name);
  if (value == nullptr) return std::optional<double>();
  if (!value->is_number()) return wrong_type(name, "a number");
  const double number = value->get<double>();
  if (!(number >= least && number <= most))
    return invalid(name, fmt::format("field '{}' must be from {} to {}", path(name), least, most));
  return std::optional(number);
}

Result<std::optional<long long>> RealtimeFields::integer(std::string_view name, long long least, long long most) const {
  const Json* value = find(name);
  if (value == nullptr) return std::optional<long long>();
  if (!value->is_number_integer()) return wrong_type(name, "a whole number");
  // An unsigned number may be larger than what is compared below.
  const bool huge = value->is_number_unsigned() && value->get<unsigned long long>() > (1ULL << 62U);
  const long long number = huge ? most : value->get<long long>();
  if (huge || number < least || number > most)
    return invalid(name, fmt::format("field '{}' must be from {} to {}", path(name), least, most));
  return std::optional(number);
}

Result<std::optional<bool>> RealtimeFields::boolean(std::string_view name) const {
  const Json* value = find(name);
  if (value == nullptr) return std::optional<bool>();
  if (!value->is_boolean()) return wrong_type(name, "true or false");
  return std::optional(value->get<bool>());
}

Result<const Json*> RealtimeFields::object(std::string_view name) const {
  const Json* value = find(name);
  if (value != nullptr && !value->is_object()) return wrong_type(name, "an object");
  return value;
}

Result<const Json*> RealtimeFields::list(std::string_view name) const {
  const Json* value = find(name);
  if (value != nullptr && !value->is_array()) return wrong_type(name, "a list");
  return value;
}

Result<std::string> RealtimeFields::required_text(std::string_view name) const {
  MORGAN_TRY(auto value, text(name));
  if (!value) return missing(name);
  return std::move(*value);
}

}  // namespace morgan::services
