"""What was acknowledged is there afterwards, however the server ended."""

import concurrent.futures
import signal
import sqlite3

import requests

from conftest import wait_until


# What is kept does not depend on who answers: the small model and one voice start sooner.
LIGHT = {"MORGAN_LLM_MODEL": "smollm2-135m", "MORGAN_TTS_KOKORO": "false"}


def talk(server, text, user="keeper"):
    answer = server.post("core", "/api/text", {"text": text, "user_id": user})
    assert answer.status_code == 200, answer.text
    return answer.json()["text"]


def messages(server, user="keeper"):
    page = server.get("core", f"/api/conversations/{user}", params={"limit": 1000}).json()
    return [(message["role"], message["content"]) for message in page["messages"]]


def test_a_conversation_survives_restart_and_kill(own_server):
    own_server.start(**LIGHT)
    first = talk(own_server, "My favourite colour is green.")
    own_server.stop()
    own_server.start(**LIGHT)
    expected = [("user", "My favourite colour is green."), ("assistant", first)]
    assert messages(own_server) == expected
    second = talk(own_server, "What did I just tell you?")
    own_server.stop(signal.SIGKILL)
    own_server.start(**LIGHT)
    expected += [("user", "What did I just tell you?"), ("assistant", second)]
    assert messages(own_server) == expected


def test_kills_amid_many_conversations_lose_nothing_acknowledged(own_server):
    """Four users talk without pause; the server is killed when it likes least."""
    settings = {**LIGHT, "MORGAN_DIALOGUE_MAX_TOKENS": "2", "MORGAN_DIALOGUE_SYSTEM_PROMPT": "Hi."}
    acknowledged = {f"user{number}": [] for number in range(4)}

    def talk_on(user, first):
        for number in range(first, first + 1000):
            try:
                acknowledged[user].append((f"Message {number}.", talk(own_server, f"Message {number}.", user)))
            except requests.RequestException:
                return

    for round_number in range(2):
        own_server.start(**settings)
        before = sum(map(len, acknowledged.values()))
        with concurrent.futures.ThreadPoolExecutor(len(acknowledged)) as pool:
            for user in acknowledged:
                pool.submit(talk_on, user, 1000 * round_number)
            wait_until(lambda start=before: sum(map(len, acknowledged.values())) >= start + 12, 60, "twelve answers")
            own_server.stop(signal.SIGKILL)
    own_server.start(**settings)
    for user, turns in acknowledged.items():
        kept = messages(own_server, user)
        answered = [(said[1], answer[1]) for said, answer in zip(kept, kept[1:])
                    if (said[0], answer[0]) == ("user", "assistant")]
        assert [turn for turn in answered if turn in turns] == turns, user
        assert len(turns) <= len(answered) <= len(turns) + 2  # a kill between storing and answering
    own_server.stop()
    with sqlite3.connect(own_server.home / "morgan.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def test_a_kill_in_the_middle_of_a_turn_keeps_what_was_said(own_server):
    own_server.start(**LIGHT)
    answer = own_server.post("core", "/api/text",
                             {"text": "Tell me a very long story about a river.", "user_id": "keeper"},
                             headers={"Accept": "text/event-stream"}, stream=True)
    assert next(answer.iter_lines()).startswith(b"event: text")
    own_server.stop(signal.SIGKILL)
    own_server.start(**LIGHT)
    assert messages(own_server)[0] == ("user", "Tell me a very long story about a river.")
    talk(own_server, "And now a short one.")
    assert [role for role, _ in messages(own_server)][-2:] == ["user", "assistant"]


def test_reset_and_deletion_are_for_good(own_server):
    own_server.start(**LIGHT)
    talk(own_server, "To be closed.", "closer")
    talk(own_server, "To be deleted.", "leaver")
    assert own_server.post("core", "/api/conversation/reset", {"user_id": "closer"}).status_code == 200
    assert requests.delete(own_server.url("core", "/api/conversations/leaver"), timeout=30).status_code == 200
    own_server.stop(signal.SIGKILL)
    stored = b"".join(path.read_bytes() for path in own_server.home.glob("morgan.db*"))
    assert b"To be closed." in stored and b"To be deleted." not in stored
    own_server.start(**LIGHT)
    assert messages(own_server, "closer") == [] == messages(own_server, "leaver")


def test_stopping_lets_a_running_answer_finish(own_server):
    own_server.start(**LIGHT)
    answer = own_server.post("core", "/api/text", {"text": "Count from one to ten.", "user_id": "keeper"},
                             headers={"Accept": "text/event-stream"}, stream=True)
    lines = answer.iter_lines()
    next(lines)
    own_server.process.send_signal(signal.SIGTERM)
    assert b"event: done" in list(lines)
    assert own_server.process.wait(timeout=20) == 0


def test_a_second_signal_ends_it_at_once(own_server):
    own_server.start(**LIGHT)
    story = {"messages": [{"role": "user", "content": "Write a very long story."}], "max_tokens": 3500, "stream": True,
             "ignore_eos": True}
    answer = own_server.post("llm", "/v1/chat/completions", story, stream=True)
    next(answer.iter_lines())
    own_server.process.send_signal(signal.SIGINT)
    wait_until(lambda: "stopping" in (own_server.home / "server.log").read_text(), 10, "the beginning of the end")
    own_server.process.send_signal(signal.SIGINT)
    assert own_server.process.wait(timeout=3) == -signal.SIGINT
