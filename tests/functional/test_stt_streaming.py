"""Text while it is being spoken: sessions over HTTP and WebSocket."""

import base64
import json
import uuid

import numpy
import pytest
import requests
from websockets.sync.client import connect

from conftest import pcm_of, refused, samples_of, wav_of, word_error_rate

JFK = ("and so my fellow americans ask not what your country can do for you ask what you can do for your country")


def delete(server, name):
    return requests.delete(server.url("stt", f"/stream/{name}"), timeout=60)


@pytest.fixture(scope="module")
def speech(jfk):
    samples, rate = samples_of(jfk.path.read_bytes())
    assert rate == 16000
    return pcm_of(samples)


@pytest.fixture
def session(server):
    started = server.post("stt", "/stream/start", {"language": "en"})
    assert started.status_code == 200, started.text
    name = started.json()["session_id"]
    yield name
    delete(server, name)


def pieces(pcm, milliseconds=500):
    step = 32 * milliseconds
    return [pcm[at:at + step] for at in range(0, len(pcm), step)]


def chunk(server, name, pcm, **headers):
    return server.post("stt", f"/stream/{name}/chunk", data=pcm, headers={"Content-Type": "audio/pcm", **headers})


def live(server, name):
    return connect(f"ws://127.0.0.1:{server.ports['stt']}/ws/stream/{name}", open_timeout=15, max_size=None)


def heard(socket, kind):
    """The messages up to the first of a kind."""
    messages = []
    while not messages or messages[-1]["type"] != kind:
        messages.append(json.loads(socket.recv(timeout=60)))
    return messages


def test_text_grows_and_its_stable_part_stays(server, session, speech):
    stable = ""
    for piece in pieces(speech):
        answer = chunk(server, session, piece)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body["text"].startswith(stable) and body["text"] == body["transcription"]
        assert not body["is_final"] and 0 <= body["stable"] <= len(body["text"])
        stable = body["text"][:body["stable"]]
    assert len(stable) > 20
    final = server.post("stt", f"/stream/{session}/end", {}).json()
    assert final["is_final"] and final["text"].startswith(stable) and final["language"] == "en"
    assert word_error_rate(JFK, final["text"]) <= 0.1
    assert abs(final["duration"] - 11) < 0.1 and final["segments"][0]["text"] == final["text"]
    assert final["confidence"] > 0.5 and final["metadata"]["model"]


def test_base64_and_files_are_chunks_too(server, session, speech, jfk):
    half = len(speech) // 4 * 2
    body = {"audio_data": base64.b64encode(speech[:half]).decode()}
    assert server.post("stt", f"/stream/{session}/chunk", body).status_code == 200
    rest = numpy.frombuffer(speech[half:], "<i2") / 32768
    last = {"audio_data": base64.b64encode(wav_of(rest)).decode()}
    final = server.post("stt", f"/stream/{session}/end", last).json()
    assert word_error_rate(JFK, final["text"]) <= 0.1
    refused(server.post("stt", f"/stream/{session}/end", {}), 404)


def test_other_rates_are_taken(server, speech):
    twice = numpy.repeat(numpy.frombuffer(speech, "<i2"), 2).astype("<i2").tobytes()
    name = server.post("stt", "/stream/start", {"sample_rate": 32000, "language": "en"}).json()["session_id"]
    for piece in pieces(twice, 2000):
        assert chunk(server, name, piece).status_code == 200
    final = server.post("stt", f"/stream/{name}/end", {}).json()
    assert abs(final["duration"] - 11) < 0.1 and word_error_rate(JFK, final["text"]) <= 0.2


def test_bad_audio_is_refused_and_the_session_goes_on(server, session, speech):
    refused(chunk(server, session, speech[:3201]), 400, "INVALID_AUDIO")
    refused(chunk(server, session, b""), 400)
    refused(server.post("stt", f"/stream/{session}/chunk", {"audio_data": "!!!"}), 400, "INVALID_AUDIO")
    refused(server.post("stt", f"/stream/{session}/chunk", {"audio_data": "AAAA", "sample_rate": 1}), 400)
    refused(server.post("stt", f"/stream/{session}/chunk", data="{", headers={"Content-Type": "application/json"}), 400)
    for piece in pieces(speech, 2000):
        assert chunk(server, session, piece).status_code == 200
    final = server.post("stt", f"/stream/{session}/end", {}).json()
    assert word_error_rate(JFK, final["text"]) <= 0.1 and abs(final["duration"] - 11) < 0.1


def test_silence_is_no_text(server, session):
    for piece in pieces(bytes(64000)):
        assert chunk(server, session, piece).json()["text"] == ""
    final = server.post("stt", f"/stream/{session}/end", {}).json()
    assert final["text"] == "" and final["segments"] == [] and final["duration"] == 2


