"""Clients of /ws/audio that are broken, greedy or gone, and a server that is killed: it goes on for everybody else."""

import json
import signal
import socket
import threading

import numpy
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from conftest import pcm_of, wait_until
from live_client import FIVE, LIMIT, RATE, Live, history, history_now
from microphone import spoken


@pytest.fixture(autouse=True)
def others_are_served(request):
    """After each mistreatment a client that behaves is answered, and no conversation is left over."""
    yield
    if "live_server" not in request.fixturenames:
        return
    server = request.getfixturevalue("live_server")
    wait_until(lambda: sessions(server) == 0, LIMIT, "the end of every conversation")
    with Live(server, microphone=False, user_id="decent") as client:
        client.tell(type="ping")
        client.wait_for("pong")


def sessions(server):
    return server.get("core", "/api/turns").json()["sessions"]


def raw(server, **options):
    url = f"ws://127.0.0.1:{server.ports['core']}/ws/audio"
    return connect(url, open_timeout=LIMIT, max_size=None, **options)


def receive(client):
    message = json.loads(client.recv(timeout=LIMIT))
    assert FIVE <= message.keys()
    return message


def closed_with(client):
    """Reads to the end. @return code, messages until then"""
    messages = []
    try:
        while True:
            message = client.recv(timeout=LIMIT)
            messages.append(message if isinstance(message, bytes) else json.loads(message))
    except ConnectionClosed as closed:
        return (closed.rcvd.code if closed.rcvd else None), messages


START = {"type": "start"}
WRONG_STARTS = {
    "rate too low": {"sample_rate": 7999}, "rate too high": {"sample_rate": 48001}, "rate of words": {"sample_rate": "x"},
    "format": {"format": "mp3"}, "output format": {"output_format": "flac"}, "voice": {"voice": "nobody"},
    "slow": {"speed": 0.1}, "fast": {"speed": 9}, "speed of words": {"speed": "quick"}, "mode": {"mode": "sometimes"},
    "barge_in": {"barge_in": "maybe"}, "user": {"user_id": "x" * 1000}, "user of another kind": {"user_id": 7}}


@pytest.mark.parametrize("fields", WRONG_STARTS.values(), ids=WRONG_STARTS.keys())
def test_a_wrong_start_is_refused_and_a_right_one_taken(live_server, fields):
    with raw(live_server) as client:
        client.send(json.dumps(START | fields))
        refusal = receive(client)
        assert refusal["type"] == "error" and refusal["error"] and not refusal["fatal"], refusal
        assert next(iter(fields)) in (refusal.get("param"), *refusal["message"].replace("'", " ").split()), refusal
        client.send(json.dumps(START))
        assert receive(client)["text"] == "Streaming started"


@pytest.mark.parametrize("message", [
    "", "{", "nonsense", "[]", "7", "null", '{"type": 7}', '{"type": null}', "{}", '{"type": "dance"}',
    '{"type": "webrtc_offer"}', '{"type": "text"}', '{"type": "text", "text": "  "}', '{"type": "text", "text": 7}',
    '{"type": "audio"}', '{"type": "audio", "audio_data": "!!!"}', '{"type": "audio", "audio_data": 7}',
    '{"type": "played"}', '{"type": "played", "response": 1, "samples": -5}', '{"type": "config", "speed": 99}',
    '{"type": "config", "voice": "nobody"}', '{"type": "start"}', '{"type": "text", "text": "\\ud800"}',
    '{"type": "text", "text": "' + "x" * 20_001 + '"}', "{" * 100_000], ids=range(25))
def test_a_wrong_message_is_refused_and_the_next_answered(live_server, message):
    with raw(live_server) as client:
        client.send(json.dumps(START))
        assert receive(client)["text"] == "Streaming started"
        client.send(message)
        refusal = receive(client)
        assert refusal["type"] == "error" and refusal["error"] and refusal["message"] and not refusal["fatal"]
        client.send('{"type": "ping"}')
        assert receive(client)["type"] == "pong"


@pytest.mark.parametrize("message", ['{"type": "text", "text": "Hi"}', '{"type": "commit"}', '{"type": "config"}',
                                     '{"type": "audio", "audio_data": "AAAA"}', bytes(640)], ids=str)
def test_nothing_comes_before_start(live_server, message):
    with raw(live_server) as client:
        client.send(message)
        refusal = receive(client)
        assert refusal["type"] == "error" and "start" in refusal["message"]
        client.send('{"type": "ping"}')
        assert receive(client)["type"] == "pong"


def test_who_talks_nonsense_twenty_times_is_shown_out(live_server):
    with raw(live_server) as client:
        client.send(json.dumps(START))
        for _ in range(30):
            try:
                client.send("nonsense")
            except ConnectionClosed:
                break
        code, messages = closed_with(client)
    errors = [message for message in messages if message["type"] == "error"]
    assert code == 1003 and len(errors) == 20 and [error["fatal"] for error in errors] == [False] * 19 + [True]


def test_a_frame_that_is_too_large(live_server):
    with raw(live_server) as client:
        client.send(json.dumps(START))
        client.send(bytes(2 << 20))
        code, _ = closed_with(client)
    assert code == 1009


