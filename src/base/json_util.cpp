#include "base/json_util.h"

#include "base/strings.h"

#include <cmath>

namespace morgan {

namespace {

constexpr int kMaxDepth = 64;

Failure wrong_type(std::string_view name, std::string_view expected, const Json& value) {
  return fail({ErrorCode::kInvalidArgument,
               "field '" + std::string(name) + "' must be " + std::string(expected) + ", but is " + value.type_name(),
               "", std::string(name)});
}

const Json* find(const Json& object, std::string_view name) {
  const auto at = object.find(name);
  return at == object.end() || at->is_null() ? nullptr : &*at;
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
  if (trim(text).empty()) return fail(ErrorCode::kInvalidArgument, "the body is empty; expected JSON");
  if (!is_valid_utf8(text)) return fail(ErrorCode::kInvalidArgument, "the JSON text is not valid UTF-8");
  // The recursive destructor and printer would overflow the stack on hostile depth, so it is refused while parsing.
  bool too_deep = false;
  const Json::parser_callback_t watch_depth = [&too_deep](int depth, Json::parse_event_t, Json&) {
    if (depth > kMaxDepth) too_deep = true;
    return !too_deep;
  };
  try {
    Json value = Json::parse(text, watch_depth);
    if (too_deep) return fail(ErrorCode::kInvalidArgument, "the JSON is nested deeper than 64 levels");
    return value;
  } catch (const Json::parse_error& error) {
    return fail(ErrorCode::kInvalidArgument, "malformed JSON near byte " + std::to_string(error.byte));
  } catch (const Json::exception&) {
    return fail(ErrorCode::kInvalidArgument, "malformed JSON: a number is out of range");
  }
}

Result<Json> parse_json_object(std::string_view text) {
  MORGAN_TRY(Json value, parse_json(text));
  if (!value.is_object()) {
    return fail(ErrorCode::kInvalidArgument, "expected a JSON object, got " + std::string(value.type_name()));
  }
  return value;
}

std::string dump_json(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string dump_json(const OrderedJson& value, int indent) {
  return value.dump(indent, ' ', false, OrderedJson::error_handler_t::replace);
}

Result<std::optional<std::string>> json_string(const Json& object, std::string_view name) {
  const Json* value = find(object, name);
  if (value == nullptr) return std::optional<std::string>{};
  if (!value->is_string()) return wrong_type(name, "a string", *value);
  return std::optional<std::string>{value->get<std::string>()};
}

Result<std::optional<double>> json_number(const Json& object, std::string_view name) {
  const Json* value = find(object, name);
  if (value == nullptr) return std::optional<double>{};
  if (!value->is_number()) return wrong_type(name, "a number", *value);
  return std::optional<double>{value->get<double>()};
}

Result<std::optional<long long>> json_integer(const Json& object, std::string_view name) {
  const Json* value = find(object, name);
  if (value == nullptr) return std::optional<long long>{};
  const double number = value->is_number() ? value->get<double>() : std::nan("");
  if (!(std::abs(number) < 9e15) || number != std::floor(number)) return wrong_type(name, "an integer", *value);
  return std::optional<long long>{static_cast<long long>(number)};
}

Result<std::optional<bool>> json_bool(const Json& object, std::string_view name) {
  const Json* value = find(object, name);
  if (value == nullptr) return std::optional<bool>{};
  if (!value->is_boolean()) return wrong_type(name, "true or false", *value);
  return std::optional<bool>{value->get<bool>()};
}

}  // namespace morgan
