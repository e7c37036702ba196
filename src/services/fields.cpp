#include "services/fields.h"

#include "base/strings.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace morgan::services {

namespace {

constexpr std::size_t kMaxUserIdChars = 128;

std::string media_type(std::string_view content_type) {
  return to_lower_ascii(trim(content_type.substr(0, content_type.find(';'))));
}

bool holds_audio(std::string_view type) {
  return type.starts_with("audio/") || type.starts_with("video/") || type == "application/octet-stream" ||
         type == "application/ogg";
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string url_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape =
        text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
    if (escape) {
      out.push_back(static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

std::string plain_number(double value) {
  std::string text = std::to_string(value);
  while (text.find('.') != std::string::npos && (text.back() == '0' || text.back() == '.')) {
    const bool point = text.back() == '.';
    text.pop_back();
    if (point) break;
  }
  return text;
}

Result<void> check_range(std::string_view name, double value, NumberRange range) {
  if (value >= range.least && value <= range.most) return {};
  return field_error(name, "field '" + std::string(name) + "' is " + plain_number(value) + ", expected " +
                               plain_number(range.least) + " to " + plain_number(range.most));
}

// No route takes more than one file, and which of two is meant cannot be told.
Result<void> check_one_file(std::span<const net::FormPart> parts) {
  const auto files = std::count_if(parts.begin(), parts.end(), [](const auto& part) { return !part.filename.empty(); });
  if (files <= 1) return {};
  return fail(ErrorCode::kInvalidArgument,
              "the form has " + std::to_string(files) + " files; send one recording in a request");
}

}  // namespace

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

Failure field_error(std::string_view name, std::string message) {
  return fail(Error{ErrorCode::kInvalidArgument, std::move(message), "", std::string(name)});
}

Result<Fields> Fields::read(const net::Request& request) {
  Fields fields;
  for (const auto& [name, value] : request.query)
    MORGAN_CHECK_OK(fields.add_written(name, value));
  MORGAN_CHECK_OK(fields.read_body(request, false));
  return fields;
}

Result<Fields> Fields::read_or_audio(const net::Request& request) {
  Fields fields;
  for (const auto& [name, value] : request.query)
    MORGAN_CHECK_OK(fields.add_written(name, value));
  MORGAN_CHECK_OK(fields.read_body(request, true));
  return fields;
}

Fields Fields::of(Json object) {
  Fields fields;
  fields.object_ = std::move(object);
  return fields;
}

Result<void> Fields::read_body(const net::Request& request, bool audio_allowed) {
  const std::string type = media_type(request.header("Content-Type"));
  if (request.body.empty() && type.find("json") == std::string::npos) return {};
  if (type == "multipart/form-data") {
    MORGAN_TRY(parts_, net::parse_multipart(request.header("Content-Type"), request.body));
    MORGAN_CHECK_OK(check_one_file(parts_));
    std::map<std::string, std::vector<std::string>> from_query;
    from_query.swap(written_);
    for (const net::FormPart& part : parts_) {
      if (part.filename.empty() && is_valid_utf8(part.data)) MORGAN_CHECK_OK(add_written(part.name, part.data));
    }
    written_.merge(from_query);  // keeps what the form has
    return {};
  }
  if (audio_allowed && holds_audio(type)) {
    body_is_audio_ = true;
    return {};
  }
  // curl -d says "urlencoded" whatever it sends, so the first character decides.
  const std::string_view body = trim(request.body);
  const bool untyped = type.empty() || type == "text/plain" || type == "application/x-www-form-urlencoded";
  if (type.find("json") != std::string::npos || (untyped && (body.starts_with('{') || body.starts_with('[')))) {
    MORGAN_TRY(object_, parse_json_object(request.body));
    return {};
  }
  if (type == "application/x-www-form-urlencoded") {
    for (const std::string& pair : split(body, '&')) {
      const std::size_t equals = pair.find('=');
      const std::string name = url_decode(std::string_view(pair).substr(0, equals));
      const std::string value =
          equals == std::string::npos ? "" : url_decode(std::string_view(pair).substr(equals + 1));
      if (const auto at = written_.find(name); at != written_.end()) written_.erase(at);
      MORGAN_CHECK_OK(add_written(name, value));
    }
    return {};
  }
  const std::string_view wanted =
      audio_allowed ? "application/json, multipart/form-data or audio/*" : "application/json or multipart/form-data";
  if (type.empty()) return fail(ErrorCode::kInvalidArgument, "the body is no JSON object; send " + std::string(wanted));
  return fail(Error{ErrorCode::kInvalidArgument,
                    "a body of type '" + type + "' is not understood here; send " + std::string(wanted),
                    "UNSUPPORTED_MEDIA_TYPE"});
}

Result<void> Fields::add_written(std::string name, std::string_view value) {
  if (name.ends_with("[]")) name.resize(name.size() - 2);
  if (!is_valid_utf8(name)) return fail(ErrorCode::kInvalidArgument, "the name of a field is not valid UTF-8");
  if (!is_valid_utf8(value)) return field_error(name, "field '" + name + "' is not valid UTF-8");
  written_[name].emplace_back(value);
  return {};
}

const std::string* Fields::written(std::string_view name) const {
  const auto at = written_.find(std::string(name));
  return at == written_.end() || at->second.empty() ? nullptr : &at->second.back();
}

const Json* Fields::json(std::string_view name) const {
  const auto at = object_.find(name);
  return at == object_.end() || at->is_null() ? nullptr : &*at;
}

const net::FormPart* Fields::part(std::string_view name) const {
  const auto at = std::find_if(parts_.begin(), parts_.end(), [&](const auto& part) { return part.name == name; });
  return at == parts_.end() ? nullptr : &*at;
}

bool Fields::has(std::string_view name) const {
  return json(name) != nullptr || written(name) != nullptr || part(name) != nullptr;
}

std::string_view Fields::present(std::initializer_list<std::string_view> names) const {
  for (const std::string_view name : names) {
    if (has(name)) return name;
  }
  return *names.begin();
}

Result<std::optional<std::string>> Fields::text(std::string_view name) const {
  if (json(name) != nullptr) return json_string(object_, name);
  if (const std::string* value = written(name)) return std::optional<std::string>{*value};
  // A part that could not be text was kept only as a part.
  if (const net::FormPart* found = part(name); found != nullptr && found->filename.empty()) {
    return field_error(name, "field '" + std::string(name) + "' is not valid UTF-8");
  }
  return std::optional<std::string>{};
}

Result<std::optional<double>> Fields::number(std::string_view name, NumberRange range) const {
  std::optional<double> value;
  if (json(name) != nullptr) {
    MORGAN_TRY(value, json_number(object_, name));
  } else if (const std::string* given = written(name); given != nullptr && !trim(*given).empty()) {
    value = parse_double(trim(*given));
    if (!value) return field_error(name, "field '" + std::string(name) + "' must be a number");
  }
  if (value && !std::isfinite(*value)) return field_error(name, "field '" + std::string(name) + "' must be finite");
  if (value) MORGAN_CHECK_OK(check_range(name, *value, range));
  return value;
}

Result<std::optional<long long>> Fields::integer(std::string_view name, NumberRange range) const {
  std::optional<long long> value;
  if (json(name) != nullptr) {
    MORGAN_TRY(value, json_integer(object_, name));
  } else if (const std::string* given = written(name); given != nullptr && !trim(*given).empty()) {
    value = parse_integer(trim(*given));
    if (!value) return field_error(name, "field '" + std::string(name) + "' must be an integer");
  }
  if (value) MORGAN_CHECK_OK(check_range(name, static_cast<double>(*value), range));
  return value;
}

Result<std::optional<bool>> Fields::boolean(std::string_view name) const {
  if (json(name) != nullptr) return json_bool(object_, name);
  const std::string* given = written(name);
  if (given == nullptr || trim(*given).empty()) return std::optional<bool>{};
  const std::string word = to_lower_ascii(trim(*given));
  if (word == "true" || word == "1" || word == "yes" || word == "on") return std::optional<bool>{true};
  if (word == "false" || word == "0" || word == "no" || word == "off") return std::optional<bool>{false};
  return field_error(name, "field '" + std::string(name) + "' must be true or false");
}

Result<std::optional<Json>> Fields::object(std::string_view name) const {
  if (const Json* value = json(name)) {
    if (!value->is_object()) {
      return field_error(name, "field '" + std::string(name) + "' must be an object, but is " + value->type_name());
    }
    return std::optional<Json>{*value};
  }
  const std::string* given = written(name);
  if (given == nullptr || trim(*given).empty()) return std::optional<Json>{};
  auto parsed = parse_json_object(*given);
  if (!parsed) return field_error(name, "field '" + std::string(name) + "': " + parsed.error().message);
  return std::optional<Json>{std::move(*parsed)};
}

Result<std::vector<std::string>> Fields::words(std::string_view name) const {
  std::vector<std::string> found;
  if (const Json* value = json(name)) {
    const Json list = value->is_array() ? *value : Json::array({*value});
    for (const Json& word : list) {
      if (!word.is_string()) return field_error(name, "field '" + std::string(name) + "' must be a list of strings");
      found.push_back(word.get<std::string>());
    }
    return found;
  }
  const auto at = written_.find(std::string(name));
  if (at == written_.end()) return found;
  for (const std::string& value : at->second) {
    for (const std::string& word : split(value, ',')) {
      if (!trim(word).empty()) found.emplace_back(trim(word));
    }
  }
  return found;
}

Result<std::string> Fields::text_or(std::string_view name, std::string_view fallback) const {
  MORGAN_TRY(auto value, text(name));
  return value ? std::move(*value) : std::string(fallback);
}

Result<bool> Fields::boolean_or(std::string_view name, bool fallback) const {
  MORGAN_TRY(auto value, boolean(name));
  return value.value_or(fallback);
}

Result<std::string> Fields::required_text(std::string_view name, std::size_t max_chars) const {
  MORGAN_TRY(auto value, text(name));
  const std::string quoted = "field '" + std::string(name) + "'";
  if (!value) return field_error(name, quoted + " is required");
  if (trim(*value).empty()) return field_error(name, quoted + " is empty");
  if (const std::size_t length = count_characters(*value); length > max_chars) {
    return field_error(name, quoted + " has " + std::to_string(length) + " characters, at most " +
                                 std::to_string(max_chars) + " are allowed");
  }
  return std::move(*value);
}

Result<std::string> check_user_id(std::string user_id) {
  const std::size_t length = count_characters(user_id);
  const bool printable = is_valid_utf8(user_id) && std::none_of(user_id.begin(), user_id.end(), [](char c) {
                           const auto byte = static_cast<unsigned char>(c);
                           return byte < 0x20U || byte == 0x7FU || c == '/' || c == '\\';
                         });
  if (length < 1 || length > kMaxUserIdChars || !printable || trim(user_id).empty()) {
    return field_error("user_id", "field 'user_id' must have 1 to 128 printable characters and no slash");
  }
  return user_id;
}

Result<std::string> user_of(const net::Caller* caller, const std::optional<std::string>& named) {
  const bool bound = caller != nullptr && !caller->user.empty();
  if (!named) return bound ? caller->user : std::string("default");
  MORGAN_TRY(std::string user_id, check_user_id(*named));
  if (!bound || user_id == caller->user) return user_id;
  // The same whether there is such a user or not.
  return fail({ErrorCode::kUnauthorized, "this key speaks for another user", "FORBIDDEN", "user_id"});
}

std::string owner_of(const net::Request& request) {
  return request.caller ? request.caller->user : "";
}

Result<std::string> read_user_id(const net::Caller* caller, const Fields& fields) {
  MORGAN_TRY(const auto named, fields.text("user_id"));
  return user_of(caller, named);
}

}  // namespace morgan::services
