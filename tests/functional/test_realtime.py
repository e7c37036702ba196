"""OpenAI's Realtime API with the official SDK: real speech, real engines, answers judged by what is heard in them."""

import base64
import json
import warnings

import numpy
import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from conftest import pcm_of, wav_of, word_error_rate
from microphone import spoken
from realtime_client import LIMIT, RATE, Talk, sdk

with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
    import audioop  # Python 3.11, which Debian 12 has, is not without it yet

STORY = "Tell me a long story about a river, in at least ten sentences."
QUESTION = "What is the capital of France?"
BY_HAND = {"audio": {"input": {"turn_detection": None}}}
WEATHER = {"type": "function", "name": "get_weather", "description": "The weather of a city, now.",
           "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}


@pytest.fixture
def talk(live_server):
    """@return a function that opens a session; all are closed at the end, and checked"""
    opened = []

    def open_one(microphone=False, **options):
        made = Talk(sdk(live_server).realtime.connect(model="gpt-realtime", **options), microphone)
        opened.append(made)
        return made.__enter__()

    yield open_one
    for made in reversed(opened):
        made.__exit__()


@pytest.fixture(scope="module")
def question(live_server):
    return spoken(live_server, QUESTION, RATE)


def heard_in(server, audio):
    return server.transcribe(audio, language="en").json()["text"]


def order_of(kinds):
    """Each kind once where it is repeated."""
    return [kind for index, kind in enumerate(kinds) if index == 0 or kinds[index - 1] != kind]


def test_a_written_question_is_answered_aloud(talk, live_server):
    client = talk()
    assert client.session["type"] == "realtime" and client.session["model"] == "gpt-realtime"
    assert client.session["audio"]["input"]["turn_detection"]["type"] == "server_vad"
    client.write(QUESTION)
    response = client.ask()
    assert response.done["status"] == "completed" and response.done["status_details"] is None
    assert word_error_rate(response.said, heard_in(live_server, response.wav())) <= 0.35
    usage = response.done["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] > 0
    items = [event for event in client.events if event["type"].startswith("conversation.item.")]
    asked, answered = (event["item"]["id"] for event in items if event["type"].endswith("added"))
    assert [(event["item"]["id"], event["previous_item_id"]) for event in items] == [
        (asked, None), (asked, None), (answered, asked), (answered, asked)]
    kinds = [k for k in client.types() if not k.endswith(".delta")]
    assert kinds == [
        "session.created", "conversation.item.added", "conversation.item.done", "response.created",
        "rate_limits.updated", "response.output_item.added", "conversation.item.added", "response.content_part.added",
        "response.output_audio.done", "response.output_audio_transcript.done", "response.content_part.done",
        "response.output_item.done", "conversation.item.done", "response.done"], kinds


def test_a_spoken_question_is_heard_and_answered(talk, live_server, question):
    client = talk(microphone=True)
    client.update(audio={"input": {"transcription": {"model": "whisper-1", "language": "en"}}})
    since = client.mark()
    client.say(question)
    response = client.response(since)
    transcript = client.wait_for("conversation.item.input_audio_transcription.completed")
    assert word_error_rate(QUESTION, transcript["transcript"]) <= 0.2 and transcript["usage"]["seconds"] > 0.5
    assert response.done["status"] == "completed" and "Paris" in response.said
    assert word_error_rate(response.said, heard_in(live_server, response.wav())) <= 0.35
    kinds = order_of([k for k in client.types(since) if not k.startswith("response.")])
    assert kinds[:7] == ["input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped",
                         "input_audio_buffer.committed", "conversation.item.added", "conversation.item.done",
                         "conversation.item.input_audio_transcription.delta",
                         "conversation.item.input_audio_transcription.completed"], kinds
    started, stopped = client.wait_for("input_audio_buffer.speech_started"), client.wait_for(
        "input_audio_buffer.speech_stopped")
    assert started["item_id"] == stopped["item_id"] == transcript["item_id"]
    length = len(question) / RATE * 1000
    assert length * 0.6 < stopped["audio_end_ms"] - started["audio_start_ms"] < length + 700


def test_who_speaks_up_gets_the_floor(talk, live_server):
    second = spoken(live_server, "How many days does a week have?", RATE)
    client = talk(microphone=True)
    client.write(STORY)
    client.tell("response.create")
    first = client.responses[client.wait_for("response.created")["response"]["id"]]
    client.wait_for_audio(first, 1.5)
    since = client.mark()
    client.say(second)
    answer = client.response(since)
    details = first.done["status_details"]
    assert (first.done["status"], details["reason"]) == ("cancelled", "turn_detected")
    kinds = client.types(since)
    begun = kinds.index("input_audio_buffer.speech_started")
    assert "response.output_audio.delta" not in kinds[begun:kinds.index("response.done")]
    assert first.done["output"][0]["status"] == "incomplete" and answer.done["status"] == "completed"
    # The conversation keeps what was heard, and the client may say it better.
    item = first.order[0]
    client.tell("conversation.item.retrieve", item_id=item)
    kept = client.wait_for("conversation.item.retrieved")["item"]["content"][0]
    assert first.said.startswith(kept["transcript"]) and len(kept["transcript"]) < len(first.said)
    assert len(base64.b64decode(kept["audio"])) / 2 / RATE == pytest.approx(first.seconds, abs=0.1)
    client.tell("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=800)
    assert client.wait_for("conversation.item.truncated")["audio_end_ms"] == 800
    since = client.mark()
    client.tell("conversation.item.retrieve", item_id=item)
    shorter = client.wait_for("conversation.item.retrieved", since=since)["item"]["content"][0]["transcript"]
    assert kept["transcript"].startswith(shorter) and len(shorter) < len(kept["transcript"])


def test_a_client_may_take_the_turns_itself(talk, question, live_server):
    client = talk()
    session = client.update(audio={"input": {"turn_detection": None, "transcription": {"model": "whisper-1"}}})
    assert session["audio"]["input"]["turn_detection"] is None
    assert client.refused("input_audio_buffer.commit")["code"] == "input_audio_buffer_commit_empty"
    client.append(question)
    client.tell("input_audio_buffer.clear")
    client.wait_for("input_audio_buffer.cleared")
    assert client.refused("input_audio_buffer.commit")["code"] == "input_audio_buffer_commit_empty"
    client.append(question, step=4801)
    client.tell("input_audio_buffer.commit")
    item = client.wait_for("input_audio_buffer.committed")["item_id"]
    response = client.ask()
    transcript = client.wait_for("conversation.item.input_audio_transcription.completed")
    assert transcript["item_id"] == item and word_error_rate(QUESTION, transcript["transcript"]) <= 0.2
    assert "Paris" in response.said
    assert not any("speech" in kind for kind in client.types())
    client.tell("conversation.item.retrieve", item_id=item)
    audio = base64.b64decode(client.wait_for("conversation.item.retrieved")["item"]["content"][0]["audio"])
    assert len(audio) / 2 == pytest.approx(len(question), rel=0.02)


@pytest.mark.parametrize("name", ["audio/pcmu", "audio/pcma"])
def test_telephone_audio_both_ways(talk, live_server, name):
    encode, decode = (audioop.lin2ulaw, audioop.ulaw2lin) if name == "audio/pcmu" else (audioop.lin2alaw,
                                                                                       audioop.alaw2lin)
    client = talk()
    client.update(audio={"input": {"turn_detection": None, "format": {"type": name}},
                         "output": {"format": {"type": name}}})
    client.append(spoken(live_server, QUESTION, 8000), lambda samples: encode(pcm_of(samples), 2))
    client.tell("input_audio_buffer.commit")
    response = client.ask()
    assert "Paris" in response.said
    samples = numpy.frombuffer(decode(response.audio, 2), "<i2") / 32768
    assert word_error_rate(response.said, heard_in(live_server, wav_of(samples, 8000))) <= 0.35


def test_text_alone(talk):
    client = talk()
    client.update(output_modalities=["text"])
    client.write(QUESTION)
    response = client.ask()
    assert "Paris" in response.said and not response.audio and response.done["output_modalities"] == ["text"]
    assert response.done["output"][0]["content"] == [{"type": "output_text", "text": response.said}]
    assert not any("audio" in kind for kind in client.types())


def test_a_function_is_called_and_its_output_spoken(talk, live_server):
    client = talk()
    client.update(tools=[WEATHER], instructions="You answer questions about the weather with the tool.")
    client.write("What is the weather in Rome?")
    response = client.ask(tool_choice="required")
    call = response.done["output"][-1]
    assert (call["type"], call["name"], call["status"]) == ("function_call", "get_weather", "completed")
    assert "Rome" in json.loads(call["arguments"])["city"] and call["call_id"]
    told = client.wait_for("response.function_call_arguments.done")
    assert (told["call_id"], told["name"], told["arguments"]) == (call["call_id"], "get_weather", call["arguments"])
    client.tell("conversation.item.create", item={"type": "function_call_output", "call_id": call["call_id"],
                                                  "output": json.dumps({"weather": "snow"})})
    assert not response.audio, "something was said before the function had answered"
    answer = client.ask()
    assert answer.done["status"] == "completed" and "snow" in answer.said.lower(), answer.said
    assert word_error_rate(answer.said, heard_in(live_server, answer.wav())) <= 0.5


def test_a_response_beside_the_conversation(talk):
    client = talk()
    client.write("My dog is called Bello.")
    client.tell("response.create")
    client.wait_for("response.created")
    client.tell("response.create", response={
        "conversation": "none", "output_modalities": ["text"], "metadata": {"topic": "test"},
        "instructions": "Answer in one word.",
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": QUESTION}]}]})
    beside = client.wait_for("response.created", lambda e: e["response"]["conversation_id"] is None)["response"]["id"]
    done = client.wait_for("response.done", lambda e: e["response"]["id"] == beside)["response"]
    assert done["metadata"] == {"topic": "test"} and "Paris" in client.responses[beside].said
    item = done["output"][0]["id"]
    added = [e["item"]["id"] for e in client.events if e["type"] == "conversation.item.added"]
    assert item not in added
    client.wait_for("response.done", lambda e: e["response"]["id"] != beside)


def test_one_response_at_a_time_and_cancel(talk):
    client = talk()
    assert client.refused("response.cancel")["code"] == "response_cancel_not_active"
    client.write(STORY)
    client.tell("response.create")
    response = client.responses[client.wait_for("response.created")["response"]["id"]]
    client.wait_for_audio(response, 0.5)
    assert client.refused("response.create")["code"] == "conversation_already_has_active_response"
    assert client.refused("response.cancel", response_id="resp_other")["code"] == "response_cancel_not_active"
    client.tell("response.cancel")
    client.wait_for("response.done")
    assert response.done["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    client.write("Say hello.")
    assert client.ask(max_output_tokens=40).done["status"] in ("completed", "incomplete")


def test_an_answer_that_is_cut_is_incomplete(talk):
    client = talk()
    client.write(STORY)
    done = client.ask(max_output_tokens=5, output_modalities=["text"]).done
    assert done["status"] == "incomplete" and done["status_details"]["reason"] == "max_output_tokens"
    assert done["output"][0]["status"] == "incomplete" and done["max_output_tokens"] == 5


def test_items_are_placed_shown_and_deleted(talk):
    client = talk()
    client.write("My cat is called Minka.", id="cat")
    assert client.wait_for("conversation.item.done")["previous_item_id"] is None
    client.write("My dog is called Bello.", id="dog")
    client.wait_for("conversation.item.added", lambda e: e["item"]["id"] == "dog" and e["previous_item_id"] == "cat")
    since = client.mark()
    client.tell("conversation.item.create", previous_item_id="root", item={
        "type": "message", "role": "system", "content": [{"type": "input_text", "text": "Answer with one word."}]})
    assert client.wait_for("conversation.item.added", since=since)["previous_item_id"] is None
    client.tell("conversation.item.delete", item_id="cat")
    assert client.wait_for("conversation.item.deleted")["item_id"] == "cat"
    for kind in ("conversation.item.retrieve", "conversation.item.delete"):
        assert client.refused(kind, item_id="cat")["code"] == "item_not_found"
    client.write("What is my dog called?")
    assert "Bello" in client.ask(output_modalities=["text"]).said


def test_a_turn_without_an_answer_until_it_is_asked_for(talk, question):
    client = talk(microphone=True)
    client.update(audio={"input": {"transcription": {"model": "whisper-1"},
                                   "turn_detection": {"type": "semantic_vad", "eagerness": "high",
                                                      "create_response": False}}})
    client.say(question)
    client.wait_for("conversation.item.input_audio_transcription.completed")
    response = client.ask()
    kinds = client.types()
    assert kinds.count("response.created") == 1 and "Paris" in response.said
    assert kinds.index("response.created") > kinds.index("conversation.item.input_audio_transcription.completed")


def test_the_voice_is_kept_once_it_was_heard(talk):
    client = talk()
    assert client.update(audio={"output": {"voice": "marin", "speed": 1.2}})["audio"]["output"]["voice"] == "marin"
    client.write("Say hello.")
    assert client.ask().done["audio"]["output"]["voice"] == "marin"
    since = client.mark()
    client.tell("session.update", session={"type": "realtime", "audio": {"output": {"voice": "alloy"}}})
    assert client.wait_for("error", since=since)["error"]["code"] == "cannot_update_voice"
    assert client.update(instructions="Be kind.")["audio"]["output"]["voice"] == "marin"


BAD = [
    ("session.update", {"session": {"type": "realtime", "audio": {"input": {"turn_detection": {
        "type": "server_vad", "threshold": 3}}}}}, "invalid_value", "session.audio.input.turn_detection.threshold"),
    ("session.update", {"session": {"type": "realtime", "audio": {"input": {"format": {
        "type": "audio/pcm", "rate": 16000}}}}}, "invalid_value", "session.audio.input.format.rate"),
    ("session.update", {"session": {"type": "realtime", "tools": "x"}}, "invalid_type", "session.tools"),
    ("session.update", {"session": {"type": "transcription"}}, "invalid_value", "session.type"),
    ("session.update", {}, "missing_required_parameter", "session"),
    ("input_audio_buffer.append", {"audio": "not base64!"}, "invalid_value", "audio"),
    ("input_audio_buffer.append", {"audio": 7}, "invalid_type", "audio"),
    ("input_audio_buffer.append", {}, "missing_required_parameter", "audio"),
    ("input_audio_buffer.commit", {}, "input_audio_buffer_commit_empty", None),
    ("conversation.item.create", {"item": {"type": "message", "role": "user", "content": [{
        "type": "input_image", "image_url": "data:"}]}}, "invalid_value", "item.content[0].type"),
    ("conversation.item.create", {"item": {"type": "song"}}, "invalid_value", "item.type"),
    ("conversation.item.create", {"previous_item_id": "nowhere", "item": {"type": "message", "role": "user", "content": [
        {"type": "input_text", "text": "x"}]}}, "item_not_found", "previous_item_id"),
    ("conversation.item.truncate", {"item_id": "none", "content_index": 0, "audio_end_ms": 1},
     "item_truncate_invalid_item_id", "item_id"),
    ("conversation.item.truncate", {"item_id": "none"}, "missing_required_parameter", "audio_end_ms"),
    ("response.create", {"response": {"conversation": "some"}}, "invalid_value", "response.conversation"),
    ("response.create", {"response": {"input": [{"type": "item_reference", "id": "none"}]}}, "item_not_found",
     "response.input[0].id"),
    ("response.create", {"response": {"audio": {"output": {"voice": "nobody"}}}}, "invalid_value",
     "response.audio.output.voice"),
    ("output_audio_buffer.clear", {}, "invalid_event", "type"),
    ("make.coffee", {}, "invalid_event", "type"),
]


def test_what_is_wrong_is_told_and_the_session_stays(talk):
    client = talk()
    for kind, fields, code, param in BAD:
        error = client.refused(kind, **fields)
        assert (error["code"], error["param"]) == (code, param), (kind, error)
    for raw, code in (("{", "invalid_json"), ("[]", "invalid_json"), ('{"a":1}', "missing_required_parameter"),
                      (b"\x00\x01", "invalid_event"), ('{"type":"x","v":1e999}', None)):
        since = client.mark()
        client.connection._connection.send(raw)
        assert client.wait_for("error", since=since)["error"]["code"] == code or code is None
    session = client.update(instructions="Say yes.")
    assert session["audio"]["input"]["turn_detection"]["threshold"] == 0.5, "a part of what was refused was applied"
    client.write("Are you there?")
    assert client.ask(output_modalities=["text"]).done["status"] == "completed"


def test_who_says_nothing_for_long_is_spoken_to(talk):
    client = talk(microphone=True)
    client.update(output_modalities=["text"], max_output_tokens=8,
                  audio={"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000}}})
    client.write("Say hello.")
    client.ask()
    since = client.mark()
    timeout = client.wait_for("input_audio_buffer.timeout_triggered", since=since)
    assert 0 <= timeout["audio_start_ms"] < timeout["audio_end_ms"]
    committed = client.wait_for("input_audio_buffer.committed", since=since)
    assert committed["item_id"] == timeout["item_id"] and client.response(since).said
    client.update(audio={"input": {"turn_detection": None}})


def test_transcription_alone(talk, live_server, question):
    client = talk(microphone=True, extra_query={"intent": "transcription"})
    assert client.session["type"] == "transcription"
    client.say(question)
    transcript = client.wait_for("conversation.item.input_audio_transcription.completed")["transcript"]
    assert word_error_rate(QUESTION, transcript) <= 0.2
    assert client.refused("response.create")["code"] == "invalid_event"
    assert not any(kind.startswith("response.") for kind in client.types())


def test_a_secret_opens_the_session_it_was_made_for(live_server):
    made = sdk(live_server).realtime.client_secrets.create(
        expires_after={"anchor": "created_at", "seconds": 60},
        session={"type": "realtime", "instructions": "Answer in one word.", "audio": {"output": {"voice": "alloy"}}})
    assert made.value.startswith("ek_") and made.session.audio.output.voice == "alloy"
    with Talk(sdk(live_server, made.value).realtime.connect(model="gpt-realtime")) as client:
        assert client.session["instructions"] == "Answer in one word."
        assert client.session["audio"]["output"]["voice"] == "alloy"
    beta = live_server.post("core", "/v1/realtime/sessions", {"voice": "alloy", "modalities": ["text"]}).json()
    assert beta["client_secret"]["value"].startswith("ek_") and beta["modalities"] == ["text"]
    told = live_server.post("core", "/v1/realtime/transcription_sessions", {"input_audio_format": "g711_ulaw"}).json()
    assert told["object"] == "realtime.transcription_session" and told["input_audio_format"] == "g711_ulaw"
    refused = live_server.post("core", "/v1/realtime/client_secrets", {"expires_after": {"seconds": 1}})
    assert refused.status_code == 400 and refused.json()["error"]["param"] == "expires_after.seconds"


def test_who_may_not_come_in_is_told_before_the_upgrade(live_server):
    url = f"ws://127.0.0.1:{live_server.ports['core']}/v1/realtime"
    for headers, status in (({"Authorization": "Bearer ek_unknown"}, 401), ({"Origin": "http://evil.example"}, 403)):
        with pytest.raises(InvalidStatus) as refused:
            connect(url, additional_headers=headers)
        assert refused.value.response.status_code == status
        assert json.loads(refused.value.response.body)["error"]["message"]
    assert requests.get(url.replace("ws:", "http:"), timeout=LIMIT).status_code == 426


@pytest.mark.parametrize("protocols,answered,beta", [
    (["realtime", "openai-insecure-api-key.none"], "realtime", False),
    (["realtime", "openai-insecure-api-key.none", "openai-beta.realtime-v1"], "realtime", True),
    (["realtime", "openai-insecure-api-key.none", "openai-agents-sdk.0.20.0"], "realtime", False),
    (None, None, False)])
def test_browsers_come_in_by_subprotocol(live_server, protocols, answered, beta):
    url = f"ws://127.0.0.1:{live_server.ports['core']}/v1/realtime?model=gpt-realtime"
    with connect(url, subprotocols=protocols, open_timeout=LIMIT) as socket:
        assert socket.subprotocol == answered
        created = json.loads(socket.recv(timeout=LIMIT))
        assert created["type"] == "session.created" and ("modalities" in created["session"]) == beta


def test_the_largest_message_passes(talk, live_server):
    client = talk()
    client.update(**BY_HAND)
    silence = base64.b64encode(bytes(11 * 1024 * 1024)).decode()
    client.tell("input_audio_buffer.append", audio=silence)
    client.tell("input_audio_buffer.clear")
    client.wait_for("input_audio_buffer.cleared")


def test_the_beta_speaks_its_own_names(live_server, question):
    client = sdk(live_server)
    with Talk(client.beta.realtime.connect(model="gpt-4o-realtime-preview"), strict=False) as beta:
        assert beta.session["modalities"] == ["text", "audio"] and beta.session["input_audio_format"] == "pcm16"
        beta.wait_for("conversation.created")
        session = beta.update(voice="shimmer", turn_detection=None, input_audio_transcription={"model": "whisper-1"},
                              temperature=0.7, max_response_output_tokens="inf")
        assert session["voice"] == "shimmer" and session["turn_detection"] is None
        beta.append(question)
        beta.tell("input_audio_buffer.commit")
        response = beta.ask()
        assert "Paris" in response.said and response.seconds > 0.3
        assert response.done["output"][0]["content"][0]["type"] == "audio"
        assert response.done["modalities"] == ["text", "audio"] and response.done["voice"] == "shimmer"
        names = set(beta.types())
        assert {"conversation.item.created", "response.audio.delta", "response.audio_transcript.delta",
                "response.audio.done", "response.audio_transcript.done"} <= names
        assert not any("output_audio" in name or "output_text" in name for name in names)
        beta.write("Say hello.")
        text = beta.ask(modalities=["text"])
        assert text.said and {"response.text.delta", "response.text.done"} <= set(beta.types())


def test_a_turn_that_went_on_is_one_turn(talk, live_server):
    """They speak on before anything of the answer was heard: what was committed makes room for the whole."""
    more = spoken(live_server, "And about a mountain.", RATE)
    client = talk(microphone=True)
    client.update(output_modalities=["text"], max_output_tokens=600,
                  audio={"input": {"transcription": {"model": "whisper-1", "language": "en"}}})
    client.say(spoken(live_server, "Tell me a very long story about a river.", RATE))
    first = client.wait_for("response.created")["response"]["id"]
    item = client.wait_for("input_audio_buffer.committed")["item_id"]
    since = client.mark()
    client.say(more)
    done = client.wait_for("response.done", lambda e: e["response"]["id"] == first, since)["response"]
    assert done["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    client.wait_for("conversation.item.deleted", lambda e: e["item_id"] == item, since)
    whole = client.wait_for("conversation.item.input_audio_transcription.completed", since=since)
    assert whole["item_id"] != item and "river" in whole["transcript"] and "mountain" in whole["transcript"]
    deleted = {e["item_id"] for e in client.events if e["type"] == "conversation.item.deleted"}
    assert deleted == {item, *(output["id"] for output in done["output"])}
    client.wait_for("response.created", since=since)
    client.tell("response.cancel")
    client.wait_for("response.done", lambda e: e["response"]["id"] != first, since)
