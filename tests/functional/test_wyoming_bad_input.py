"""What no Wyoming client should send: it is told, and harms nobody else."""

import os
import pathlib
import random

import pytest

from conftest import wait_until
from wyoming_talk import Raw

PCM = {"rate": 16000, "width": 2, "channels": 1}


@pytest.fixture(autouse=True)
def others_are_served(server, stays_healthy):
    yield
    with Raw(server) as raw:
        raw.ping()


def chunk(payload, **data):
    return {"type": "audio-chunk", "data": {**PCM, **data}, "payload_length": len(payload)}, payload


@pytest.mark.parametrize("line", [b"hello\n", b"\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"[]\n", b"{}\n",
                                  b'{"type":7}\n', b'{"type":"ping","data":"x"}\n', b'{"type":"ping"\n',
                                  b'{"type":"\xff"}\n', b'{"type":"ping","data":{"text":"\\ud800"}}\n',
                                  b'{"type":"ping","data":{"text":NaN}}\n', b'{"type":"ping","x":1e400}\n',
                                  b'{"type":"x","data_length":2}\n{]', b'{"type":"x","data_length":4}\nnull',
                                  b'{"type":"x","data":' + b"[" * 10000 + b"}\n", b"\x16\x03\x01\x02\x00\x01\n"])
def test_what_is_no_event_is_told_and_ends_the_connection(server, line):
    with Raw(server) as raw:
        raw.send(line)
        kind, data, _ = raw.read()
        assert kind == "error" and data["code"] == "invalid-json" and data["text"]
        assert raw.read() is None


@pytest.mark.parametrize("key", ["data_length", "payload_length"])
@pytest.mark.parametrize("length, code", [("-1", "invalid-length"), ("1.5", "invalid-length"),
                                          ('"12"', "invalid-length"), ("true", "invalid-length"),
                                          ("1048577", "too-large"), ("9223372036854775808", "too-large"),
                                          ("99999999999999999999999", "invalid-length")])
def test_lengths_that_cannot_be(server, key, length, code):
    with Raw(server) as raw:
        raw.send(b'{"type":"audio-chunk","%s":%s}\n' % (key.encode(), length.encode()))
        kind, data, _ = raw.read()
        assert kind == "error" and data["code"] == code
        assert raw.read() is None


def test_a_line_without_end_is_refused(server):
    with Raw(server) as raw:
        raw.send(b'{"type":"' + b"x" * 70_000)
        assert raw.read()[1]["code"] == "too-large"
        assert raw.read() is None


def test_what_came_before_the_broken_bytes_is_answered(server):
    with Raw(server) as raw:
        raw.send({"type": "synthesize", "data": {"text": "Yes."}}, b"broken\n")
        kinds = [event[0] for event in iter(raw.read, None)]
        assert "audio-stop" in kinds and kinds.count("error") == 1


def test_one_byte_at_a_time(server):
    with Raw(server) as raw:
        for byte in b'{"type":"ping","data_length":13}\n{"text":"abc"}'[:-1]:
            raw.send(bytes([byte]))
        raw.send(b"}")
        kind, data, _ = raw.read()
        # The block of data was 13 bytes, which is not all of it: this is no JSON.
        assert (kind, data["code"]) == ("error", "invalid-json")
    with Raw(server) as raw:
        for byte in b'{"type":"ping","data_length":14}\n{"text":"abc"}':
            raw.send(bytes([byte]))
        assert raw.read() == ("pong", {"text": "abc"}, b"")


@pytest.mark.parametrize("shape", [{"rate": 0}, {"rate": -16000}, {"rate": 10**12}, {"rate": "16000"}, {"width": 0},
                                   {"width": 8}, {"width": -2}, {"channels": 0}, {"channels": -1},
                                   {"channels": 100000}, {"rate": None, "width": []}, {"channels": True}])
