// A value or the Error that prevented it, with the names of std::expected (GCC 12 has it only in
// C++23 mode, and not [[nodiscard]]; docs/adr/0001).
#pragma once

#include "base/error.h"

#include <string>
#include <utility>
#include <variant>

namespace morgan {

/// Wraps an Error so that `return fail(...)` converts to any Result<T>.
struct Failure {
  Error error;
};

inline Failure fail(Error error) {
  return Failure{std::move(error)};
}

inline Failure fail(ErrorCode code, std::string message) {
  return Failure{Error{code, std::move(message)}};
}

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit as std::expected
  Result(Failure failure) : state_(std::in_place_index<1>, std::move(failure.error)) {}  // NOLINT

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Failure failure) : error_(std::move(failure.error)), failed_(true) {}  // NOLINT

  bool has_value() const { return !failed_; }
  explicit operator bool() const { return has_value(); }
  const Error& error() const& { return error_; }
  Error&& error() && { return std::move(error_); }

 private:
  Error error_;
  bool failed_ = false;
};

}  // namespace morgan

#define MORGAN_CONCAT_(a, b) a##b
#define MORGAN_CONCAT(a, b) MORGAN_CONCAT_(a, b)
#define MORGAN_TRY_(holder, declaration, expression)                \
  auto holder = (expression);                                       \
  if (!holder) return ::morgan::Failure{std::move(holder).error()}; \
  declaration = std::move(holder).value()

/// MORGAN_TRY(auto x, f()): declares x with f's value, or returns its error.
#define MORGAN_TRY(declaration, expression) \
  MORGAN_TRY_(MORGAN_CONCAT(morgan_try_, __COUNTER__), declaration, expression)

/// MORGAN_CHECK_OK(f()): returns f's error, if it has one.
#define MORGAN_CHECK_OK(expression)                                                   \
  do {                                                                                \
    auto morgan_status_ = (expression);                                               \
    if (!morgan_status_) return ::morgan::Failure{std::move(morgan_status_).error()}; \
  } while (false)
