// An MCP server that is a program of ours: one JSON message a line.
#pragma once

#include "mcp/remote_tool.h"
#include "mcp/transport.h"

namespace morgan::mcp {

/// @error kNotFound  no such program   @error kUnavailable
Result<std::unique_ptr<Transport>> start_stdio_transport(const ServerConfig& config, TransportEvents events);

}  // namespace morgan::mcp
