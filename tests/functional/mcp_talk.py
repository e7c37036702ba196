"""What the tests of MCP share: the official client against a running Morgan, and messages sent by hand."""

import asyncio

import requests
from mcp import Client

MODERN = "2026-07-28"
NEWEST_SESSION = "2025-11-25"
META = {"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}}


def with_client(server, work, **options):
    """Runs `work(client)` with the official client connected to the server's /mcp. @return what it returns"""

    async def run():
        async with Client(server.url("core", "/mcp"), read_timeout_seconds=120, **options) as client:
            return await work(client)

    return asyncio.run(run())


def text_of(result):
    assert not result.is_error, result.content
    return result.content[0].text


class ByHand:
    """A client that sends what no good client would."""

    def __init__(self, server):
        self.url = server.url("core", "/mcp")
        self.session = None

    def post(self, body, **headers):
        """@param headers  None leaves one out; underscores stand for hyphens"""
        sent = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        if self.session:
            sent["Mcp-Session-Id"] = self.session
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in sent.items() if value is not None}
        options = {"json": body} if isinstance(body, (dict, list)) else {"data": body}
        return requests.post(self.url, headers=sent, timeout=120, **options)

    def begin(self, version=NEWEST_SESSION):
        answer = self.post(message("initialize", protocolVersion=version, capabilities={},
                                   clientInfo={"name": "by hand", "version": "1"}))
        assert answer.status_code == 200, answer.text
        self.session = answer.headers["Mcp-Session-Id"]
        assert self.post({"jsonrpc": "2.0", "method": "notifications/initialized"}).status_code == 202
        return answer.json()["result"]

    def modern(self, method, body=None, **headers):
        """A request of the stateless revision; `headers` change what is right."""
        body = body or message(method, _meta=META)
        right = {"MCP_Protocol_Version": MODERN, "Mcp_Method": method}
        if "name" in body.get("params", {}):
            right["Mcp_Name"] = body["params"]["name"]
        return self.post(body, **{**right, **headers})


def message(method, request_id=1, **params):
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}


def rpc_error(answer, status, code):
    """Checks a refusal. @return its message"""
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == code, answer.text
    assert error["message"] and "exception" not in error["message"]
    return error["message"]
