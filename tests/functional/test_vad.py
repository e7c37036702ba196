"""Where somebody speaks, and whether they have finished."""

import base64
import json

import numpy
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from conftest import pcm_of, refused, samples_of, wav_of


def detect(server, samples, rate=16000, **fields):
    answer = server.post("vad", "/detect", files={"audio": ("a.wav", wav_of(samples, rate))}, data=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def padded(jfk):
    samples, rate = samples_of(jfk.path.read_bytes())
    return numpy.concatenate([numpy.zeros(3 * rate), samples, numpy.zeros(3 * rate)])


@pytest.fixture
def live(server):
    with connect(f"ws://127.0.0.1:{server.ports['vad']}/ws/detect", open_timeout=15, max_size=None) as socket:
        yield socket


def events_until_done(socket):
    events = []
    while not events or events[-1]["type"] != "done":
        events.append(json.loads(socket.recv(timeout=30)))
    return events[:-1]


def test_speech_is_found_where_it_is(server, padded):
    answer = detect(server, padded)
    assert answer["speech"] and 2.8 < answer["segments"][0]["start"] < 3.6
    assert 13 < answer["segments"][-1]["end"] < 14.8 and abs(answer["duration"] - 17) < 0.01
    assert all(0.5 < segment["confidence"] <= 1 for segment in answer["segments"])
    total = sum(segment["end"] - segment["start"] for segment in answer["segments"])
    assert abs(answer["speech_duration"] - total) < 0.02
    assert all(one["end"] <= other["start"] for one, other in zip(answer["segments"], answer["segments"][1:]))


def test_shorter_pauses_end_a_segment_when_asked(server, padded):
    few = detect(server, padded, min_silence_ms=3000)["segments"]
    many = detect(server, padded, min_silence_ms=100, pad_ms=0)["segments"]
    assert len(few) == 1 and len(many) >= 4


def test_any_rate_is_taken(server, padded):
    answer = detect(server, numpy.interp(numpy.arange(0, len(padded), 2), numpy.arange(len(padded)), padded), 8000)
    assert answer["speech"] and 2.8 < answer["segments"][0]["start"] < 3.6


def test_no_speech_in_silence_or_noise(server):
    noise = numpy.random.default_rng(3)
    for samples in (numpy.zeros(48000), noise.normal(0, 0.05, 48000), numpy.full(48000, 0.9), numpy.zeros(1)):
        answer = detect(server, samples)
        assert not answer["speech"] and answer["segments"] == [] and answer["speech_duration"] == 0


@pytest.mark.parametrize("fields",
                         [{"threshold": 2}, {"threshold": "loud"}, {"threshold": "nan"}, {"min_silence_ms": -1},
                                    {"max_speech_ms": 10**9}], ids=str)
def test_wrong_thresholds(server, padded, fields):
    refused(server.post("vad", "/detect", files={"audio": ("a.wav", wav_of(padded))}, data=fields), 400,
            "INVALID_INPUT")


def test_a_finished_sentence_is_told_from_an_unfinished_one(server):
    def judged(text):
        audio = server.speech(text)
        return server.post("vad", "/turn", files={"audio": ("a.wav", audio)}).json()

    finished = judged("What is the weather like today?")
    assert finished["probability"] > judged("I would like to order a large pizza with, um,")["probability"]
    assert finished["complete"] and 0 <= finished["probability"] <= 1


def test_the_threshold_of_a_turn_decides(server, jfk):
    def complete(threshold):
        return server.post("vad", "/turn", files={"audio": ("a.wav", jfk.path.read_bytes())},
                           data={"threshold": threshold}).json()["complete"]

    assert complete(0) and not complete(1)


@pytest.mark.parametrize("size", [320, 1024, 4097])
def test_live_detection_agrees_with_the_file(server, live, padded, size):
    stream = pcm_of(padded)
    for at in range(0, len(stream), size):
        live.send(stream[at:at + size])
    live.send('{"type": "end"}')
    events = events_until_done(live)
    assert [event["type"] for event in events] == ["speech_start", "speech_end"] * (len(events) // 2) and events
    segments = detect(server, padded)["segments"]
    assert len(events) == 2 * len(segments)
    times = [time for segment in segments for time in (segment["start"], segment["end"])]
    assert all(abs(event["at"] - time) < 0.6 for event, time in zip(events, times))


def test_live_detection_tells_at_once(live, padded):
    stream = pcm_of(padded)
    live.send(stream[:2 * 16000 * 5])  # two seconds into the speech, and no more
    assert json.loads(live.recv(timeout=15))["type"] == "speech_start"


def test_live_detection_takes_base64_and_settings(live, padded):
    live.send(json.dumps({"type": "config", "threshold": 0.6, "min_silence_ms": 3000}))
    assert json.loads(live.recv(timeout=15))["type"] == "status"
    live.send(json.dumps({"type": "audio", "audio_data": base64.b64encode(pcm_of(padded)).decode()}))
    live.send('{"type": "end"}')
    assert [event["type"] for event in events_until_done(live)] == ["speech_start", "speech_end"]


@pytest.mark.parametrize("message", ["", "{", "[1]", '{"type": "dance"}', '{"type": 5}', '{"type": "audio"}',
                                     '{"type": "audio", "audio_data": "?!*"}', '{"type": "config", "threshold": 7}',
                                     '{"type": "config", "sample_rate": 8000}'])
def test_wrong_live_messages_are_answered_and_the_stream_goes_on(live, padded, message):
    live.send(message)
    answer = json.loads(live.recv(timeout=15))
    assert answer["type"] == "error" and answer["error"] and answer["message"]
    live.send(pcm_of(padded))
    live.send('{"type": "end"}')
    assert events_until_done(live)


def test_a_live_message_that_is_too_long_ends_the_stream_only(server, live):
    with pytest.raises(ConnectionClosed):
        live.send(bytes(80_000_000))
        live.recv(timeout=30)
    assert server.get("vad", "/health").json()["status"] == "healthy"


def test_other_sites_may_not_listen(server):
    address = f"ws://127.0.0.1:{server.ports['vad']}/ws/detect"
    with pytest.raises(InvalidStatus) as refusal:
        connect(address, origin="http://evil.example", open_timeout=15)
    assert refusal.value.response.status_code == 403
