#include "mcp/protocol.h"

#include "base/base64.h"
#include "base/strings.h"

#include <algorithm>

namespace morgan::mcp {

namespace {

constexpr std::string_view kEncodedBegin = "=?base64?";
constexpr std::string_view kEncodedEnd = "?=";

bool looks_encoded(std::string_view value) {
  return value.size() >= kEncodedBegin.size() + kEncodedEnd.size() && value.starts_with(kEncodedBegin) &&
         value.ends_with(kEncodedEnd);
}

}  // namespace

bool is_session_version(std::string_view version) {
  return std::find(kSessionVersions.begin(), kSessionVersions.end(), version) != kSessionVersions.end();
}

std::vector<std::string> known_versions() {
  std::vector<std::string> all(kSessionVersions.begin(), kSessionVersions.end());
  all.emplace_back(kStatelessVersion);
  return all;
}

std::string_view name_parameter(std::string_view method) {
  if (method == "tools/call" || method == "prompts/get") return "name";
  if (method == "resources/read") return "uri";
  return "";
}

std::string encode_header_value(std::string_view value) {
  const bool printable = std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (printable && trim(value) == value && !looks_encoded(value)) return std::string(value);
  return std::string(kEncodedBegin) + base64_encode(value) + std::string(kEncodedEnd);
}

std::optional<std::string> decode_header_value(std::string_view value) {
  if (!looks_encoded(value)) return std::string(value);
  value.remove_prefix(kEncodedBegin.size());
  value.remove_suffix(kEncodedEnd.size());
  auto decoded = base64_decode(value);
  // Only one spelling of a text is right, so that nobody on the way reads another.
  if (!decoded || base64_encode(*decoded) != value || !is_valid_utf8(*decoded)) return std::nullopt;
  return std::move(*decoded);
}

}  // namespace morgan::mcp
