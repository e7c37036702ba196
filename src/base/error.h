// What went wrong, as a value: a code the caller can switch on, a message a person can act on.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace morgan {

/// Twelve kinds of failure; services/error_response.cpp maps each to one HTTP status.
enum class ErrorCode : std::uint8_t {
  kInvalidArgument,
  kNotFound,
  kUnauthorized,
  kConflict,
  kTooLarge,
  kUnsupported,
  kOverloaded,
  kCancelled,
  kDeadlineExceeded,
  kUnavailable,
  kCorrupt,
  kInternal,
};

/// Stable lower-case name, "invalid_argument".
std::string_view to_string(ErrorCode code);

/// One failure. `reason` is the wire code of the older API ("VOICE_NOT_FOUND") where one fits better
/// than the code's default, else empty; `param` names the offending field, else empty.
/// A message never holds a secret or what a user said.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  std::string reason = {};
  std::string param = {};
};

}  // namespace morgan
