#include "cli/terminal.h"

#include "base/strings.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

namespace morgan::cli {

namespace {

constexpr auto kRedrawEvery = std::chrono::milliseconds(100);
constexpr std::size_t kBarCells = 28;

std::string styled(std::string_view code, std::string_view text) {
  static const bool kColours = is_terminal(STDOUT_FILENO) && std::getenv("NO_COLOR") == nullptr;
  return kColours ? fmt::format("\033[{}m{}\033[0m", code, text) : std::string(text);
}

}  // namespace

bool is_terminal(int descriptor) {
  return ::isatty(descriptor) == 1;
}

std::string bold(std::string_view text) {
  return styled("1", text);
}
std::string dim(std::string_view text) {
  return styled("2", text);
}
std::string green(std::string_view text) {
  return styled("32", text);
}
std::string red(std::string_view text) {
  return styled("31", text);
}
std::string yellow(std::string_view text) {
  return styled("33", text);
}

ProgressBar::ProgressBar() : terminal_(is_terminal(STDERR_FILENO)) {}

ProgressBar::~ProgressBar() {
  finish();
}

void ProgressBar::update(const std::string& label, std::uint64_t done, std::uint64_t total, bool unit_bytes) {
  const double fraction = total > 0 ? std::min(1.0, static_cast<double>(done) / static_cast<double>(total)) : 0;
  if (!terminal_) {
    const int quarter = total > 0 ? static_cast<int>(fraction * 4) : 0;
    if (label == label_ && quarter <= quarter_) return;
    // A log gets the beginning and the end of a step; between them only long downloads speak.
    if (label != label_ || (unit_bytes && total > 100'000'000)) {
      std::cerr << label << (quarter > 0 ? fmt::format(" {:.0f} %", fraction * 100) : "") << "\n";
    }
    label_ = label;
    quarter_ = quarter;
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  if (label == label_ && now - last_draw_ < kRedrawEvery && fraction < 1) return;
  label_ = label;
  last_draw_ = now;
  drawn_ = true;
  const auto filled = static_cast<std::size_t>(fraction * kBarCells);
  std::string amount;
  if (unit_bytes && total > 0) amount = human_bytes(done) + " of " + human_bytes(total);
  std::cerr << fmt::format("\r\033[K{:<44.44} [{}{}] {:3.0f} %  {}", label, std::string(filled, '='),
                           std::string(kBarCells - filled, ' '), fraction * 100, amount)
            << std::flush;
}

void ProgressBar::finish() {
  if (drawn_) std::cerr << "\r\033[K" << std::flush;
  drawn_ = false;
  label_.clear();
  quarter_ = -1;
}

}  // namespace morgan::cli
