"""What was acknowledged is there afterwards, however the server ended."""

import signal


def talk(server, text):
    answer = server.post("core", "/api/text", {"text": text, "user_id": "keeper"})
    assert answer.status_code == 200, answer.text
    return answer.json()["text"]


def messages(server):
    return [(message["role"], message["content"]) for message in server.get("core", "/api/conversations/keeper").json()["messages"]]


def test_a_conversation_survives_restart_and_kill(own_server):
    own_server.start()
    first = talk(own_server, "My favourite colour is green.")
    own_server.stop()
    own_server.start()
    expected = [("user", "My favourite colour is green."), ("assistant", first)]
    assert messages(own_server) == expected
    second = talk(own_server, "What did I just tell you?")
    own_server.stop(signal.SIGKILL)
    own_server.start()
    expected += [("user", "What did I just tell you?"), ("assistant", second)]
    assert messages(own_server) == expected


def test_a_kill_in_the_middle_of_a_turn_keeps_what_was_said(own_server):
    own_server.start()
    answer = own_server.post("core", "/api/text", {"text": "Tell me a very long story about a river.", "user_id": "keeper"},
                             headers={"Accept": "text/event-stream"}, stream=True)
    assert next(answer.iter_lines()).startswith(b"event: text")
    own_server.stop(signal.SIGKILL)
    own_server.start()
    assert messages(own_server)[0] == ("user", "Tell me a very long story about a river.")
    talk(own_server, "And now a short one.")
    assert [role for role, _ in messages(own_server)][-2:] == ["user", "assistant"]


def test_stopping_lets_a_running_answer_finish(own_server):
    own_server.start()
    answer = own_server.post("core", "/api/text", {"text": "Count from one to ten.", "user_id": "keeper"},
                             headers={"Accept": "text/event-stream"}, stream=True)
    lines = answer.iter_lines()
    next(lines)
    own_server.process.send_signal(signal.SIGTERM)
    assert b"event: done" in list(lines)
    assert own_server.process.wait(timeout=20) == 0
