// An MCP server over streamable HTTP: each message is a POST, answered by JSON or by events; and one GET that stays
// open, if the server has it, for what it says by itself.
#pragma once

#include "mcp/remote_tool.h"
#include "mcp/transport.h"

namespace morgan::mcp {

/// Connects when something is sent.
std::unique_ptr<Transport> make_http_transport(const ServerConfig& config, TransportEvents events);

}  // namespace morgan::mcp
