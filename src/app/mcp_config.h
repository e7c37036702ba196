// [mcp.servers.NAME] of morgan.toml: the MCP servers whose tools Morgan uses.
#pragma once

#include "base/result.h"
#include "mcp/remote_tool.h"

#include <toml++/toml.h>

#include <string>
#include <vector>

namespace morgan::app {

/// @param node  mcp.servers   @param where  file and line of it, for messages
/// "${NAME}" in a value of env and headers is that environment variable, so that no secret stands in the file.
/// @error kInvalidArgument  names the server and the key
Result<std::vector<mcp::ServerConfig>> read_mcp_servers(const toml::node& node, const std::string& where);

}  // namespace morgan::app
