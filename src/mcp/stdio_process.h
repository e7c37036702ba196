// A program that runs beside Morgan and is spoken to line by line, over its standard input and output. What it writes
// to standard error goes to the log.
#pragma once

#include "base/result.h"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/types.h>

namespace morgan::mcp {

/// Called from the process's reading thread, one after another.
struct ProcessEvents {
  std::function<void(std::string_view line)> on_line;
  std::function<void()> on_too_long;             ///< a line over the limit was left out
  std::function<void(const Error& why)> on_end;  ///< its output has ended; once, and not when we end it
};

struct ProcessStart {
  std::string name;                        ///< for the log
  std::vector<std::string> command;        ///< looked up in PATH
  std::map<std::string, std::string> env;  ///< beside HOME, LOGNAME, PATH, SHELL, TERM, USER nothing else is passed on
  std::size_t most_line = 1 << 20;         ///< bytes
};

class StdioProcess {
 public:
  /// @error kNotFound  no such program   @error kUnavailable
  static Result<std::unique_ptr<StdioProcess>> start(const ProcessStart& start, ProcessEvents events);
  /// Closes its input, waits, then SIGTERM, then SIGKILL, 2 s each; to the whole process group.
  ~StdioProcess();
  StdioProcess(const StdioProcess&) = delete;
  StdioProcess& operator=(const StdioProcess&) = delete;

  /// Adds the line end. @error kUnavailable  it has ended, or has not read for 10 s
  /// @thread any
  Result<void> write_line(std::string_view line);
  pid_t pid() const { return pid_; }

 private:
  StdioProcess(const ProcessStart& start, ProcessEvents events);
  void read_until_end();
  void take_log(std::string_view bytes);
  void end_process();

  const std::string name_;
  const std::size_t most_line_;
  const ProcessEvents events_;
  pid_t pid_ = 0;
  int input_ = -1;          // we write
  int output_ = -1;         // we read
  int log_ = -1;            // likewise
  int wake_ = -1;           // readable: stop reading
  std::mutex write_mutex_;  // guards input_ being written
  std::string log_line_;    // of the reading thread
  std::thread reader_;
};

}  // namespace morgan::mcp
