"""An MCP server of the official SDK with tools of a household, for conversations: what they find nobody could guess."""

from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations

server = MCPServer("household")
READS = ToolAnnotations(read_only_hint=True)


@server.tool(annotations=READS)
def aquarium() -> str:
    """Reads the thermometer of the aquarium."""
    return "The water has 23 degrees."


@server.tool(annotations=READS)
def cellar() -> str:
    """Measures how warm the wine cellar is."""
    return "The wine cellar has 13 degrees."


@server.tool(annotations=READS)
def parcel(number: int) -> str:
    """Tracks a parcel by its number."""
    return f"Parcel {number} is in Bielefeld."


@server.tool(annotations=READS)
def train(city: str) -> str:
    """Tells when the next train to a city leaves."""
    return f"The next train to {city} leaves at 17:42."


@server.tool(annotations=READS)
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


if __name__ == "__main__":
    server.run()
