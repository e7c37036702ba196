// Writing to a person: colours only on a terminal (and not with NO_COLOR), a progress bar that stays one
// line there and a few lines in a log.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace morgan::cli {

bool is_terminal(int descriptor);
/// Wraps in an ANSI style when standard output is a terminal.
std::string bold(std::string_view text);
std::string dim(std::string_view text);
std::string green(std::string_view text);
std::string red(std::string_view text);
std::string yellow(std::string_view text);

/// On standard error. A bar when that is a terminal; else one line per label and quarter.
class ProgressBar {
 public:
  ProgressBar();
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// @param total 0: not known; `unit_bytes`: the numbers are bytes
  void update(const std::string& label, std::uint64_t done, std::uint64_t total, bool unit_bytes);
  void finish();

 private:
  bool terminal_;
  bool drawn_ = false;
  std::string label_;
  int quarter_ = -1;
  std::chrono::steady_clock::time_point last_draw_{};
};

}  // namespace morgan::cli
