#include "app/mcp_config.h"

#include <gtest/gtest.h>

#include <stdlib.h>

namespace morgan::app {

namespace {

Result<std::vector<mcp::ServerConfig>> read(std::string_view text) {
  const toml::table table = toml::parse(text);
  return read_mcp_servers(*table.get("servers"), "morgan.toml:1");
}

std::string error_of(std::string_view text) {
  const auto servers = read(text);
  return servers ? "" : servers.error().message;
}

TEST(McpConfig, ReadsProgramsAndAddresses) {
  ::setenv("MCP_CONFIG_TEST_TOKEN", "s3cret", 1);
  const auto servers = read(R"(
[servers.files]
command = "uvx"
args = ["mcp-server-files", "--root", "."]
env = { TOKEN = "${MCP_CONFIG_TEST_TOKEN}" }
[servers.home]
url = "http://127.0.0.1:8123/api/mcp"
headers = { Authorization = "Bearer ${MCP_CONFIG_TEST_TOKEN}!" }
timeout_seconds = 5
)");
  ASSERT_TRUE(servers) << servers.error().message;
  ASSERT_EQ(servers->size(), 2U);
  const mcp::ServerConfig& files = servers->at(0);
  EXPECT_EQ(files.name, "files");
  EXPECT_EQ(files.command, "uvx");
  EXPECT_EQ(files.args.size(), 3U);
  EXPECT_EQ(files.env.at("TOKEN"), "s3cret");
  const mcp::ServerConfig& home = servers->at(1);
  EXPECT_EQ(home.url, "http://127.0.0.1:8123/api/mcp");
  EXPECT_EQ(home.headers.at("Authorization"), "Bearer s3cret!");
  EXPECT_EQ(home.timeout, std::chrono::seconds(5));
}

TEST(McpConfig, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(error_of("servers = 5"), "morgan.toml:1: mcp.servers must be a table of servers");
  EXPECT_EQ(error_of("\n[servers.a]\n"), "morgan.toml:2: mcp.servers.a needs either command or url");
  for (const auto& [text, told] : std::vector<std::pair<const char*, const char*>>{
           {"[servers.a]\ncommand = 'x'\nurl = 'http://x'", "either command or url"},
           {"[servers.a]\ncomand = 'x'", "did you mean 'command'"},
           {"[servers.a]\ncommand = 5", "needs a text as command"},
           {"[servers.a]\ncommand = 'x'\nargs = 'y'", "a list of texts as args"},
           {"[servers.a]\ncommand = 'x'\nargs = [1]", "a list of texts as args"},
           {"[servers.a]\ncommand = 'x'\nenv = [1]", "a table of texts as env"},
           {"[servers.a]\ncommand = 'x'\nenv = { A = '${MCP_CONFIG_TEST_NOT_SET}' }", "MCP_CONFIG_TEST_NOT_SET"},
           {"[servers.a]\nurl = 'ftp://x'", "http://"},
           {"[servers.a]\nurl = 'http://x'\ntimeout_seconds = 0", "from 1 to 600"},
           {"[servers.'a b']\nurl = 'http://x'", "letters"},
           {"[servers]\na = 1", "must be a table"}}) {
    EXPECT_NE(error_of(text).find(told), std::string::npos) << text << ": " << error_of(text);
  }
}

}  // namespace

}  // namespace morgan::app