def test_a_client_that_vanishes_in_the_middle_of_a_word(live_server):
    question = spoken(live_server, "What is the capital of France?", RATE)
    for moment in ("hearing", "speaking"):
        client = Live(live_server, user_id="ghost")
        client.say(question[:RATE * 2 // 3] if moment == "hearing" else question)
        client.wait_for_state(moment)
        client.microphone.ended.set()
        client.socket.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.socket.socket.close()
        wait_until(lambda: sessions(live_server) == 0, LIMIT, "the end of the conversation")
    assert [role for role, _ in history(live_server, "ghost", 1)][:1] == ["user"]


def test_a_minute_of_audio_at_once(live_server):
    question = spoken(live_server, "What is the capital of France?", RATE)
    minute = numpy.concatenate([numpy.zeros(50 * RATE), question, numpy.zeros(8 * RATE)])
    data = pcm_of(minute)
    with Live(live_server, microphone=False, user_id="hasty") as client:
        for at in range(0, len(data), 1 << 19):
            client.socket.send(data[at:at + (1 << 19)])
        final = client.wait_for("transcription", lambda m: m["is_final"])
        assert "France" in final["text"], final
        client.tell(type="cancel")


def test_frames_of_odd_sizes(live_server):
    question = pcm_of(numpy.concatenate([spoken(live_server, "What is the capital of France?", RATE), numpy.zeros(RATE)]))
    sizes = [1, 3, 641, 2, 5000, 7, 0, 999]
    pace = threading.Event()
    with Live(live_server, microphone=False, user_id="odd", mode="press") as client:
        at = number = 0
        while at < len(question):
            size = sizes[number % len(sizes)]
            client.socket.send(question[at:at + size])
            at, number = at + size, number + 1
            pace.wait(size / RATE / 4)
        client.tell(type="commit")
        final = client.wait_for("transcription", lambda m: m["is_final"])
        assert "France" in final["text"], final
        assert client.count("error") == 0
        client.tell(type="cancel")


def sounds():
    noise, time = numpy.random.default_rng(5), numpy.arange(4 * RATE) / RATE
    chord = sum(numpy.sin(2 * numpy.pi * pitch * time) for pitch in (220, 277, 330, 440)) / 12
    beat = 0.5 + 0.5 * numpy.sign(numpy.sin(2 * numpy.pi * 2 * time))
    return {"silence": numpy.zeros(4 * RATE), "noise": noise.normal(0, 0.05, 4 * RATE), "music": chord * beat,
            "clipping": numpy.sign(numpy.sin(2 * numpy.pi * 50 * time))}


def test_what_is_no_speech_is_no_turn(live_server):
    clients = {name: Live(live_server, user_id=name) for name in sounds()}
    speakers = [threading.Thread(target=clients[name].say, args=(samples,)) for name, samples in sounds().items()]
    for speaker in speakers:
        speaker.start()
    for speaker in speakers:
        speaker.join()
    for name, client in clients.items():
        with client:
            client.tell(type="stop")
            assert client.wait_for_close()[0] == 1000
            assert not any(m["type"] == "transcription" and m["is_final"] for m in client.messages), name
            assert client.count("response_start") == 0, name
        assert history_now(live_server, name) == []


def resident_mib(server):
    with open(f"/proc/{server.process.pid}/status") as status:
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmRSS"))


def test_who_does_not_read_is_cut_off_and_costs_no_memory(live_server):
    before = resident_mib(live_server)
    # One that takes nothing: a small window, and a client that does not read.
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.connect(("127.0.0.1", live_server.ports["core"]))
    # Without pings of its own: one that meets a full connection holds up what it sends for half a minute.
    with raw(live_server, sock=deaf, max_queue=1, ping_interval=None) as client:
        client.send(json.dumps(START))
        stuck = threading.Thread(target=flood, args=(client,), daemon=True)
        stuck.start()
        wait_until(lambda: sessions(live_server) == 0, LIMIT, "the end of the conversation")
        assert resident_mib(live_server) < before + 64
        code, _ = closed_with(client)
        assert code in (1008, None)  # what the server waits for is limited too; then the connection is cut
        stuck.join(timeout=LIMIT)


def flood(client):
    try:
        while True:
            client.send('{"type": "ping"}')
    except (ConnectionClosed, OSError):
        pass


LIGHT = {"MORGAN_LLM_MODEL": "smollm2-135m", "MORGAN_TTS_KOKORO": "false", "MORGAN_DIALOGUE_TEMPERATURE": "0",
         "MORGAN_DIALOGUE_MAX_TOKENS": "60"}


def test_too_many_microphones(own_server):
    own_server.start(**LIGHT, MORGAN_LIVE_MAX_STREAMS="1")
    with Live(own_server, user_id="first") as first, Live(own_server, microphone=False, user_id="second") as second:
        wait_until(lambda: own_server.get("core", "/api/turns").json()["max_streams"] == 1, LIMIT, "the limit")
        first.tell(type="ping")
        first.wait_for("pong")
        second.tell(type="ping")
        second.wait_for("pong")
        second.socket.send(bytes(640))
        code, reason = second.wait_for_close()
        assert code == 1013 and "microphones" in reason
        refusal = second.wait_for("error")
        assert refusal["error"] == "SERVICE_BUSY" and refusal["fatal"]
        with Live(own_server, microphone=False, user_id="writer") as writer:
            assert writer.ask("Say hello.").end["status"] == "completed"
    wait_until(lambda: sessions(own_server) == 0, LIMIT, "the end of every conversation")
    with Live(own_server, user_id="third") as third:
        third.tell(type="ping")
        third.wait_for("pong")
        assert third.closed is None


def test_kill_loses_no_message_whose_answer_was_heard(own_server):
    own_server.start(**LIGHT)
    with Live(own_server, microphone=False, user_id="victim") as client:
        first = client.ask("Say hello.")
        client.tell(type="text", text="Tell me a story about a river.")
        number = client.wait_for("response_start", lambda m: m["response"] > first.number)["response"]
        client.wait_for_audio(number, 0.3)
        own_server.stop(signal.SIGKILL)
        client.wait_for("closed")
    own_server.start(**LIGHT)
    assert history(own_server, "victim", 3) == [("user", "Say hello."), ("assistant", first.end["text"]),
                                             ("user", "Tell me a story about a river.")]
