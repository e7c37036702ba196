"""PostgreSQL, Redis and the speech cache, with the real servers: what a client sees while they come and go."""

import contextlib
import pathlib
import signal
import sqlite3
import subprocess
import sys

import pytest
import requests

from conftest import BINARY, wait_until

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "bench/faults"))
import fault_servers  # noqa: E402

# What is kept does not depend on who answers: the small model and one voice start sooner.
LIGHT = {"MORGAN_LLM_MODEL": "smollm2-135m", "MORGAN_TTS_KOKORO": "false", "MORGAN_DIALOGUE_MAX_TOKENS": "8"}


@pytest.fixture(scope="module")
def postgres():
    server = fault_servers.Postgres()
    yield server
    server.close()


@pytest.fixture
def database(postgres, request):
    """The url of an empty database."""
    name = request.node.name[:60]
    postgres.run("createdb", "-h", "127.0.0.1", "-p", str(postgres.port), "-U", "morgan", name)
    return postgres.url.rsplit("/", 1)[0] + "/" + name


@pytest.fixture
def redis():
    server = fault_servers.Redis()
    yield server
    server.close()


def talk(server, text, user="keeper"):
    answer = server.post("core", "/api/text", {"text": text, "user_id": user})
    assert answer.status_code == 200, answer.text
    return answer.json()["text"]


def messages(server, user="keeper"):
    page = server.get("core", f"/api/conversations/{user}", params={"limit": 1000}).json()
    return [(message["role"], message["content"]) for message in page["messages"]]


def part(server, name):
    health = server.get("core", "/health").json()
    return health["status"], next(part for part in health["parts"] if part["name"] == name)


def in_sqlite(server):
    """Messages that went past the database that was named."""
    with contextlib.closing(sqlite3.connect(server.home / "morgan.db")) as file:
        return file.execute("SELECT count(*) FROM messages").fetchone()[0]


def test_conversations_in_postgres_survive_a_kill(own_server, database):
    own_server.start(**LIGHT, MORGAN_STORE_URL=database)
    first = talk(own_server, "My favourite colour is green.")
    own_server.stop(signal.SIGKILL)
    own_server.start(**LIGHT, MORGAN_STORE_URL=database)
    assert messages(own_server) == [("user", "My favourite colour is green."), ("assistant", first)]
    listed = own_server.get("core", "/api/conversations").json()["conversations"]
    assert [(one["user_id"], one["message_count"]) for one in listed] == [("keeper", 2)]
    assert own_server.post("core", "/api/conversation/reset", {"user_id": "keeper"}).status_code == 200
    assert messages(own_server) == []
    assert requests.delete(own_server.url("core", "/api/conversations/keeper"), timeout=30).json()["deleted_messages"] == 2
    assert in_sqlite(own_server) == 0


def test_conversations_go_on_while_the_database_is_away(own_server, postgres, database):
    own_server.start(**LIGHT, MORGAN_STORE_URL=database)
    said = [("Hello.", talk(own_server, "Hello."))]
    postgres.stop("immediate")
    try:
        said += [(text, talk(own_server, text)) for text in ("Are you there?", "Good.")]
        status, store = part(own_server, "store")
        assert status == store["status"] == "degraded" and "4 writes wait" in store["detail"]
        away = own_server.get("core", "/api/conversations/keeper")
        assert away.status_code == 503 and "what is said now is kept" in away.json()["message"]
        metrics = own_server.get("core", "/metrics").text
        assert "morgan_store_up 0" in metrics and "morgan_store_waiting_writes 4" in metrics
        assert own_server.get("core", "/ready").json()["ready"]
        # Killed, and started without its database: what waits is on the disk.
        own_server.stop(signal.SIGKILL)
        own_server.start(**LIGHT, MORGAN_STORE_URL=database)
        said.append(("And now?", talk(own_server, "And now?")))
    finally:
        postgres.start()
    wait_until(lambda: part(own_server, "store")[0] == "healthy", 5, "healthy within 5 s of the database's return")
    assert messages(own_server) == [message for question, answer in said
                                    for message in (("user", question), ("assistant", answer))]


