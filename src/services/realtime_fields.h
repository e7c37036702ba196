// Reading a client event of OpenAI's Realtime API, or a request of the Responses API: every refusal names the field by
// its whole path and has OpenAI's code.
#pragma once

#include "base/json_util.h"
#include "base/result.h"

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace morgan::services {

/// One object inside an event. Borrows it.
class RealtimeFields {
 public:
  /// @param path  of the object in the event: "session.audio.input", "" for the event itself
  RealtimeFields(const Json& object, std::string path) : object_(object), path_(std::move(path)) {}

  bool has(std::string_view name) const { return object_.contains(std::string(name)); }
  bool is_null(std::string_view name) const;
  const Json& operator[](std::string_view name) const { return object_.at(std::string(name)); }
  std::string path(std::string_view name) const;

  // Each: nullopt when absent or null. @error kInvalidArgument  another type, or out of range
  Result<std::optional<std::string>> text(std::string_view name) const;
  Result<std::optional<std::string>> word(std::string_view name, std::initializer_list<std::string_view> known) const;
  Result<std::optional<double>> number(std::string_view name, double least, double most) const;
  Result<std::optional<long long>> integer(std::string_view name, long long least, long long most) const;
  Result<std::optional<bool>> boolean(std::string_view name) const;
  /// Null: absent or null.
  Result<const Json*> object(std::string_view name) const;
  Result<const Json*> list(std::string_view name) const;
  /// @error kInvalidArgument  also when absent
  Result<std::string> required_text(std::string_view name) const;

  Failure wrong_type(std::string_view name, std::string_view expected) const;
  Failure invalid(std::string_view name, std::string message) const;
  Failure missing(std::string_view name) const;

 private:
  const Json* find(std::string_view name) const;

  const Json& object_;
  const std::string path_;
};

/// A refusal with one of OpenAI's codes.
Failure realtime_error(std::string code, std::string message, std::string param = "");

}  // namespace morgan::services
