// The parameters of one request, wherever the client wrote them: a JSON body, a form (multipart or
// URL-encoded) or the query. The body wins over the query. A JSON value must have the right type; text from
// a form or the query is parsed. Fields nobody asks for are ignored, for clients add some every month.
#pragma once

#include "base/json_util.h"
#include "base/result.h"
#include "net/http_types.h"
#include "net/multipart.h"

#include <initializer_list>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::services {

/// Both ends belong to it.
struct NumberRange {
  double least = std::numeric_limits<double>::lowest();
  double most = std::numeric_limits<double>::max();
};

/// Borrows the request's body: the request outlives it. @thread one caller at a time
class Fields {
 public:
  /// @error kInvalidArgument  malformed JSON or form, not UTF-8, a content type that holds no fields
  static Result<Fields> read(const net::Request& request);
  /// The same, for a route whose body may also be the audio itself.
  static Result<Fields> read_or_audio(const net::Request& request);

  /// Fields that came as a JSON object of their own, not as a request's body.
  static Fields of(Json object);

  bool has(std::string_view name) const;
  /// The first of these names that is present, else the first of all: for fields with several names.
  std::string_view present(std::initializer_list<std::string_view> names) const;

  // Each: nullopt when absent or null. @error kInvalidArgument  with `param`: wrong type or out of range
  Result<std::optional<std::string>> text(std::string_view name) const;
  Result<std::optional<double>> number(std::string_view name, NumberRange range = {}) const;
  Result<std::optional<long long>> integer(std::string_view name, NumberRange range = {}) const;
  Result<std::optional<bool>> boolean(std::string_view name) const;
  /// An object; in a form it is JSON text.
  Result<std::optional<Json>> object(std::string_view name) const;
  /// A list of words: a JSON array of strings, one string, or a form field given several times or with commas.
  Result<std::vector<std::string>> words(std::string_view name) const;

  Result<std::string> text_or(std::string_view name, std::string_view fallback) const;
  Result<bool> boolean_or(std::string_view name, bool fallback) const;
  /// @error kInvalidArgument  absent, blank, or more than max_chars characters
  Result<std::string> required_text(std::string_view name, std::size_t max_chars) const;

  /// The JSON body; an empty object when the fields came in another form.
  const Json& body() const { return object_; }
  /// The raw value in a JSON body, or null.
  const Json* json(std::string_view name) const;
  /// A part of a multipart body, or null.
  const net::FormPart* part(std::string_view name) const;
  bool body_is_audio() const { return body_is_audio_; }

 private:
  Json object_ = Json::object();                             // fields of a JSON body
  std::map<std::string, std::vector<std::string>> written_;  // of a form or the query, not yet parsed
  std::vector<net::FormPart> parts_;                         // of a multipart body
  bool body_is_audio_ = false;

  Result<void> read_body(const net::Request& request, bool audio_allowed);
  Result<void> add_written(std::string name, std::string_view value);
  const std::string* written(std::string_view name) const;
};

/// Number of Unicode characters of valid UTF-8.
std::size_t count_characters(std::string_view text);

/// The failure of one named field.
Failure field_error(std::string_view name, std::string message);

/// @error kInvalidArgument, param user_id  not 1..128 printable characters, or with a slash
Result<std::string> check_user_id(std::string user_id);

/// Whose affair a request is: the user that it names; when it names none, its key's, and "default" when that may be
/// anybody's. @param caller  Request::caller
/// @error kUnauthorized, FORBIDDEN  its key is another user's   @error as check_user_id
Result<std::string> user_of(const net::Caller* caller, const std::optional<std::string>& named);

/// The same, of field user_id.
Result<std::string> read_user_id(const net::Caller* caller, const Fields& fields);

/// Whose a session is that a request opens or names: the user of its key; "" when users are not kept apart.
std::string owner_of(const net::Request& request);

/// "en-US", "EN" and "english" to "en"; "auto" to "". What is no language name is left for the engine to refuse.
std::string language_code(std::string_view name);
/// The codes of all languages that Whisper knows.
std::vector<std::string> known_languages();
/// "en" to "english", as OpenAI's verbose answer writes it; the code itself when unknown.
std::string language_name(std::string_view code);

}  // namespace morgan::services
