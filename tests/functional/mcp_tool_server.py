"""An MCP server of the official SDK with tools that behave well and badly: stdio, or streamable HTTP on a port."""

import asyncio
import os
import sys

from mcp.server.mcpserver import Context, MCPServer
from mcp_types import ToolAnnotations

server = MCPServer("tools for tests")


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@server.tool()
def fail() -> str:
    """Fails."""
    raise ValueError("this tool always fails")


@server.tool()
async def hang() -> str:
    """Never answers."""
    await asyncio.Event().wait()


@server.tool()
def crash() -> str:
    """Ends the whole server."""
    os._exit(3)


@server.tool()
def large() -> str:
    """Answers 10 MB."""
    return "x" * 10_000_000


@server.tool()
def secret() -> str:
    """Shows what it was passed on."""
    return os.environ.get("MORGAN_TEST_SECRET", "") + os.environ.get("GIVEN", "")


@server.tool()
async def grow(context: Context) -> str:
    """Adds a tool to the server."""

    def later(text: str) -> str:
        """A tool that was not there before."""
        return f"later: {text}"

    server.add_tool(later)
    await context.session.send_tool_list_changed()
    return "grown"


def main():
    if len(sys.argv) > 1:
        server.run("streamable-http", port=int(sys.argv[1]), json_response="--json" in sys.argv)
    else:
        server.run()


if __name__ == "__main__":
    main()
