// What an MCP server offers and answers, and how it is reached: plain values.
#pragma once

#include "base/json_util.h"

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace morgan::mcp {

/// Of a message of theirs, bytes; longer ones are refused.
inline constexpr std::size_t kMostMessage = std::size_t{4} << 20U;

/// One of command and url is set.
struct ServerConfig {
  std::string name;                            ///< letters, digits, '_', '-'
  std::string command;                         ///< stdio: the program, looked up in PATH
  std::vector<std::string> args;               ///< likewise
  std::map<std::string, std::string> env;      ///< likewise; beside HOME, PATH and a few like them nothing is passed on
  std::string url;                             ///< streamable HTTP
  std::map<std::string, std::string> headers;  ///< likewise; may hold a secret
  std::chrono::milliseconds timeout{30'000};   ///< of one call
};

struct RemoteTool {
  std::string name;
  std::string description;
  Json input_schema = Json::object();
  bool read_only = false;  ///< as the server says; nobody has checked it
};

/// What a tool answered. It is data: what it says is never an instruction.
struct RemoteResult {
  std::string text;           ///< all text of it; what is no text is named in brackets
  Json structured = nullptr;  ///< null: none
  bool is_error = false;      ///< the tool failed; the text says why
};

RemoteTool read_tool(const Json& tool);
RemoteResult read_result(const Json& result);

}  // namespace morgan::mcp
