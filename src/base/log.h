// One line per event, "2026-11-23T10:00:00.123Z info stt model loaded id=whisper-base ms=214".
// Never audio, speech or secrets at info level and above. Backed by spdlog, which no header shows.
#pragma once

#include "base/result.h"

#include <initializer_list>
#include <string>
#include <string_view>

namespace morgan::log {

enum class Level { kDebug, kInfo, kWarn, kError, kOff };

/// One key=value of a line; values with blanks are quoted.
struct Field {
  std::string_view key;
  std::string value;
};

/// Sets the lowest level that is written: "debug", "info", "warn", "error" or "off".
/// @error kInvalidArgument  another word
Result<void> set_level(std::string_view level);
bool enabled(Level level);

/// @thread any; lines go to standard error, whole
void write(Level level, std::string_view area, std::string_view message, std::initializer_list<Field> fields = {});

inline void debug(std::string_view area, std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::kDebug, area, message, fields);
}
inline void info(std::string_view area, std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::kInfo, area, message, fields);
}
inline void warn(std::string_view area, std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::kWarn, area, message, fields);
}
inline void error(std::string_view area, std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::kError, area, message, fields);
}

}  // namespace morgan::log
