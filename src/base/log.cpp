#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cctype>

namespace morgan::log {

namespace {

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made = std::make_shared<spdlog::logger>("morgan", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    made->flush_on(spdlog::level::info);
    return made;
  }();
  return *instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
    case Level::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

void append_value(std::string& line, std::string_view value) {
  bool plain = !value.empty();
  for (const char c : value) {
    if (std::isgraph(static_cast<unsigned char>(c)) == 0 || c == '"' || c == '=') plain = false;
  }
  if (plain) {
    line += value;
    return;
  }
  line += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') line += '\\';
    // A line break inside a value would let input forge a line of the log.
    line += std::iscntrl(static_cast<unsigned char>(c)) != 0 ? ' ' : c;
  }
  line += '"';
}

}  // namespace

Result<void> set_level(std::string_view level) {
  static constexpr std::pair<std::string_view, Level> kLevels[] = {{"debug", Level::kDebug},
                                                                   {"info", Level::kInfo},
                                                                   {"warn", Level::kWarn},
                                                                   {"error", Level::kError},
                                                                   {"off", Level::kOff}};
  for (const auto& [name, value] : kLevels) {
    if (name == level) {
      logger().set_level(to_spdlog(value));
      return {};
    }
  }
  return fail(ErrorCode::kInvalidArgument,
              "log level '" + std::string(level) + "' is none of debug, info, warn, error, off");
}

bool enabled(Level level) {
  return logger().should_log(to_spdlog(level));
}

void write(Level level, std::string_view area, std::string_view message, std::initializer_list<Field> fields) {
  if (!enabled(level)) return;
  std::string line;
  line.reserve(area.size() + message.size() + fields.size() * 24 + 2);
  line.append(area).append(" ").append(message);
  for (const Field& field : fields) {
    line.append(" ").append(field.key).append("=");
    append_value(line, field.value);
  }
  logger().log(to_spdlog(level), "{}", line);
}

}  // namespace morgan::log