def test_audio_of_a_shape_that_cannot_be(server, shape):
    with Raw(server) as raw:
        raw.send({"type": "audio-start", "data": {**PCM, **shape}}, *chunk(bytes(2048)), {"type": "audio-stop"})
        kind, data, _ = raw.read()
        assert kind == "error" and data["code"] == "invalid-argument" and next(iter(shape)) in data["text"] + "rate"
        # Only that request is over.
        raw.send(*chunk(bytes(2048), **shape), {"type": "audio-stop"})
        assert raw.read()[0] == "error"
        raw.send({"type": "audio-start", "data": PCM}, *chunk(bytes(2048)), {"type": "audio-stop"})
        assert raw.read_until("transcript-stop", "error")[-1][0] == "transcript-stop"


def test_audio_that_is_no_speech(server):
    noise = random.Random(3).randbytes(64_000)
    with Raw(server) as raw:
        for payload in (noise, b"", b"x", b"odd", bytes(1)):
            raw.send(*chunk(payload))
        raw.send({"type": "audio-stop"})
        assert raw.read_until("transcript-stop", "error")[-1][0] == "transcript-stop"


@pytest.mark.parametrize("event", [
    {"type": "synthesize"}, {"type": "synthesize", "data": {"text": 5}},
    {"type": "synthesize", "data": {"text": "Hi", "voice": "joe"}},
    {"type": "synthesize", "data": {"text": "Hi", "voice": {"name": 5}}},
    {"type": "synthesize", "data": {"text": "Hi", "voice": {"name": "../../etc/passwd"}}},
    {"type": "synthesize", "data": {"text": "Hi", "voice": {"name": "x" * 10000}}},
    {"type": "synthesize", "data": {"text": "Hi", "voice": {"name": "joe\x00"}}},
    {"type": "synthesize", "data": {"text": "Hi", "voice": {"language": "xx"}}},
    {"type": "synthesize", "data": {"text": "x" * 20001}},
    {"type": "synthesize", "data": {"text": "Hi", "text_format": []}},
    {"type": "synthesize-start", "data": {"voice": 1}},
    {"type": "synthesize-chunk", "data": {"text": "Hi"}},
    {"type": "synthesize-stop"},
    {"type": "transcript"}, {"type": "transcript", "data": {"text": 1}},
    {"type": "transcript", "data": {"text": "Hi", "context": "x"}},
    {"type": "transcript", "data": {"text": "Hi", "context": {"conversation_id": 5}}},
    {"type": "transcript", "data": {"text": "Hi", "context": {"conversation_id": "x" * 10000}}},
    {"type": "transcript", "data": {"text": "x" * 20001}},
    {"type": "recognize"}, {"type": "transcribe", "data": {"language": 5}},
    {"type": "transcribe", "data": {"transcript_names": "Kennedy"}},
    {"type": "transcribe", "data": {"transcript_terms": [5]}}, {"type": "select-program", "data": {"name": 5}}])
def test_a_wrong_request_is_told_and_the_connection_goes_on(server, event):
    with Raw(server) as raw:
        raw.send(event)
        kind, data, _ = raw.read()
        assert kind == "error" and data["text"] and data["code"], data
        assert "\x00" not in data["text"] and "passwd" not in data["text"][300:] and len(data["text"]) < 500
        raw.ping()


def test_the_audio_of_a_refused_request_is_nobodys(server):
    with Raw(server) as raw:
        raw.send({"type": "transcribe", "data": {"language": 5}}, {"type": "audio-start", "data": PCM},
                 *chunk(bytes(2048)), {"type": "audio-stop"}, {"type": "synthesize", "data": {"text": ""}})
        assert [event[0] for event in raw.read_until("audio-stop")] == ["error", "audio-start", "audio-stop"]
        raw.send({"type": "audio-start", "data": PCM}, {"type": "audio-stop"})
        assert raw.read_until("transcript-stop", "error")[-1][0] == "transcript-stop"


def test_a_language_that_does_not_exist(server, jfk):
    with Raw(server) as raw:
        raw.send({"type": "transcribe", "data": {"language": "klingon"}}, *chunk(jfk.path.read_bytes()[44:200_000]),
                 {"type": "audio-stop"})
        assert raw.read_until("transcript-stop", "error")[-1][1]["code"] == "language-not-supported"
        raw.ping()


def test_text_of_any_bytes_is_spoken_or_refused(server):
    with Raw(server) as raw:
        for text in ("\u0000\u0007", "<<<<&&&&", "\u202e\u200b", "\U0001F469\u200d\U0001F680" * 50, "'\"; --"):
            raw.send({"type": "synthesize", "data": {"text": text}})
            assert raw.read_until("audio-stop", "error")[-1][0] == "audio-stop"


