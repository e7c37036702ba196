"""Morgan's /mcp against clients that make mistakes, or mean harm."""

import threading

import pytest
import requests

from conftest import wait_until
from mcp_talk import META, MODERN, ByHand, message, rpc_error

pytestmark = pytest.mark.usefixtures("stays_healthy")
STORY = "Tell me a very long story about a river, with at least thirty sentences."


@pytest.fixture
def client(server):
    return ByHand(server)


@pytest.mark.parametrize("body, code", [
    ("", -32700), ("{", -32700), ("null", -32600), (b'{"jsonrpc":"2.0","id":1,"method":"\xff"}', -32700),
    ("[" * 5000, -32700), ('{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":1e999}}', -32700),
    ([message("ping")], -32600), ({"id": 1, "method": "ping"}, -32600), ({"jsonrpc": "2.0", "id": 1}, -32600),
    ({"jsonrpc": "2.0", "id": None, "method": "ping"}, -32600), ({"jsonrpc": "2.0", "id": 1.5, "method": "ping"}, -32600),
])
def test_what_is_no_message_is_refused(client, body, code):
    client.begin()
    answer = client.post(body)
    rpc_error(answer, 400, code)
    assert answer.json()["id"] is None


def test_a_session_is_needed_and_ends(client):
    rpc_error(client.post(message("tools/list")), 400, -32600)
    rpc_error(client.post(message("tools/list"), Mcp_Session_Id="mcp_of_somebody_else"), 404, -32600)
    client.begin()
    assert client.post(message("ping", "one")).json() == {"jsonrpc": "2.0", "id": "one", "result": {}}
    headers = {"Mcp-Session-Id": client.session}
    assert requests.delete(client.url, headers=headers, timeout=60).status_code == 200
    rpc_error(client.post(message("ping")), 404, -32600)
    assert requests.delete(client.url, headers=headers, timeout=60).status_code == 404
    assert requests.delete(client.url, timeout=60).status_code == 400


@pytest.mark.parametrize("wanted, given", [("2024-11-05", "2024-11-05"), ("2025-03-26", "2025-03-26"),
                                           ("2025-06-18", "2025-06-18"), ("2031-01-01", "2025-11-25"),
                                           (5, "2025-11-25")])
def test_every_revision_with_sessions_is_spoken(client, wanted, given):
    result = client.begin(wanted)
    assert result["protocolVersion"] == given and result["serverInfo"]["name"] == "morgan"
    assert client.post(message("tools/list"), MCP_Protocol_Version=given).status_code == 200


def test_a_wrong_version_header_is_refused_with_the_right_ones(client):
    client.begin()
    answer = client.post(message("ping"), MCP_Protocol_Version="1999-01-01")
    rpc_error(answer, 400, -32022)
    assert MODERN in answer.json()["error"]["data"]["supported"]
    assert client.post(message("ping"), MCP_Protocol_Version=None).status_code == 200


def test_unknown_methods_tools_and_pages_are_told(client):
    client.begin()
    rpc_error(client.post(message("resources/list")), 200, -32601)
    assert "transcribe" in rpc_error(client.post(message("tools/call", name="shout")), 200, -32602)
    rpc_error(client.post(message("tools/call")), 200, -32602)
    rpc_error(client.post(message("tools/call", name="ask", arguments=["no"])), 200, -32602)
    rpc_error(client.post(message("tools/list", cursor="9")), 200, -32602)
    assert client.post({"jsonrpc": "2.0", "method": "notifications/unheard_of"}).status_code == 202


def test_headers_and_body_of_the_stateless_revision_must_agree(client):
    call = message("tools/call", name="recall", arguments={"query": "x"}, _meta=META)
    assert client.modern("server/discover").status_code == 200
    rpc_error(client.modern("server/discover", message("server/discover")), 400, -32602)
    rpc_error(client.modern("server/discover", Mcp_Method="tools/list"), 400, -32020)
    rpc_error(client.modern("server/discover", Mcp_Method=None), 400, -32020)
    rpc_error(client.modern("tools/call", call, Mcp_Name="ask"), 400, -32020)
    rpc_error(client.modern("tools/call", call, Mcp_Name=None), 400, -32020)
    rpc_error(client.modern("tools/call", call, Mcp_Name="=?base64?*?="), 400, -32020)
    other = message("server/discover", _meta={**META, "io.modelcontextprotocol/protocolVersion": "2025-11-25"})
    rpc_error(client.modern("server/discover", other), 400, -32020)
    rpc_error(client.modern("resources/list"), 404, -32601)
    rpc_error(client.modern("ping"), 404, -32601)
    shout = message("tools/call", name="shout", _meta=META)
    rpc_error(client.modern("tools/call", shout), 400, -32602)
    assert client.modern("", {"jsonrpc": "2.0", "method": "notifications/cancelled"}).status_code == 202
    rpc_error(client.modern("", {"jsonrpc": "2.0", "id": 1, "result": {}}), 400, -32600)


def test_types_methods_and_pages_of_other_hosts_are_refused(client, server):
    client.begin()
    rpc_error(client.post(dict(message("ping")), Content_Type="text/plain"), 415, -32600)
    rpc_error(client.post(dict(message("ping")), Accept="text/html"), 406, -32600)
    assert client.post(message("ping"), Accept=None).status_code == 200
    assert client.post(message("ping"), Origin="http://evil.example").status_code == 403
    assert client.post(message("ping"), Origin="null").status_code == 403
    for method in ("GET", "PUT"):
        answer = requests.request(method, client.url, timeout=60)
        assert answer.status_code == 405 and "POST" in answer.headers["Allow"]


def test_too_large_a_message_is_refused_before_it_is_read(client):
    client.begin()
    assert client.post(b"x" * 90_000_000).status_code == 413
    assert client.post(message("ping")).status_code == 200


def test_a_call_can_be_cancelled_from_another_request(client):
    client.begin()
    answers = []
    ask = message("tools/call", "story", name="ask", arguments={"text": STORY, "user_id": "mcp-cancel"})
    caller = threading.Thread(target=lambda: answers.append(client.post(ask).json()))
    caller.start()
    cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "story"}}

    def ended():
        assert client.post(cancel).status_code == 202
        return not caller.is_alive()

    wait_until(ended, 60, "the end of the cancelled call")
    result = answers[0]["result"]
    assert result["isError"] and "cancelled" in result["content"][0]["text"]


def test_two_requests_under_one_id_are_not_mixed_up(client):
    client.begin()
    first = message("tools/call", 7, name="ask", arguments={"text": STORY, "user_id": "mcp-twice"})
    caller = threading.Thread(target=lambda: client.post(first))
    caller.start()

    def refused():
        return client.post(message("ping", 7)).status_code == 400

    wait_until(refused, 30, "the refusal of an id in use")
    client.post({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}})
    caller.join(60)
    assert not caller.is_alive() and client.post(message("ping", 7)).status_code == 200


def test_no_more_than_a_thousand_sessions_are_open(own_server):
    own_server.start()
    client = ByHand(own_server)
    begin = message("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo={"name": "x", "version": "1"})
    with requests.Session() as connection:
        statuses = [connection.post(client.url, json=begin, timeout=60).status_code for _ in range(1001)]
    assert statuses == [200] * 1000 + [503]
    # Those without a session are served as before.
    assert client.modern("server/discover").status_code == 200
