#include "cli/command.h"

#include "base/json_util.h"

#include <iostream>

namespace morgan::cli {

namespace {

int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kTooLarge:
    case ErrorCode::kUnsupported:
      return kExitBadInput;
    case ErrorCode::kNotFound:
    case ErrorCode::kUnavailable:
    case ErrorCode::kConflict:
    case ErrorCode::kOverloaded:
    case ErrorCode::kCorrupt:
    case ErrorCode::kDeadlineExceeded:
      return kExitUnavailable;
    case ErrorCode::kCancelled:
      return kExitInterrupted;
    case ErrorCode::kUnauthorized:
    case ErrorCode::kInternal:
      return kExitFailed;
  }
  return kExitFailed;
}

}  // namespace

Result<app::AppConfig> Context::config() const {
  MORGAN_TRY(app::LoadedConfig loaded, app::load_config(config_file));
  return std::move(loaded.config);
}

int report(const Context& context, const Error& error) {
  if (context.json) {
    std::cerr << dump_json(OrderedJson{{"error", to_string(error.code)}, {"message", error.message}}) << "\n";
  } else {
    std::cerr << "morgan: " << error.message << "\n";
  }
  return exit_code(error.code);
}

}  // namespace morgan::cli
