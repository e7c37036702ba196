#include "net/webrtc/rtc_sdp.h"

#include "base/strings.h"

#include <algorithm>
#include <vector>

namespace morgan::net {

namespace {

constexpr std::string_view kCandidate = "a=candidate:";
constexpr std::string_view kEnd = "a=end-of-candidates";
/// foundation, component, transport, priority, address, port, "typ", type
constexpr std::size_t kFields = 8;

std::vector<std::string> lines_of(std::string_view sdp) {
  std::vector<std::string> lines;
  for (const std::string& line : split(sdp, '\n')) {
    const std::string_view text = trim(line);
    if (!text.empty()) lines.emplace_back(text);
  }
  return lines;
}

/// "": not of a host with IPv4.
std::string moved(const std::string& line, std::string_view address) {
  std::vector<std::string> fields = split(line, ' ');
  if (fields.size() < kFields || fields[7] != "host" || fields[4].find('.') == std::string::npos) return "";
  fields[0] += "9";  // another foundation, for it is another address
  fields[4] = address;
  return join(fields, " ");
}

}  // namespace

std::string without_candidates(std::string_view sdp) {
  std::string kept;
  for (const std::string& line : lines_of(sdp)) {
    if (!line.starts_with(kCandidate) && line != kEnd) kept += line + "\r\n";
  }
  return kept;
}

std::size_t count_media(std::string_view sdp) {
  const std::vector<std::string> lines = lines_of(sdp);
  return static_cast<std::size_t>(
      std::count_if(lines.begin(), lines.end(), [](const std::string& line) { return line.starts_with("m="); }));
}

std::string with_advertised(std::string_view sdp, std::string_view address) {
  std::string all;
  for (const std::string& line : lines_of(sdp)) {
    all += line + "\r\n";
    const std::string added = line.starts_with(kCandidate) ? moved(line, address) : "";
    if (!added.empty()) all += added + "\r\n";
  }
  return all;
}

}  // namespace morgan::net
