// The revisions of the Model Context Protocol, and what the stateless one writes into HTTP headers.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::mcp {

/// Revisions that begin with `initialize` and have a session, the oldest first.
inline constexpr std::array<std::string_view, 4> kSessionVersions{"2024-11-05", "2025-03-26", "2025-06-18",
                                                                  "2025-11-25"};
inline constexpr std::string_view kNewestSessionVersion = kSessionVersions.back();
/// Each request tells all; there is no session.
inline constexpr std::string_view kStatelessVersion = "2026-07-28";

bool is_session_version(std::string_view version);
/// Every revision, the oldest first.
std::vector<std::string> known_versions();

inline constexpr std::string_view kVersionHeader = "MCP-Protocol-Version";
inline constexpr std::string_view kSessionHeader = "Mcp-Session-Id";
inline constexpr std::string_view kMethodHeader = "Mcp-Method";
inline constexpr std::string_view kNameHeader = "Mcp-Name";

// Keys of _meta in the stateless revision.
inline constexpr std::string_view kMetaVersion = "io.modelcontextprotocol/protocolVersion";
inline constexpr std::string_view kMetaClientInfo = "io.modelcontextprotocol/clientInfo";
inline constexpr std::string_view kMetaClientCapabilities = "io.modelcontextprotocol/clientCapabilities";
inline constexpr std::string_view kMetaServerInfo = "io.modelcontextprotocol/serverInfo";

/// The parameter whose value stands in Mcp-Name too; "" for methods without one.
std::string_view name_parameter(std::string_view method);

/// As it may stand in a header: what is not plain printable ASCII becomes "=?base64?...?=".
std::string encode_header_value(std::string_view value);
/// nullopt: a damaged "=?base64?...?=".
std::optional<std::string> decode_header_value(std::string_view value);

}  // namespace morgan::mcp
