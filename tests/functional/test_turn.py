"""A turn: something is said or written, Morgan answers, and remembers."""

import base64
import concurrent.futures

import numpy
import pytest
import requests

from conftest import events_of, refused, samples_of, wav_of, word_error_rate


def talk(server, user, text, **more):
    answer = server.post("core", "/api/text", {"text": text, "user_id": user, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def page_of(server, user, **query):
    return server.get("core", f"/api/conversations/{user}", params=query).json()


def conversation_of(server, user):
    return [(message["role"], message["content"]) for message in page_of(server, user)["messages"]]


@pytest.fixture(scope="module")
def question(server):
    return server.speech("What is the capital of France?")


def test_a_written_question_is_answered(server):
    answer = talk(server, "writer", "What is the capital of France? Answer with one word.")
    assert answer["success"] and "Paris" in answer["text"] and answer["text"] == answer["text_response"]
    assert answer["audio_data"] is None and answer["metadata"]["services_used"] == ["llm"]


@pytest.mark.parametrize("path, field", [("/api/audio", "file"), ("/audio/process", "audio")])
def test_a_spoken_question_is_answered_aloud(server, question, path, field):
    user = "speaker" + field
    answer = server.post("core", path, files={field: ("question.wav", question)}, data={"user_id": user, "voice": "af_heart"}).json()
    assert word_error_rate("What is the capital of France?", answer["transcription"]) <= 0.2
    assert "Paris" in answer["text_response"]
    spoken = base64.b64decode(answer["audio_data"])
    samples, rate = samples_of(spoken)
    assert 0.5 < len(samples) / rate < 30 and 0.05 < abs(samples).max() < 1
    assert word_error_rate(answer["text_response"], server.transcribe(spoken).json()["text"]) <= 0.5
    timings = answer["metadata"]["timings_ms"]
    assert 0 < timings["transcript"] < timings["first_token"] < timings["first_audio"] <= timings["total"]
    assert answer["metadata"]["services_used"] == ["stt", "llm", "tts"]
    assert conversation_of(server, user) == [("user", answer["transcription"]), ("assistant", answer["text"])]


def test_a_turn_comes_as_events_in_order(server, question):
    answer = server.post("core", "/api/audio", files={"file": ("q.wav", question)}, data={"user_id": "events", "voice": "af_heart"},
                         headers={"Accept": "text/event-stream"}, stream=True)
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    events = list(events_of(answer))
    names = [name for name, _ in events]
    assert names[0] == "transcript" and names[-1] == "done" and set(names) == {"transcript", "text", "audio", "done"}
    assert names.index("text") < names.index("audio")
    said = "".join(data["delta"] for name, data in events if name == "text")
    assert "Paris" in said and said.strip() == events[-1][1]["text"]
    pieces = [data for name, data in events if name == "audio"]
    pcm = b"".join(base64.b64decode(data["audio_data"]) for data in pieces)
    samples = numpy.frombuffer(pcm, numpy.int16) / 32768
    heard = server.transcribe(wav_of(samples, pieces[0]["sample_rate"])).json()["text"]
    assert word_error_rate(said, heard) <= 0.5


def test_written_turns_come_as_events_too(server):
    answer = server.post("core", "/api/text",
                         {"text": "What is the capital of Italy?", "user_id": "e2", "stream": True},
                         stream=True)
    events = list(events_of(answer))
    assert "".join(data["delta"] for name, data in events if name == "text").strip() == events[-1][1]["text"]
    assert "Rome" in events[-1][1]["text"] and not any(name == "audio" for name, _ in events)


@pytest.mark.parametrize("voice", ["joe", "af_heart"])
def test_text_may_be_answered_aloud_in_a_chosen_voice(server, voice):
    answer = talk(server, "aloud" + voice, "What is the capital of Spain?",
                  metadata={"generate_audio": True, "voice": voice})
    samples, rate = samples_of(base64.b64decode(answer["audio_data"]))
    assert abs(samples).max() > 0.05 and rate == {"joe": 22050, "af_heart": 24000}[voice]
    assert answer["metadata"]["voice"] == voice


def test_a_spoken_question_may_be_answered_in_writing(server, question):
    answer = server.post("core", "/api/audio", files={"file": ("q.wav", question)},
                         data={"user_id": "quiet", "generate_audio": "false"}).json()
    assert "Paris" in answer["text"] and not answer["audio_data"]
    assert answer["metadata"]["services_used"] == ["stt", "llm"]


def test_a_question_may_come_as_json_or_as_the_body(server, question):
    encoded = {"audio_data": base64.b64encode(question).decode(), "user_id": "json", "generate_audio": False}
    assert "Paris" in server.post("core", "/api/audio", encoded).json()["text"]
    bare = requests.post(server.url("core", "/api/audio?user_id=body&generate_audio=false"), data=question,
                         headers={"Content-Type": "audio/wav"}, timeout=60)
    assert "Paris" in bare.json()["text"]


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
    assert server.post("core", "/api/conversation/reset", {"user_id": "rememberer"}).json()["success"]
    assert conversation_of(server, "rememberer") == []
    assert conversation_of(server, "stranger")
    deleted = requests.delete(server.url("core", "/api/conversations/stranger"), timeout=30).json()
    assert deleted["success"] and deleted["deleted_messages"] == 2
    assert conversation_of(server, "stranger") == []
    again = requests.delete(server.url("core", "/api/conversations/stranger"), timeout=30)
    assert again.status_code == 200 and again.json()["deleted_messages"] == 0


def test_what_was_said_is_known_later_but_to_that_user_only(server):
    talk(server, "knower", "My name is Ada and my dog is called Rex.")
    assert "Rex" in talk(server, "knower", "What is my dog called?")["text"]
    assert "Rex" not in talk(server, "other", "What is my dog called?")["text"]
    server.post("core", "/api/conversation/reset", {"user_id": "knower"})
    assert "Rex" not in talk(server, "knower", "What is my dog called?")["text"]


def test_the_history_reaches_the_model(server):
    first = talk(server, "context", "Hello, my name is Ada and I like rivers.")
    second = talk(server, "context", "And what do you like?")
    assert second["metadata"]["usage"]["prompt_tokens"] > first["metadata"]["usage"]["prompt_tokens"]
    assert second["conversation_id"] == first["conversation_id"]
    assert second["metadata"]["usage"]["cached_tokens"] > 0


def test_a_conversation_is_read_in_pages(server):
    for number in range(3):
        talk(server, "pages", f"This is message {number}.")
    whole = conversation_of(server, "pages")
    page = page_of(server, "pages", limit=2, offset=2)
    assert page["total_messages"] == 6 and page["limit"] == 2 and page["offset"] == 2
    assert [(message["role"], message["content"]) for message in page["messages"]] == whole[2:4]
    assert page_of(server, "pages", offset=6)["messages"] == []
    assert len(server.get("core", "/api/conversations", params={"limit": 1}).json()["conversations"]) == 1


def test_users_talk_at_the_same_time(server):
    users = [f"crowd{number}" for number in range(4)]
    with concurrent.futures.ThreadPoolExecutor(len(users)) as pool:
        answers = list(pool.map(lambda user: talk(server, user, f"Hello, I am {user}."), users))
    for user, answer in zip(users, answers):
        assert conversation_of(server, user) == [("user", f"Hello, I am {user}."), ("assistant", answer["text"])]
    assert len({answer["conversation_id"] for answer in answers}) == len(users)


@pytest.mark.parametrize("path", ["/api/audio", "/audio/process"])
def test_silence_is_no_turn(server, path):
    silence = wav_of(numpy.zeros(32000))
    answer = server.post("core", path, files={"file": ("a.wav", silence)}, data={"user_id": "silent"})
    assert answer.status_code == 200 and answer.json()["transcription"] == "" and answer.json()["text"] == ""
    assert conversation_of(server, "silent") == []


def test_what_is_refused_is_not_remembered(server, question):
    refused(server.post("core", "/api/text", {"text": "Hi", "user_id": "refused", "voice": "nobody",
                                              "generate_audio": True}), 404, "VOICE_NOT_FOUND")
    refused(server.post("core", "/api/audio", files={"file": ("q.wav", question)},
                        data={"user_id": "refused", "language": "xx"}), 400, "LANGUAGE_NOT_SUPPORTED")
    assert conversation_of(server, "refused") == []
