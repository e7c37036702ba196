"""Morgan as an MCP client, with a server of the official SDK: as a program of its own, and over HTTP."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys

import pytest

from conftest import BINARY, free_ports, refused, wait_until

SERVER = pathlib.Path(__file__).with_name("mcp_tool_server.py")
HOUSEHOLD = SERVER.with_name("mcp_home_server.py")


class Client:
    """`morgan mcp` with a configuration of its own."""

    def __init__(self, folder, servers):
        self.folder = folder
        (folder / "morgan.toml").write_text(servers)

    def run(self, *arguments, **variables):
        environment = dict(os.environ, MORGAN_HOME=str(self.folder), MORGAN_TEST_SECRET="not for programs", **variables)
        return subprocess.run([BINARY, *arguments], env=environment, capture_output=True, text=True, timeout=120,
                              check=False)

    def call(self, tool, **arguments):
        done = self.run("--json", "mcp", "call", "test", tool, json.dumps(arguments))
        return json.loads(done.stdout) if done.stdout else json.loads(done.stderr.splitlines()[-1])


@contextlib.contextmanager
def http_server(folder, *options):
    port, = free_ports(1)
    with open(folder / "mcp.log", "wb") as log:
        process = subprocess.Popen([sys.executable, SERVER, str(port), *options], stdout=log, stderr=log)
    try:

        def answers():
            assert process.poll() is None, (folder / "mcp.log").read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                return True

        wait_until(answers, 60, "the start of the MCP server")
        yield f'[mcp.servers.test]\nurl = "http://127.0.0.1:{port}/mcp"\ntimeout_seconds = 5\n'
    finally:
        process.kill()
        process.wait()


@pytest.fixture(params=["stdio", "http", "http-json"])
def client(request, tmp_path):
    if request.param == "stdio":
        yield Client(tmp_path, f'[mcp.servers.test]\ncommand = "{sys.executable}"\nargs = ["{SERVER}"]\n'
                               'env = { GIVEN = "given" }\ntimeout_seconds = 5\n')
        return
    with http_server(tmp_path, *(["--json"] if request.param == "http-json" else [])) as servers:
        yield Client(tmp_path, servers)


def test_tools_are_listed(client):
    done = client.run("--json", "mcp", "list")
    assert done.returncode == 0, done.stderr
    tools = {tool["name"]: tool for tool in json.loads(done.stdout)}
    assert tools["add"]["description"] == "Adds two numbers." and tools["add"]["read_only"]
    assert tools["add"]["parameters"]["required"] == ["a", "b"] and not tools["fail"]["read_only"]
    assert "test.add  Adds two numbers." in client.run("mcp", "list", "test").stdout


def test_tools_are_called(client):
    assert client.call("add", a=2, b=3) == {"text": "5", "structured": {"result": 5}, "is_error": False}
    failed = client.call("fail")
    assert failed["is_error"] and "fail" in failed["text"]
    assert client.call("add", a="x", b=3)["is_error"]
    assert client.call("no_such_tool")["is_error"]


def test_a_tool_that_hangs_crashes_or_floods_fails_alone(client):
    assert "did not answer within 5000 ms" in client.call("hang")["message"]
    assert client.call("large")["error"] == "too_large"
    assert client.call("add", a=2, b=3)["text"] == "5"
    assert client.call("crash")["error"] == "unavailable"


def test_programs_get_what_they_are_given_and_no_more(tmp_path):
    client = Client(tmp_path, f'[mcp.servers.test]\ncommand = "{sys.executable}"\nargs = ["{SERVER}"]\n'
                              'env = { GIVEN = "${GIVEN_FROM_OUTSIDE}" }\n')
    done = client.run("mcp", "call", "test", "secret", GIVEN_FROM_OUTSIDE="a token")
    assert done.stdout == "a token\n"


@pytest.mark.parametrize("servers, told", [
    ("", "no MCP server is configured"),
    ('[mcp.servers.test]\ncommand = "no-such-program"\n', "no-such-program"),
    ('[mcp.servers.test]\ncommand = "/bin/false"\n', "has ended"),
    ('[mcp.servers.test]\nurl = "http://127.0.0.1:9/mcp"\n', "cannot connect"),
    ('[mcp.servers.other]\ncommand = "x"\n', "configured: other"),
    ('[mcp.servers.test]\ncomand = "x"\n', "did you mean 'command'"),
])
def test_what_does_not_work_is_told(tmp_path, servers, told):
    done = Client(tmp_path, servers).run("mcp", "list", "test")
    assert done.returncode != 0 and told in done.stderr


# --- In conversations ---

# A small model chooses well among few.
FEW_TOOLS = "*:home.*=allow, *:time=allow, *:*=deny"


def ask(server, user):
    asked = {"text": "Read the thermometer of the aquarium.", "user_id": user}
    answer = server.post("core", "/api/text", asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def health(server):
    """@return of all, of the MCP server, and why it is so"""
    body = server.get("core", "/health").json()
    part = next(part for part in body["parts"] if part["name"] == "mcp home")
    return body["status"], part["status"], part.get("detail", "")


def tools(server):
    return {tool["name"] for tool in server.get("core", "/api/tools").json()["tools"]}


def test_a_turn_is_answered_by_a_server_also_after_it_crashed(own_server):
    away, process = own_server.home / "away", own_server.home / "pid"
    script = f"test ! -e {away} && echo $$ > {process} && exec {sys.executable} {HOUSEHOLD}"
    (own_server.home / "morgan.toml").write_text('[mcp.servers.home]\ncommand = "/bin/sh"\n'
                                                 f'args = ["-c", "{script}"]\n')
    own_server.start(MORGAN_DIALOGUE_TEMPERATURE="0", MORGAN_TTS_KOKORO="false", MORGAN_WYOMING_WAKE_WORDS="false",
                     MORGAN_DIALOGUE_MAX_TOKENS="40", MORGAN_TOOLS_RULES=FEW_TOOLS)
    wait_until(lambda: health(own_server) == ("healthy", "healthy", ""), 60, "the start of the MCP server")
    there = {"home.add", "home.aquarium", "home.cellar", "home.parcel", "home.train"}
    assert there <= tools(own_server)
    said = ask(own_server, "before")
    assert "23" in said["text"] and said["metadata"]["tools"] == ["home.aquarium"]

    away.touch()  # it cannot start again
    os.kill(int(process.read_text()), signal.SIGKILL)
    wait_until(lambda: health(own_server) == ("degraded", "unhealthy", "away; the log says why"), 60, "the bad news")
    wait_until(lambda: "'home' has ended" in (own_server.home / "server.log").read_text(), 60, "why, in the log")
    assert "is away" in refused(own_server.post("core", "/api/tools/home.aquarium", {}), 503)
    assert there <= tools(own_server)
    assert ask(own_server, "meanwhile")["text"] == "Sorry, that did not work."

    away.unlink()
    wait_until(lambda: health(own_server) == ("healthy", "healthy", ""), 60, "its return")
    said = ask(own_server, "after")
    assert "23" in said["text"] and said["metadata"]["tools"] == ["home.aquarium"]
