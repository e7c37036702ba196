// A tool's JSON Schema, compiled once, and whether arguments obey it. The checker is valijson.
#pragma once

#include "base/json_util.h"
#include "base/result.h"

#include <memory>

namespace morgan::tools {

/// A copy of `schema` with the words that are checked, and that a grammar can be made of: types, properties, required,
/// enum, const, limits, items, anyOf and its kin, references inside the schema. What else is in it is left out.
Json plain_schema(const Json& schema);

/// @thread any, concurrently
class ArgumentsCheck {
 public:
  /// @error kInvalidArgument  no JSON Schema of an object, nested deeper than 16
  static Result<ArgumentsCheck> compile(const Json& schema);

  ArgumentsCheck(ArgumentsCheck&&) noexcept;
  ArgumentsCheck& operator=(ArgumentsCheck&&) noexcept;
  ~ArgumentsCheck();

  /// @error kInvalidArgument  `param` names the argument
  Result<void> check(const Json& arguments) const;

 private:
  struct State;
  explicit ArgumentsCheck(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace morgan::tools