@pytest.mark.parametrize("change, told", [
    (lambda url: url.rsplit("/", 1)[0] + "/nowhere", "createdb"),
    (lambda url: url.replace("morgan@", "stranger:hush@"), "check user and password"),
    (lambda url: "http://127.0.0.1/morgan", "expected postgresql://"),
], ids=["database", "user", "form"])
def test_a_mistake_in_the_address_ends_the_start_and_says_so(own_server, postgres, change, told):
    environment = own_server.environment(**LIGHT, MORGAN_STORE_URL=change(postgres.url))
    ended = subprocess.run([BINARY, "serve"], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode != 0 and told in ended.stderr and "hush" not in ended.stderr, ended.stderr[-500:]


def test_the_address_is_a_secret_and_may_be_in_a_file(own_server, database):
    secret = own_server.home / "store-url"
    secret.write_text(database + "\n")
    shown = subprocess.run([BINARY, "config"], capture_output=True, text=True, check=True, timeout=30,
                           env=own_server.environment(MORGAN_STORE_URL="postgresql://morgan:hush@127.0.0.1/x"))
    assert "store.url" in shown.stdout and "hush" not in shown.stdout
    own_server.start(**LIGHT, MORGAN_STORE_URL_FILE=str(secret))
    talk(own_server, "Hello.")
    assert len(messages(own_server)) == 2 and in_sqlite(own_server) == 0


def test_redis_may_go_and_come_back(own_server, redis, database):
    own_server.start(**LIGHT, MORGAN_STORE_URL=database, MORGAN_CACHE_URL=redis.url)
    talk(own_server, "Hello.")
    redis.stop()
    talk(own_server, "Are you there?")
    wait_until(lambda: part(own_server, "cache")[0] == "degraded", 5, "a degraded cache")
    assert "stands in" in part(own_server, "cache")[1]["detail"]
    redis.start()
    wait_until(lambda: part(own_server, "cache")[0] == "healthy", 5, "healthy within 5 s of the return of Redis")
    talk(own_server, "Good.")
    assert len(messages(own_server)) == 6


def test_speech_comes_from_the_cache_also_after_a_restart(own_server):
    own_server.start(**LIGHT)
    fields = {"text": "The kettle is on, and the tea is nearly ready.", "format": "mp3"}

    def speak(service="tts", path="/synthesize", headers=None, **more):
        answer = own_server.post(service, path, {**fields, **more}, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.headers["X-Cache"], answer.content

    first = speak()
    assert first[0] == "miss"
    assert speak() == ("hit", first[1])
    # Piper speaks a little differently each time: what comes from the cache is the very same.
    fresh = speak(headers={"Cache-Control": "no-cache"})
    assert fresh[0] == "miss" and speak() == ("hit", fresh[1])
    for other in ({"speed": 1.5}, {"format": "wav"}, {"text": "Something else."}, {"sample_rate": 8000},
                  {"stream": False}):
        assert speak(**other)[0] == "miss", other
    openai = {"input": fields["text"], "response_format": "mp3"}
    assert speak("core", "/v1/audio/speech", **openai) == ("hit", fresh[1])
    # Whoever has it spoken anew, everybody gets that.
    anew = speak("core", "/v1/audio/speech", headers={"Cache-Control": "no-cache"}, **openai)
    assert anew[0] == "miss" and anew[1] != fresh[1] and speak() == ("hit", anew[1])
    own_server.stop(signal.SIGKILL)
    own_server.start(**LIGHT)
    assert speak() == ("hit", anew[1])
    file = speak(stream=False, format="wav")
    assert file[0] == "miss" and speak(stream=False, format="wav") == ("hit", file[1])
    unheard = {"text": "Keep this to yourself."}
    own_server.post("tts", "/synthesize", unheard, headers={"Cache-Control": "no-store"})
    assert speak(**unheard)[0] == "miss"
    assert 'morgan_speech_cache_total{result="hit"}' in own_server.get("tts", "/metrics").text


def test_what_was_just_given_is_given_again_from_memory(own_server):
    own_server.start(**LIGHT)
    spoken = [own_server.synthesize(text="The kettle is on.") for _ in range(2)]
    assert [answer.headers["X-Cache"] for answer in spoken] == ["miss", "hit"]
    for file in (own_server.home / "cache/speech").iterdir():
        file.unlink()
    again = own_server.synthesize(text="The kettle is on.")
    assert again.headers["X-Cache"] == "hit" and again.content == spoken[1].content


def test_the_speech_cache_can_be_off(own_server):
    own_server.start(**LIGHT, MORGAN_CACHE_SPEECH_MB="0")
    for _ in range(2):
        answer = own_server.synthesize(text="Hello.")
        assert answer.status_code == 200 and "X-Cache" not in answer.headers
    assert not (own_server.home / "cache/speech").exists()