def test_a_client_that_ends_its_half_has_its_answer(server):
    import socket
    with Raw(server) as raw:
        raw.send({"type": "synthesize", "data": {"text": "Good bye."}})
        raw.socket.shutdown(socket.SHUT_WR)
        kinds = [event[0] for event in iter(raw.read, None)]
        assert kinds[0] == "audio-start" and kinds[-1] == "audio-stop"


def test_half_an_event_and_then_the_end(server):
    import socket
    for part in (b'{"type":"pi', b'{"type":"x","data_length":100}\n{"a"', b'{"type":"x","payload_length":100}\nabc'):
        with Raw(server) as raw:
            raw.send(part)
            raw.socket.shutdown(socket.SHUT_WR)
            assert raw.read() is None


def memory_mb(server):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1000


def descriptors(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def test_a_slow_reader_pauses_its_own_speech_only(server):
    before = memory_mb(server)
    with Raw(server) as slow:
        # Half an hour of speech, of which nothing is read.
        slow.send(*[{"type": "synthesize", "data": {"text": "One two three four. " * 900}}] * 3)
        assert slow.read()[0] == "audio-start"
        with Raw(server) as other:
            other.send({"type": "synthesize", "data": {"text": "Yes."}})
            other.read_until("audio-stop")
        assert memory_mb(server) < before + 100


def test_pings_whose_pongs_nobody_reads_fill_no_memory(server):
    before = memory_mb(server)
    with Raw(server) as raw:
        ping = b'{"type":"ping","data":{"text":"%s"}}\n' % (b"x" * 60_000)
        raw.send(*[ping] * 500)
        raw.send({"type": "synthesize", "data": {"text": "Yes."}})
        raw.read_until("audio-stop")
    assert memory_mb(server) < before + 50


def test_a_flood_of_events_waits_in_the_socket(server):
    before = memory_mb(server)
    with Raw(server) as raw:
        raw.send({"type": "synthesize", "data": {"text": "One two three four. " * 20}})
        # More than the inbox takes, while it works: the rest waits until there is room.
        for _ in range(40):
            raw.send(*chunk(bytes(100_000)))
        raw.send({"type": "audio-stop"})
        assert raw.read_until("transcript-stop", "error")[-1][0] == "transcript-stop"
    assert memory_mb(server) < before + 100


def test_abrupt_departures_leave_nothing_behind(server):
    before = descriptors(server)
    for _ in range(20):
        raw = Raw(server)
        raw.send({"type": "synthesize", "data": {"text": "One two three four. " * 500}})
        raw.read()
        raw.reset()
    for _ in range(20):
        raw = Raw(server)
        raw.send({"type": "transcribe"}, *chunk(bytes(3200)))
        raw.reset()
    wait_until(lambda: descriptors(server) <= before, 30, "the end of all connections")


def test_no_more_connections_than_allowed(own_server):
    own_server.start(MORGAN_WYOMING_MAX_CONNECTIONS="3")
    held = [Raw(own_server) for _ in range(3)]
    for raw in held:
        raw.ping()
    with Raw(own_server) as one_more:
        try:
            assert one_more.read() is None
        except ConnectionResetError:
            pass
    for raw in held:
        raw.ping()
    held.pop().__exit__()
    def admitted():
        with Raw(own_server) as raw:
            try:
                raw.send({"type": "ping"})
                return raw.read() is not None
            except OSError:
                return False
    wait_until(admitted, 10, "the place of the one that left")


def test_it_stops_while_clients_are_connected(own_server):
    own_server.start(MORGAN_SERVER_SHUTDOWN_GRACE_MS="2000")
    with Raw(own_server) as idle, Raw(own_server) as busy:
        idle.ping()
        busy.send({"type": "synthesize", "data": {"text": "One two three four. " * 900}})
        busy.read()
        own_server.stop()
        assert idle.read() is None


def test_it_can_be_switched_off(own_server):
    own_server.start(MORGAN_WYOMING_ENABLED="false")
    with pytest.raises(ConnectionRefusedError):
        Raw(own_server)
