"""Morgan as an MCP server, used by the official Python client, with real recordings and real models."""

import base64

import pytest

from conftest import word_error_rate
from mcp_talk import MODERN, NEWEST_SESSION, text_of, with_client


@pytest.fixture(params=["auto", "legacy"])
def mode(request):
    """Without a session, as the client prefers it, and with one."""
    return request.param


def encoded(path):
    return base64.b64encode(path.read_bytes()).decode()


def test_the_client_settles_on_the_newest_revision_it_knows(server):
    async def facts(client):
        await client.list_tools()
        return client.protocol_version, client.server_info.name, client.instructions

    assert with_client(server, facts)[:2] == (MODERN, "morgan")
    version, name, instructions = with_client(server, facts, mode="legacy")
    assert (version, name) == (NEWEST_SESSION, "morgan") and "transcribe" in instructions


def test_tools_are_listed_with_what_they_take(server, mode):
    async def list_tools(client):
        return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in with_client(server, list_tools, mode=mode)}
    assert list(tools)[:3] == ["transcribe", "speak", "ask"]
    for tool in tools.values():
        assert len(tool.description) > 40
        assert tool.input_schema["type"] == "object" and tool.input_schema["required"]
        assert all("description" in field for field in tool.input_schema["properties"].values())


def test_a_recording_is_transcribed(server, jfk, mode):
    async def transcribe(client):
        return await client.call_tool("transcribe", {"audio": encoded(jfk.path), "timestamps": True})

    result = with_client(server, transcribe, mode=mode)
    assert word_error_rate(jfk.text, text_of(result)) < 0.1
    facts = result.structured_content
    assert facts["language"] == "en" and 10.9 < facts["duration"] < 11.1
    assert facts["segments"][0]["start"] < facts["segments"][0]["end"] <= facts["duration"]


def test_what_is_spoken_is_heard_again(server, mode):
    async def speak_and_listen(client):
        spoken = await client.call_tool("speak", {"text": "The weather is lovely today.", "voice": "af_heart"})
        audio = spoken.content[0]
        assert audio.type == "audio" and audio.mime_type == "audio/mpeg"
        return await client.call_tool("transcribe", {"audio": audio.data, "language": "en"})

    heard = text_of(with_client(server, speak_and_listen, mode=mode))
    assert word_error_rate("The weather is lovely today.", heard) == 0


def test_a_conversation_goes_on_from_call_to_call(server, mode):
    user = f"mcp-{mode}"

    async def converse(client):
        first = await client.call_tool("ask", {"text": "What is the capital of France?", "user_id": user})
        second = await client.call_tool("ask", {"text": "Which country did I ask about?", "user_id": user})
        return first, second

    first, second = with_client(server, converse, mode=mode)
    assert "Paris" in text_of(first) and "France" in text_of(second)
    assert first.structured_content["conversation_id"] == second.structured_content["conversation_id"]
    kept = server.get("core", f"/api/conversations/{user}").json()
    assert [each["role"] for each in kept["messages"]] == ["user", "assistant"] * 2


@pytest.mark.parametrize("tool, arguments, told", [
    ("speak", {"text": "Hello.", "voice": "af_hart"}, "af_heart"),
    ("speak", {"text": ""}, "text"),
    ("speak", {"text": "a" * 5000}, "4096"),
    ("speak", {"text": 5}, "text"),
    ("transcribe", {"audio": "bm8gYXVkaW8="}, "audio"),
    ("transcribe", {"audio": "***"}, "base64"),
    ("transcribe", {}, "audio"),
    ("ask", {"text": "Hello.", "user_id": "../etc"}, "user_id"),
])
def test_a_tool_that_cannot_tells_the_model_why(server, mode, tool, arguments, told):
    async def call(client):
        return await client.call_tool(tool, arguments)

    result = with_client(server, call, mode=mode)
    assert result.is_error and told in result.content[0].text


def test_what_is_remembered_is_recalled_by_meaning(server, mode):
    user = f"mcp-memory-{mode}"

    async def remember_and_recall(client):
        first = await client.call_tool("remember", {"text": "My dog is called Rex.", "user_id": user})
        again = await client.call_tool("remember", {"text": "my dog is called rex", "user_id": user})
        await client.call_tool("remember", {"text": "I live in Oslo.", "user_id": user})
        found = await client.call_tool("recall", {"query": "pets", "user_id": user, "limit": 1})
        return first, again, found

    first, again, found = with_client(server, remember_and_recall, mode=mode)
    assert first.structured_content["new"] and not again.structured_content["new"]
    assert text_of(found) == "My dog is called Rex.\n"
    assert found.structured_content["memories"][0]["id"] == first.structured_content["id"]
