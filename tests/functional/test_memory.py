"""What Morgan remembers of its users: told in talk, over the API, by the command line; found by meaning."""

import json

import pytest
import requests

from conftest import refused, wait_until
from live_client import RATE, Live
from microphone import spoken


def say(server, text, user):
    answer = server.post("core", "/api/text", {"text": text, "user_id": user})
    assert answer.status_code == 200, answer.text
    return answer.json()


def known(server, user, **query):
    answer = server.get("core", f"/api/memories/{user}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["memories"]


def test_what_is_told_in_talk_is_known_in_the_next_conversation(server):
    user = "memory-talk"
    assert say(server, "Please remember that my dog is called Rex.", user)["text"] == (
        "I will remember that your dog is called Rex.")
    server.post("core", "/api/conversation/reset", {"user_id": user})
    assert "Rex" in say(server, "What is the name of my dog?", user)["text"]
    assert "Your dog is called Rex." in say(server, "What do you know about me?", user)["text"]
    say(server, "Forget that my dog is called Rex.", user)
    assert known(server, user) == []


def test_it_is_told_aloud_as_well(server):
    spoken = server.speech("Remember that my favourite colour is green.")
    answer = server.post("core", "/api/audio", files={"file": ("told.wav", spoken)}, data={"user_id": "memory-aloud"})
    assert "green" in answer.json()["text"] and answer.json()["audio_data"]
    assert "green" in known(server, "memory-aloud")[0]["text"]


def test_a_live_conversation_remembers_what_it_is_told_and_recalls_it_in_the_next(live_server):
    user = "memory-live"
    with Live(live_server, user_id=user) as client:
        client.say(spoken(live_server, "Remember that my dog is called Bella.", RATE))
        assert "Bella" in client.answer(0).text
    wait_until(lambda: known(live_server, user), 30, "the memory")
    live_server.post("core", "/api/conversation/reset", {"user_id": user})
    with Live(live_server, microphone=False, user_id=user) as client:
        assert "Bella" in client.ask("What is the name of my dog?").text

        def asked():
            return live_server.get("core", f"/api/conversations/{user}").json()["messages"][0]

        # It is written behind the answer.
        wait_until(lambda: "recalled" in asked()["metadata"], 30, "what was recalled")
        assert "Bella" in asked()["metadata"]["recalled"] and "Bella" not in asked()["content"]
        client.ask("Forget that my dog is called Bella.")
    assert known(live_server, user) == []


def test_facts_are_found_by_meaning(server):
    user = "memory-meaning"
    for text in ("My dog is called Rex.", "I live in Oslo.", "I am allergic to nuts.", "My sister is a doctor."):
        assert server.post("core", "/api/memories", {"user_id": user, "text": text}).json()["new"]
    for query, first in {"Which pet do I have?": "My dog is called Rex.", "Where is my home?": "I live in Oslo.",
                         "What must I not eat?": "I am allergic to nuts.",
                         "Who works at a hospital?": "My sister is a doctor."}.items():
        assert known(server, user, query=query)[0]["text"] == first


def test_a_memory_is_added_changed_exported_and_forgotten(server):
    user = "memory-api"
    added = server.post("core", "/api/memories", {"user_id": user, "text": "I like tea."}).json()
    again = server.post("core", "/api/memories", {"user_id": user, "text": "I like tea"}).json()
    assert added["new"] and not again["new"] and again["memory"]["id"] == added["memory"]["id"]
    assert added["memory"]["category"] == "preference"
    address = f"/api/memories/{user}/{added['memory']['id']}"
    changed = requests.put(server.url("core", address), json={"text": "I like coffee.", "importance": 9}, timeout=60)
    assert changed.json()["memory"]["text"] == "I like coffee." and changed.json()["memory"]["importance"] == 9
    assert known(server, user, query="hot drinks")[0]["text"] == "I like coffee."
    export = server.get("core", f"/api/memories/{user}/export")
    assert "attachment" in export.headers["Content-Disposition"]
    assert [memory["text"] for memory in export.json()["memories"]] == ["I like coffee."]
    assert requests.delete(server.url("core", address), timeout=60).status_code == 200
    refused(requests.delete(server.url("core", address), timeout=60), 404, "NOT_FOUND")
    refused(requests.put(server.url("core", address), json={"text": "x"}, timeout=60), 404, "NOT_FOUND")


def test_a_user_who_is_deleted_is_forgotten(server):
    user = "memory-gone"
    server.post("core", "/api/memories", {"user_id": user, "text": "I like tea."})
    gone = requests.delete(server.url("core", f"/api/conversations/{user}"), timeout=60).json()
    assert gone["deleted_memories"] == 1 and known(server, user) == []


def test_users_are_kept_apart(server):
    server.post("core", "/api/memories", {"user_id": "memory-a", "text": "My code is 4711."})
    mine = known(server, "memory-a")[0]["id"]
    other = server.url("core", f"/api/memories/memory-b/{mine}")
    refused(requests.delete(other, timeout=60), 404)
    refused(requests.put(other, json={"text": "stolen"}, timeout=60), 404)
    assert known(server, "memory-b") == [] and known(server, "memory-b", query="code") == []
    assert "4711" not in say(server, "What is my code?", "memory-b")["text"]


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": 5}, {"text": "a" * 3000}, {"text": "x", "user_id": "a/b"}])
def test_what_cannot_be_remembered_is_refused(server, body):
    refused(server.post("core", "/api/memories", body), 400)


def test_the_command_line_shows_and_changes_it(server):
    user = ("--user", "memory-cli")
    assert "My dog is called Rex." in server.cli("memory", "add", "My dog is called Rex.", *user).stdout
    assert "known already" in server.cli("memory", "add", "my dog is called rex", *user).stdout
    listed = json.loads(server.cli("--json", "memory", "list", *user).stdout)["memories"]
    assert [memory["text"] for memory in listed] == ["My dog is called Rex."]
    assert "Rex" in server.cli("memory", "list", "pets", *user).stdout
    assert json.loads(server.cli("memory", "export", *user).stdout)["total"] == 1
    assert server.cli("memory", "forget", *user).returncode == 4
    assert server.cli("memory", "forget", "mem_none", *user).returncode == 3
    assert server.cli("memory", "forget", listed[0]["id"], *user).returncode == 0
    assert "Nothing is remembered" in server.cli("memory", "list", *user).stdout


def test_facts_survive_a_crash(own_server):
    own_server.start()
    own_server.post("core", "/api/memories", {"user_id": "ada", "text": "My dog is called Rex."})
    own_server.process.kill()
    own_server.process.wait()
    own_server.start()
    assert known(own_server, "ada", query="pets")[0]["text"] == "My dog is called Rex."