def test_sessions_are_listed_and_deleted(server):
    name = f"test-{uuid.uuid4().hex}"
    assert server.post("stt", "/stream/start", {"session_id": name}).json()["session_id"] == name
    refused(server.post("stt", "/stream/start", {"session_id": name}), 409)
    listed = server.get("stt", "/sessions").json()
    assert listed["count"] == len(listed["sessions"])
    assert name in [one["session_id"] for one in listed["sessions"]]
    assert delete(server, name).json() == {"status": "deleted", "session_id": name}
    refused(delete(server, name), 404)
    refused(chunk(server, name, bytes(3200)), 404)
    assert name not in [one["session_id"] for one in server.get("stt", "/sessions").json()["sessions"]]


@pytest.mark.parametrize("fields", [{"session_id": "a/b"}, {"session_id": "x" * 129}, {"sample_rate": 4000},
                                    {"sample_rate": "fast"}, {"prompt": "x" * 4001}])
def test_wrong_options_are_told(server, fields):
    answer = server.post("stt", "/stream/start", fields)
    refused(answer, 400)
    assert next(iter(fields)) in answer.json()["details"]["param"]


def test_sessions_beyond_the_limit_are_refused_for_now(server):
    opened = []
    try:
        while True:
            answer = server.post("stt", "/stream/start", {})
            if answer.status_code != 200:
                break
            opened.append(answer.json()["session_id"])
            assert len(opened) <= 64
        refused(answer, 503)
        assert answer.headers["Retry-After"]
    finally:
        for name in opened:
            delete(server, name)
    assert server.post("stt", "/stream/start", {"session_id": opened[0]}).status_code == 200
    delete(server, opened[0])


def test_over_websocket_text_comes_as_it_is_spoken(server, speech):
    name = f"ws-{uuid.uuid4().hex}"
    with live(server, name) as socket:
        socket.send(json.dumps({"type": "config", "language": "en"}))
        assert heard(socket, "status")[-1]["message"] == "configured"
        stable = ""
        texts = []
        for at, piece in enumerate(pieces(speech)):
            if at % 2:
                socket.send(json.dumps({"type": "audio", "audio_data": base64.b64encode(piece).decode()}))
            else:
                socket.send(piece)
            message = json.loads(socket.recv(timeout=60))
            if message["type"] == "status":
                assert message["message"] == "buffering"
                continue
            assert message["type"] == "transcription" and not message["is_final"], message
            assert message["text"].startswith(stable)
            stable = message["text"][:message["stable"]]
            texts.append(message["text"])
        assert len(texts) > 1 and stable  # how many depends on how fast this machine is
        socket.send(json.dumps({"type": "end"}))
        final = heard(socket, "final")[-1]
    assert final["text"].startswith(stable) and final["language"] == "en" and 0.5 < final["confidence"] <= 1
    assert word_error_rate(JFK, final["text"]) <= 0.1
    assert name not in [one["session_id"] for one in server.get("stt", "/sessions").json()["sessions"]]


def test_the_websocket_goes_on_with_a_session(server, session, speech):
    half = len(speech) // 4 * 2
    assert chunk(server, session, speech[:half]).status_code == 200
    with live(server, session) as socket:
        socket.send(speech[half:])
        socket.send(json.dumps({"type": "end"}))
        final = heard(socket, "final")[-1]
    assert word_error_rate(JFK, final["text"]) <= 0.1


def test_the_websocket_tells_what_is_wrong_and_goes_on(server, speech):
    with live(server, "wrong") as socket:
        for bad in (b"abc", "{", json.dumps({"type": "sing"}), json.dumps({"type": "audio"}),
                    json.dumps({"type": "audio", "audio_data": "*"}), json.dumps({"type": "config", "sample_rate": 1})):
            socket.send(bad)
            message = json.loads(socket.recv(timeout=30))
            assert message["type"] == "error" and message["message"], bad
        for piece in pieces(speech, 2000):
            socket.send(piece)
        socket.send(json.dumps({"type": "config", "language": "de"}))
        socket.send(json.dumps({"type": "end"}))
        messages = heard(socket, "final")
    assert [one["type"] for one in messages].count("error") == 1, "options come before audio"
    assert word_error_rate(JFK, messages[-1]["text"]) <= 0.1


@pytest.mark.parametrize("path", ["/transcribe/realtime", "/transcribe/chunk"])
def test_one_chunk_by_itself(server, path, speech):
    answer = server.post("stt", path, {"audio_data": base64.b64encode(speech).decode(), "language": "en"})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert word_error_rate(JFK, body["text"]) <= 0.1 and 0.5 < body["confidence"] <= 1
    assert body["vad_result"]["speech_detected"] and body["vad_result"]["segments"]
    silence = server.post("stt", path, {"audio_data": base64.b64encode(bytes(32000)).decode()}).json()
    assert silence["text"] == "" and silence["is_final"] and not silence["vad_result"]["speech_detected"]
    refused(server.post("stt", path, {}), 400)
