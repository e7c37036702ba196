"""A turn: something is said or written, Morgan answers, and remembers."""

import base64

import numpy
import pytest
import requests

from conftest import events_of, samples_of, wav_of, word_error_rate


def talk(server, user, text):
    answer = server.post("core", "/api/text", {"text": text, "user_id": user})
    assert answer.status_code == 200, answer.text
    return answer.json()


def conversation_of(server, user):
    return [(message["role"], message["content"])
            for message in server.get("core", f"/api/conversations/{user}").json()["messages"]]


def test_a_written_question_is_answered(server):
    answer = talk(server, "writer", "What is the capital of France? Answer with one word.")
    assert answer["success"] and "Paris" in answer["text"]
    assert answer["audio_data"] is None and answer["metadata"]["services_used"] == ["llm"]


def test_a_spoken_question_is_answered_aloud(server):
    question = server.synthesize(text="What is the capital of France?", voice="default").content
    answer = server.post("core", "/api/audio", files={"file": ("question.wav", question)}, data={"user_id": "speaker"}).json()
    assert word_error_rate("What is the capital of France?", answer["transcription"]) <= 0.2
    assert "Paris" in answer["text_response"]
    samples, rate = samples_of(base64.b64decode(answer["audio_data"]))
    assert 0.5 < len(samples) / rate < 30 and 0.05 < abs(samples).max() < 1
    heard = server.transcribe(base64.b64decode(answer["audio_data"])).json()["text"]
    assert word_error_rate(answer["text_response"], heard) <= 0.34
    timings = answer["metadata"]["timings_ms"]
    assert 0 < timings["transcript"] < timings["first_token"] < timings["first_audio"] <= timings["total"]


def test_a_turn_comes_as_events_in_order(server):
    question = server.synthesize(text="How many days has a week?").content
    answer = server.post("core", "/api/audio", files={"file": ("q.wav", question)}, data={"user_id": "events"},
                         headers={"Accept": "text/event-stream"}, stream=True)
    events = list(events_of(answer))
    names = [name for name, _ in events]
    assert names[0] == "transcript" and names[-1] == "done" and "text" in names and "audio" in names
    assert names.index("text") < names.index("audio")
    said = "".join(data["delta"] for name, data in events if name == "text")
    assert said.strip() == events[-1][1]["text"]
    pcm = b"".join(base64.b64decode(data["audio_data"]) for name, data in events if name == "audio")
    assert len(pcm) > 8000 and len(pcm) % 2 == 0


def test_text_may_be_answered_aloud(server):
    answer = server.post("core", "/api/text", {"text": "Say hello.", "user_id": "aloud", "metadata": {"generate_audio": True}}).json()
    samples, _ = samples_of(base64.b64decode(answer["audio_data"]))
    assert abs(samples).max() > 0.05


def test_a_conversation_is_remembered_listed_reset_and_deleted(server):
    talk(server, "rememberer", "My name is Ada.")
    talk(server, "rememberer", "Hello again.")
    talk(server, "stranger", "Good morning.")
    messages = conversation_of(server, "rememberer")
    assert [role for role, _ in messages] == ["user", "assistant"] * 2
    assert messages[0][1] == "My name is Ada."
    assert [content for _, content in conversation_of(server, "stranger")][0] == "Good morning."
    listed = server.get("core", "/api/conversations").json()
    assert {"rememberer", "stranger"} <= {entry["user_id"] for entry in listed["conversations"]}
    assert server.post("core", "/api/conversation/reset", {"user_id": "rememberer"}).status_code == 200
    assert conversation_of(server, "rememberer") == []
    assert conversation_of(server, "stranger")
    deleted = requests.delete(server.url("core", "/api/conversations/stranger"), timeout=30).json()
    assert deleted["success"] and deleted["deleted_messages"] == 2
    assert conversation_of(server, "stranger") == []


def test_the_history_reaches_the_model(server):
    first = talk(server, "context", "Hello, my name is Ada and I like rivers.")
    second = talk(server, "context", "And what do you like?")
    assert second["metadata"]["usage"]["prompt_tokens"] > first["metadata"]["usage"]["prompt_tokens"]
    assert second["conversation_id"] == first["conversation_id"]
    assert second["metadata"]["usage"]["cached_tokens"] > 0


@pytest.mark.parametrize("path", ["/api/audio", "/audio/process"])
def test_silence_is_no_turn(server, path):
    answer = server.post("core", path, files={"file": ("a.wav", wav_of(numpy.zeros(32000)))}, data={"user_id": "silent"})
    assert answer.status_code == 200 and answer.json()["transcription"] == "" and answer.json()["text"] == ""
    assert conversation_of(server, "silent") == []
