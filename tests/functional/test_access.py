"""Who may come in: keys, scopes, users kept apart, on every address of every service, with the clients people have."""

import json
import os
import pathlib
import socket
import ssl
import subprocess
import urllib.parse

import openai
import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from access_world import NEEDS_KEYS, GuardedServer
from conftest import BINARY, SERVICES, refused
from mcp_talk import META, MODERN, message

OPEN = {"/", "/health", "/ready", "/status", "/version", "/openapi.json", "/docs", "/voice", "/voice/worklet.js"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    running = GuardedServer(tmp_path_factory.mktemp("guarded")).start(MORGAN_DIALOGUE_TEMPERATURE="0",
                                                                      MORGAN_DIALOGUE_MAX_TOKENS="24", **NEEDS_KEYS)
    yield running
    assert running.process.poll() is None, (running.home / "server.log").read_text()[-2000:]
    running.stop()


def wss(guarded, path, service="core", key=None, **options):
    url = f"wss://localhost:{guarded.ports[service]}{path}"
    trusted = ssl.create_default_context(cafile=guarded.ca)
    return connect(url, ssl=trusted, additional_headers=guarded.headers(key), open_timeout=30, **options)


def sdk(guarded, key):
    base = f"localhost:{guarded.ports['core']}/v1"
    client = openai.DefaultHttpxClient(verify=ssl.create_default_context(cafile=guarded.ca))
    return openai.OpenAI(base_url=f"https://{base}", websocket_base_url=f"wss://{base}", api_key=key, max_retries=0,
                         http_client=client)


# --- No address is forgotten ---

@pytest.mark.parametrize("service", SERVICES)
def test_every_address_but_the_open_ones_asks_for_a_key(guarded, service):
    document = guarded.get(service, "/openapi.json").json()
    asked = 0
    for pattern, methods in document["paths"].items():
        path = urllib.parse.quote(pattern.replace("{", "").replace("}", ""))
        for method, operation in methods.items():
            is_open = operation.get("security") == []
            assert is_open == (pattern in OPEN), pattern
            answer = guarded.call(method.upper(), service, path)
            if is_open:
                assert answer.status_code == 200, (pattern, answer.status_code)
                continue
            asked += 1
            message = refused(answer, 401, "invalid_api_key" if pattern.startswith("/v1") else "UNAUTHORIZED")
            assert "morgan keys create" in message and answer.headers["WWW-Authenticate"] == "Bearer"
    assert asked >= 3


@pytest.mark.parametrize("service, path", [("core", "/ws/audio"), ("core", "/v1/realtime"), ("stt", "/ws/stream/a"),
                                           ("vad", "/ws/detect")])
def test_every_websocket_asks_for_a_key(guarded, service, path):
    with pytest.raises(InvalidStatus) as told:
        wss(guarded, path, service)
    assert told.value.response.status_code == 401
    with wss(guarded, path, service, key="admin") as session:
        session.ping().wait(10)


def test_refusals_have_the_form_of_the_address(guarded):
    body = guarded.post("core", "/v1/chat/completions", {}).json()["error"]
    assert set(body) == {"message", "type", "param", "code"}
    assert body["type"] == "invalid_request_error" and body["code"] == "invalid_api_key"
    older = guarded.post("core", "/api/text", {}).json()
    assert set(older) == {"error", "message", "detail", "details", "request_id"} and older["error"] == "UNAUTHORIZED"


def test_who_may_not_come_in_is_told_before_the_body(guarded):
    trusted = ssl.create_default_context(cafile=guarded.ca)
    with socket.create_connection(("localhost", guarded.ports["stt"]), timeout=30) as plain, \
            trusted.wrap_socket(plain, server_hostname="localhost") as asking:
        asking.sendall(b"POST /transcribe HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30000000\r\n\r\n")
        assert asking.recv(4096).startswith(b"HTTP/1.1 401 ")


# --- Keys ---

@pytest.mark.parametrize("headers", [
    {}, {"Authorization": ""}, {"Authorization": "Bearer"}, {"Authorization": "Bearer "}, {"X-API-Key": "sk-1"},
    {"Authorization": "Bearer morgan_"}, {"Authorization": "Bearer morgan_abcdefgh_" + "a" * 48},
    {"Authorization": "Bearer morgan_" + "a" * 8000}, {"Authorization": "Basic bW9yZ2FuOngK"},
    {"Authorization": "Bearer ek_unknown"}, {"X-API-Key": "' OR 1=1 --"}], ids=repr)
def test_wrong_keys(guarded, headers):
    refused(guarded.call("GET", "core", "/api/conversations", headers=headers), 401, "UNAUTHORIZED")


def test_a_key_is_taken_as_bearer_and_as_x_api_key(guarded):
    key = guarded.keys["anna"]["key"]
    for headers in ({"Authorization": "Bearer " + key}, {"authorization": "bearer " + key}, {"X-API-Key": key}):
        assert guarded.call("GET", "core", "/api/conversations", headers=headers).status_code == 200


def test_keys_are_made_listed_and_revoked_while_the_server_runs(guarded):
    made = guarded.create("--user", "carla", "--name", "kitchen tablet", "--scopes", "core,tts", "--days", "30")
    assert made["key"].startswith("morgan_" + made["id"]) and made["scopes"] == ["core", "tts"]
    headers = {"Authorization": "Bearer " + made["key"]}
    assert guarded.call("GET", "core", "/api/conversations", headers=headers).status_code == 200
    listed = guarded.run("keys", "list").stdout
    assert made["id"] in listed and "kitchen tablet" in listed and made["key"] not in listed
    assert made["key"] not in (guarded.home / "keys.json").read_text()
    guarded.run("keys", "revoke", made["id"])
    message = refused(guarded.call("GET", "core", "/api/conversations", headers=headers), 401)
    assert "revoked" in message
    assert made["id"] not in guarded.run("keys", "list").stdout


@pytest.mark.parametrize("arguments, expected", [
    (["keys", "create"], "--user"), (["keys", "create", "--user", "a", "--admin"], "--admin"),
    (["keys", "create", "--user", "a/b"], "user_id"), (["keys", "create", "--user", "a", "--scopes", "cor"], "core"),
    (["keys", "create", "--user", "a", "--scopes", ""], "scope")], ids=repr)
def test_wrong_wishes_for_a_key(guarded, arguments, expected):
    assert expected in guarded.run(*arguments, code=4).stderr


def test_revoking_what_is_not_there(guarded):
    assert "morgan keys list" in guarded.run("keys", "revoke", "nothing", code=3).stderr


# --- Scopes ---

def test_a_key_is_good_for_its_scopes_wherever_they_are_served(guarded):
    speech = {"input": "Good morning.", "model": "tts-1", "voice": "default"}
    assert guarded.post("tts", "/synthesize", {"text": "Good morning."}, key="speaker").status_code == 200
    assert guarded.post("core", "/v1/audio/speech", speech, key="speaker").status_code == 200
    assert guarded.get("core", "/v1/models", key="speaker").status_code == 200
    for path, code in (("/api/text", "FORBIDDEN"), ("/v1/chat/completions", "insufficient_permissions")):
        message = refused(guarded.post("core", path, {}, key="speaker"), 403, code)
        assert "tts" in message
    with pytest.raises(InvalidStatus) as told:
        wss(guarded, "/ws/audio", key="speaker")
    assert told.value.response.status_code == 403


def test_metrics_need_a_key_for_them(guarded):
    assert guarded.get("core", "/metrics").status_code == 401
    assert guarded.get("core", "/metrics", key="speaker").status_code == 403
    assert "morgan_requests_total" in guarded.get("core", "/metrics", key="monitor").text
    assert guarded.get("core", "/api/conversations", key="monitor").status_code == 403


# --- Users kept apart ---

@pytest.fixture(scope="module")
def spoken_to(guarded):
    """Anna has said something."""
    answer = guarded.post("core", "/api/text", {"text": "My secret word is zeppelin."}, key="anna")
    assert answer.status_code == 200 and answer.json()["user_id"] == "anna"
    return answer.json()


def test_a_key_speaks_for_its_own_user_without_saying_so(guarded, spoken_to):
    page = guarded.get("core", "/api/conversations/anna", key="anna").json()
    assert "zeppelin" in page["messages"][0]["content"]
    listed = guarded.get("core", "/api/conversations", key="anna").json()["conversations"]
    assert {entry["user_id"] for entry in listed} == {"anna"}


def test_no_key_reaches_another_users_conversation(guarded, spoken_to):
    def attempts(user):
        yield guarded.get("core", f"/api/conversations/{user}", key="ben")
        yield guarded.call("DELETE", "core", f"/api/conversations/{user}", key="ben")
        yield guarded.post("core", "/api/conversation/reset", {"user_id": user}, key="ben")
        yield guarded.post("core", "/api/text", {"text": "Hello", "user_id": user}, key="ben")
        yield guarded.post("core", "/api/text?user_id=" + user, {"text": "Hello"}, key="ben")
        yield guarded.post("core", "/api/audio", key="ben", files={"file": ("a.wav", b"x")}, data={"user_id": user})
        yield guarded.get("core", "/api/turns?user_id=" + user, key="ben")
        yield guarded.get("core", f"/api/memories/{user}", key="ben")
        yield guarded.call("DELETE", "core", f"/api/memories/{user}", key="ben")
        yield guarded.post("core", "/api/memories", {"user_id": user, "text": "I like tea."}, key="ben")
        yield guarded.call("PUT", "core", f"/api/memories/{user}/1", key="ben", json={"text": "I like tea."})
        yield guarded.call("DELETE", "core", f"/api/memories/{user}/1", key="ben")
        yield guarded.get("core", f"/api/memories/{user}/export", key="ben")
        yield guarded.post("core", "/api/tools", {"user_id": user, "text": "Set a timer for a minute."}, key="ben")
        yield guarded.post("core", "/api/tools/timer_list", {"user_id": user}, key="ben")
        yield guarded.call("DELETE", "core", "/api/timers/1?user_id=" + user, key="ben")
        yield guarded.post("core", "/audio/stream/start", {"user_id": user}, key="ben")
        for kept in ("tools", "timers", "notes", "lists"):
            yield guarded.get("core", f"/api/{kept}?user_id={user}", key="ben")

    # Of a user that there is, one that there is not, and none: nobody learns which is which.
    told = [{refused(answer, 403, "FORBIDDEN") for answer in attempts(user)} for user in ("anna", "nobody", "default")]
    assert told[0] == told[1] == told[2]
    assert guarded.get("core", "/api/conversations", key="ben").json()["count"] == 0
    assert guarded.get("core", "/api/conversations/ben", key="ben").json()["total_messages"] == 0
    page = guarded.get("core", "/api/conversations/anna", key="anna").json()
    assert page["total_messages"] == 2, "somebody else changed it"


def test_nothing_of_another_user_is_found_under_ones_own_name(guarded):
    kept = guarded.post("core", "/api/memories", {"text": "My bank is Quux."}, key="anna").json()["memory"]
    timer = guarded.post("core", "/api/tools/timer_set", {"arguments": {"seconds": 3600}}, key="anna").json()["data"]
    for method, path in (("PUT", f"/api/memories/ben/{kept['id']}"), ("DELETE", f"/api/memories/ben/{kept['id']}"),
                         ("DELETE", f"/api/timers/{timer['id']}")):
        refused(guarded.call(method, "core", path, key="ben", json={"text": "Mine now."}), 404)
    assert [known["text"] for known in guarded.get("core", "/api/memories/anna", key="anna").json()["memories"]] == [
        kept["text"]]
    assert guarded.get("core", "/api/timers", key="anna").json()["count"] == 1
    assert guarded.get("core", "/api/timers", key="ben").json()["count"] == 0


def test_mcp_keeps_users_apart(guarded):
    def call(key, tool, **arguments):
        body = message("tools/call", name=tool, arguments=arguments, _meta=META)
        headers = {"Accept": "application/json, text/event-stream", "Mcp-Protocol-Version": MODERN,
                   "Mcp-Method": "tools/call", "Mcp-Name": tool}
        answer = guarded.post("core", "/mcp", body, key=key, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.text

    assert '"isError":true' not in call("anna", "remember", text="My cat is called Zorro.")
    assert "Zorro" in call("anna", "recall", query="What is my cat called?")
    assert "Zorro" not in call("ben", "recall", query="What is my cat called?")
    for tool, arguments in (("recall", {"query": "cat"}), ("remember", {"text": "I am here."}), ("ask", {"text": "Hi."})):
        told = call("ben", tool, user_id="anna", **arguments)
        assert '"isError":true' in told and "another user" in told and "Zorro" not in told
    assert "Zorro" in call("admin", "recall", query="What is my cat called?", user_id="anna")


def test_an_admins_key_names_whom_it_likes(guarded, spoken_to):
    assert guarded.get("core", "/api/conversations/anna", key="admin").json()["total_messages"] == 2
    users = {entry["user_id"] for entry in guarded.get("core", "/api/conversations", key="admin").json()["conversations"]}
    assert "anna" in users


def test_a_live_conversation_is_its_keys_users(guarded):
    with wss(guarded, "/ws/audio", key="ben") as session:
        session.send(json.dumps({"type": "start", "user_id": "anna"}))
        told = json.loads(session.recv(30))
        assert told["type"] == "error" and "another user" in told["message"]
        session.send(json.dumps({"type": "start"}))
        while told["type"] != "status":
            told = json.loads(session.recv(30))
        assert told["user_id"] == "ben"


def test_streamed_transcriptions_are_kept_apart(guarded):
    for key in ("anna", "ben"):
        assert guarded.post("stt", "/stream/start", {"session_id": "mine"}, key=key).status_code == 200
    guarded.post("stt", "/stream/start", {"session_id": "annas"}, key="anna")
    listed = guarded.get("stt", "/sessions", key="ben").json()
    assert [session["session_id"] for session in listed["sessions"]] == ["mine"]
    for method, path in (("POST", "/stream/annas/end"), ("POST", "/stream/annas/chunk"), ("DELETE", "/stream/annas")):
        refused(guarded.call(method, "stt", path, key="ben", json={}), 404)
    for key, path in (("anna", "mine"), ("ben", "mine"), ("anna", "annas")):
        assert guarded.call("DELETE", "stt", f"/stream/{path}", key=key).status_code == 200


# --- The clients that people have ---

def test_the_official_sdk_with_a_key(guarded):
    client = sdk(guarded, guarded.keys["anna"]["key"])
    assert client.models.list().data
    said = client.chat.completions.create(model="default", max_tokens=4, messages=[{"role": "user", "content": "Hi"}])
    assert said.choices[0].message.content
    with pytest.raises(openai.AuthenticationError) as wrong:
        sdk(guarded, "sk-wrong").models.list()
    assert wrong.value.code == "invalid_api_key" and wrong.value.type == "invalid_request_error"
    with pytest.raises(openai.PermissionDeniedError) as forbidden:
        sdk(guarded, guarded.keys["speaker"]["key"]).chat.completions.create(
            model="default", messages=[{"role": "user", "content": "Hi"}])
    assert forbidden.value.code == "insufficient_permissions"


def test_realtime_with_the_official_sdk_over_wss(guarded):
    trusted = {"ssl": ssl.create_default_context(cafile=guarded.ca)}
    client = sdk(guarded, guarded.keys["anna"]["key"])
    with client.realtime.connect(model="gpt-realtime", websocket_connection_options=trusted) as session:
        assert session.recv().type == "session.created"
    with pytest.raises(InvalidStatus) as told:
        sdk(guarded, "sk-wrong").realtime.connect(model="gpt-realtime", websocket_connection_options=trusted).enter()
    assert told.value.response.status_code == 401


def test_realtime_with_the_official_node_sdk(guarded):
    script = pathlib.Path(__file__).with_name("realtime_node.mjs")
    modules = os.environ.get("MORGAN_TEST_NODE", pathlib.Path(__file__).parents[2] / ".deps/node")

    def talk(key):
        done = subprocess.run(["node", script, modules, f"localhost:{guarded.ports['core']}", key], text=True,
                              env={**os.environ, "NODE_EXTRA_CA_CERTS": guarded.ca}, capture_output=True, timeout=120,
                              stdin=subprocess.DEVNULL, check=False)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout.splitlines()[-1])

    code, told = talk(guarded.keys["anna"]["key"])
    assert code == 0 and "Paris" in told["text"]
    assert told["seen"][0] == "session.created" and "response.output_text.delta" in told["seen"]
    code, told = talk("sk-wrong")
    assert code == 1 and "401" in told["error"]


def browser(guarded, key, path="/v1/realtime?model=gpt-realtime", first="realtime"):
    """As a page does it: no headers, the key among the subprotocols."""
    return wss(guarded, path, subprotocols=[first, "openai-insecure-api-key." + key])


def test_a_browser_shows_its_key_as_a_subprotocol(guarded):
    with browser(guarded, guarded.keys["anna"]["key"]) as session:
        assert session.subprotocol == "realtime" and json.loads(session.recv(30))["type"] == "session.created"
    with browser(guarded, guarded.keys["anna"]["key"], "/ws/audio", "morgan") as session:
        assert session.subprotocol == "morgan"
    with pytest.raises(InvalidStatus) as told:
        browser(guarded, "morgan_abcdefgh_wrong")
    assert told.value.response.status_code == 401


def test_a_client_secret_opens_realtime_and_nothing_else(guarded):
    made = guarded.create("--user", "dora")
    headers = {"Authorization": "Bearer " + made["key"]}
    secret = guarded.call("POST", "core", "/v1/realtime/client_secrets", headers=headers, json={}).json()["value"]
    with browser(guarded, secret) as session:
        assert json.loads(session.recv(30))["type"] == "session.created"
    shown = {"Authorization": "Bearer " + secret}
    refused(guarded.call("GET", "core", "/api/conversations", headers=shown), 401)
    refused(guarded.call("POST", "core", "/v1/realtime/client_secrets", headers=shown, json={}), 401)
    # It is worth what its key is worth.
    guarded.run("keys", "revoke", made["id"])
    with pytest.raises(InvalidStatus) as told:
        browser(guarded, secret)
    assert told.value.response.status_code == 401


def test_a_revoked_key_closes_what_it_has_opened(guarded):
    made = guarded.create("--user", "emil")
    trusted = ssl.create_default_context(cafile=guarded.ca)
    url = f"wss://localhost:{guarded.ports['core']}"
    shown = {"additional_headers": {"Authorization": "Bearer " + made["key"]}, "ssl": trusted, "open_timeout": 30}
    with connect(url + "/ws/audio", **shown) as live, connect(url + "/v1/realtime", **shown) as realtime, \
            wss(guarded, "/ws/audio", key="anna") as other:
        guarded.run("keys", "revoke", made["id"])
        for session in (live, realtime):
            with pytest.raises(ConnectionClosed) as told:
                while True:
                    session.recv(30)
            assert told.value.rcvd.code == 1008 and "API key" in told.value.rcvd.reason
        other.ping().wait(10)


def test_curl_with_the_certificate(guarded):
    done = subprocess.run(["curl", "-sS", "--cacert", guarded.ca, "-H", "X-API-Key: " + guarded.keys["anna"]["key"],
                           guarded.url("core", "/v1/models")], capture_output=True, text=True, timeout=30, check=True)
    assert json.loads(done.stdout)["data"]
    stranger = subprocess.run(["curl", "-sS", guarded.url("core", "/health")], capture_output=True, timeout=30, check=False)
    assert stranger.returncode == 60, "a certificate that nobody vouches for was taken"


def test_morgans_own_commands_with_key_and_certificate(guarded, tmp_path):
    settings = {"MORGAN_CLIENT_API_KEY": guarded.keys["anna"]["key"], "MORGAN_CLIENT_CA_FILE": guarded.ca}

    def command(*arguments, **more):
        environment = {**guarded.environment(), **settings, **more}
        return subprocess.run([BINARY, "--server", "https://localhost", *arguments], env=environment,
                              capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, check=False)

    assert command("say", "Good morning.", "-o", str(tmp_path / "a.wav")).returncode == 0
    said = command("chat", "-m", "Say yes.")
    assert said.returncode == 0 and said.stdout.strip(), said.stderr
    other = command("chat", "-m", "Say yes.", "-u", "ben")
    assert other.returncode != 0 and "another user" in other.stderr
    stranger = command("say", "Hello.", "-o", str(tmp_path / "b.wav"), MORGAN_CLIENT_CA_FILE="")
    assert stranger.returncode == 3 and "client.ca_file" in stranger.stderr
    keyless = command("say", "Hello.", "-o", str(tmp_path / "c.wav"), MORGAN_CLIENT_API_KEY="")
    assert keyless.returncode != 0 and "API key" in keyless.stderr


def test_core_reaches_its_neighbours_by_key_and_certificate(guarded, own_server):
    urls = {f"MORGAN_CORE_{name.upper()}_URL": guarded.url(name, "/v1") for name in ("llm", "tts", "stt")}
    environment = own_server.environment(MORGAN_CLIENT_API_KEY=guarded.keys["admin"]["key"],
                                         MORGAN_CLIENT_CA_FILE=guarded.ca, MORGAN_DIALOGUE_MAX_TOKENS="16", **urls)
    own_server.log = open(own_server.home / "server.log", "ab")
    own_server.process = subprocess.Popen([BINARY, "--json", "serve", "core"], env=environment, text=True,
                                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=own_server.log)
    assert json.loads(own_server.process.stdout.readline())["ready"]
    answer = own_server.post("core", "/api/text", {"text": "Say yes.", "metadata": {"generate_audio": True}})
    assert answer.status_code == 200, answer.text
    assert answer.json()["audio_data"]


# --- What is written down ---

def test_the_audit_log_tells_who_did_what_and_no_secret(guarded, spoken_to):
    guarded.get("core", "/api/conversations/anna", key="ben")
    guarded.get("core", "/api/conversations", headers={"X-API-Key": "morgan_abcdefgh_guessing"})
    guarded.run("keys", "revoke", guarded.create("--user", "gone")["id"])
    guarded.stop()
    try:
        text = (guarded.home / "audit.jsonl").read_text()
        events = [json.loads(line) for line in text.splitlines()]
    finally:
        guarded.start(MORGAN_DIALOGUE_TEMPERATURE="0", MORGAN_DIALOGUE_MAX_TOKENS="24", **NEEDS_KEYS)
    assert {event["event"] for event in events} >= {"key_created", "key_revoked", "request", "refused"}
    asked = [event for event in events if event["event"] == "request" and event["status"] == 403]
    assert any(event["key"] == guarded.keys["ben"]["id"] and event["route"] == "/api/conversations/{user_id}"
               for event in asked)
    assert any(event["event"] == "request" and event["user"] == "anna" and event["route"] == "/api/text"
               for event in events)
    for secret in ("zeppelin", "guessing", *(made["key"].rsplit("_", 1)[1] for made in guarded.keys.values())):
        assert secret not in text
    assert (guarded.home / "audit.jsonl").stat().st_mode & 0o777 == 0o600
    log = (guarded.home / "server.log").read_text()
    assert "guessing" not in log and guarded.keys["anna"]["key"] not in log


def test_what_is_sent_in_the_clear_from_this_machine_is_still_answered(guarded):
    plain = f"http://127.0.0.1:{guarded.ports['core']}"
    assert requests.get(plain + "/health", timeout=30).status_code == 200
    assert requests.get(plain + "/api/conversations", timeout=30).status_code == 401
    session = connect(plain.replace("http", "ws") + "/ws/audio", additional_headers=guarded.headers("anna"))
    with pytest.raises(ConnectionClosed):
        with session:
            session.send(json.dumps({"type": "stop"}))
            session.recv(30)
