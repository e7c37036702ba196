"""The Realtime API by WebRTC, called by aiortc over loopback: real speech, real engines, the answer is listened to."""

import re
import shutil
import signal
import time

import numpy
import pytest
import requests
from playwright.sync_api import sync_playwright
from websockets.exceptions import ConnectionClosed

from access_world import NEEDS_KEYS, GuardedServer
from conftest import free_ports, wait_until, wav_of, word_error_rate
from microphone import LIMIT, spoken
from realtime_client import Talk
from rtc_client import FRAME, RATE, Call, post_call
from test_voice_page import MIC_RATE, SILENCE_AFTER, SWITCHES
from test_voice_page import spoken as recording_of

QUESTION = "What is the capital of France?"
STORY = "Tell me a long story about a river, in at least ten sentences."
HEARD = {"type": "realtime", "audio": {"input": {"transcription": {"model": "whisper-1", "language": "en"}}}}


# What docs/clients/openai-realtime.md shows, and an ear: how loud each tenth of a second is.
BROWSER = """async () => {
  const peer = new RTCPeerConnection(), told = [], loudness = [];
  peer.ontrack = ({ streams }) => {
    const audio = new Audio();
    audio.srcObject = streams[0];
    audio.play();
    const context = new AudioContext(), ear = context.createAnalyser(), samples = new Float32Array(ear.fftSize);
    context.createMediaStreamSource(streams[0]).connect(ear);
    setInterval(() => {
      ear.getFloatTimeDomainData(samples);
      loudness.push(Math.max(...samples.map(Math.abs)));
    }, 100);
  };
  peer.addTrack((await navigator.mediaDevices.getUserMedia({ audio: true })).getTracks()[0]);
  const events = peer.createDataChannel("oai-events");
  events.onmessage = ({ data }) => told.push(JSON.parse(data));
  await peer.setLocalDescription(await peer.createOffer());
  const answer = await fetch("/v1/realtime/calls", {
    method: "POST", body: peer.localDescription.sdp, headers: { "Content-Type": "application/sdp" } });
  await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  window.call = { peer, told, loudness, status: answer.status };
}"""


class CallTalk(Talk):
    def __init__(self, call):
        self.call = call
        super().__init__(call)

    def told(self, since=0):
        return [k.rsplit(".", 1)[1] for k in self.types(since) if k.startswith("output_audio_buffer.")]


@pytest.fixture
def calls(live_server):
    """@return a function that calls; all hang up at the end, and their events are checked"""
    opened = []

    def call(**options):
        made = CallTalk(Call(live_server, **options))
        opened.append(made)
        return made

    yield call
    for made in reversed(opened):
        made.__exit__()


@pytest.fixture(scope="module")
def question(live_server):
    return spoken(live_server, QUESTION, RATE)


def test_a_spoken_question_is_answered_on_the_track(calls, live_server, question):
    client = calls(session=HEARD)
    answered = client.call.answered
    assert answered.status_code == 201 and answered.headers["Content-Type"] == "application/sdp"
    assert re.fullmatch(r"/v1/realtime/calls/rtc_\w+", answered.headers["Location"])
    assert client.session["audio"]["input"]["transcription"]["model"] == "whisper-1"
    client.call.speech.say(question)
    response = client.response()
    transcript = client.wait_for("conversation.item.input_audio_transcription.completed")
    assert word_error_rate(QUESTION, transcript["transcript"]) <= 0.2
    assert response.done["status"] == "completed" and "Paris" in response.said
    stopped = client.wait_for("output_audio_buffer.stopped")
    assert stopped["response_id"] == response.id and client.told() == ["started", "stopped"]
    assert not [k for k in client.types() if k == "response.output_audio.delta"], "the voice goes on the track"
    kinds = [k for k in client.types() if k.startswith("response.") and not k.endswith(".delta")]
    assert kinds == ["response.created", "response.output_item.added", "response.content_part.added",
                     "response.output_audio.done", "response.output_audio_transcript.done",
                     "response.content_part.done", "response.output_item.done", "response.done"], kinds
    client.call.hear_more(0.5)  # what the client's own buffer holds
    heard = live_server.transcribe(wav_of(client.call.samples(), RATE), language="en").json()["text"]
    assert word_error_rate(response.said, heard) <= 0.35, heard


def test_the_track_never_stops_and_keeps_its_time(calls):
    client = calls()
    begin, before = time.monotonic(), len(client.call.heard)
    client.write(QUESTION)
    client.ask()
    client.wait_for("output_audio_buffer.stopped")
    passed, frames = time.monotonic() - begin, client.call.heard[before:]
    assert abs(len(frames) * FRAME / RATE - passed) < 0.5
    steps = numpy.diff([pts for pts, _ in frames])
    assert (steps == FRAME).mean() > 0.98, numpy.unique(steps, return_counts=True)


def test_who_speaks_up_is_not_talked_over(calls, live_server):
    question = spoken(live_server, "How many days does a week have?", RATE)
    client = calls()
    client.write(STORY)
    client.tell("response.create")
    client.wait_for("output_audio_buffer.started")
    client.call.hear_more(2)
    since = client.mark()
    client.call.speech.say(question)
    client.wait_for("output_audio_buffer.cleared", since=since)
    at = client.call.hear_more(0.6)
    assert client.call.loudness(at)[15:30].max() < 0.02, "it is silent at once"
    done = client.wait_for("response.done", since=since)["response"]
    assert done["status_details"]["reason"] == "turn_detected"
    assert client.response(since).done["status"] == "completed"


def test_the_client_empties_the_buffer(calls):
    client = calls()
    client.write(STORY)
    client.tell("response.create")
    client.wait_for("output_audio_buffer.started")
    client.call.hear_more(1)
    client.tell("output_audio_buffer.clear")
    client.wait_for("output_audio_buffer.cleared")
    assert client.wait_for("response.done")["response"]["status_details"]["reason"] == "client_cancelled"
    at = client.call.hear_more(0.8)
    assert client.call.loudness(at)[20:].max() < 0.02
    assert client.told() == ["started", "cleared"]


def test_events_that_are_for_the_websocket_are_refused(calls):
    client = calls()
    assert "track" in client.refused("input_audio_buffer.append", audio="AAAA")["message"]
    client.call.send_text("{")
    assert client.wait_for("error", lambda e: e["error"]["code"] == "invalid_json")
    client.update(instructions="Answer in one word.")


def test_a_secret_calls_for_the_session_that_it_stands_for(calls, live_server):
    made = live_server.post("core", "/v1/realtime/client_secrets",
                            {"session": {"type": "realtime", "instructions": "Be brief."}}).json()
    client = calls(key=made["value"])
    assert client.session["instructions"] == "Be brief."


def test_a_call_ends_and_makes_room(own_server):
    server = own_server.start(MORGAN_LIVE_MAX_SESSIONS="1")
    for how in ("hangup", "delete", "close"):
        with Call(server) as call:
            refused = post_call(server, "v=0\r\n")
            assert refused.status_code == 503 and "Retry-After" in refused.headers, refused.text
            url = server.url("core", f"/v1/realtime/calls/{call.id}")
            if how == "hangup":
                assert requests.post(url + "/hangup", timeout=LIMIT).status_code == 200
            elif how == "delete":
                assert requests.delete(url, timeout=LIMIT).status_code == 200
            else:
                call.run(call.peer.close())
            wait_until(lambda: post_call(server, "v=0\r\n").status_code == 400, LIMIT, "the conversation ends")
            again = requests.post(url + "/hangup", timeout=LIMIT)
            assert again.status_code == 404 and again.json()["error"]["param"] == "call_id"


def test_what_is_no_offer_is_refused(live_server):
    for offer in ("", "hello", "v=0\r\n", "{}", "v=0\r\n" + "a=x\r\n" * 1000):
        answer = post_call(live_server, offer)
        assert answer.status_code == 400 and answer.json()["error"]["code"] == "invalid_offer", answer.text
    assert post_call(live_server, "v=0\r\n", session={"type": "realtime", "audio": 7}).status_code == 400
    assert post_call(live_server, "v=0\r\n" * 100_000).status_code == 413
    wrong = requests.post(live_server.url("core", "/v1/realtime/calls"), json={"session": {}}, timeout=LIMIT)
    assert wrong.status_code == 400 and wrong.json()["error"]["param"] == "sdp"
    assert post_call(live_server, "v=0\r\n", key="ek_unknown").status_code == 401


def test_the_offers_addresses_are_not_answered(live_server):
    """Who could name addresses could make Morgan send to them."""
    with Call(live_server) as call:
        offer = call.peer.localDescription.sdp
        assert "a=candidate" in offer
        assert all(line.split()[4] == "127.0.0.1"
                   for line in call.answered.text.splitlines() if line.startswith("a=candidate"))


def test_a_call_is_its_users_and_ends_with_the_key(tmp_path):
    server = GuardedServer(tmp_path)
    server.start(**NEEDS_KEYS)
    try:
        assert post_call(server, "v=0\r\n", key="wrong").status_code == 401
        assert post_call(server, "v=0\r\n", key=server.keys["speaker"]["key"]).status_code == 403
        made = server.create("--user", "carl")
        with Call(server, key=made["key"]) as call:
            assert call.recv()["type"] == "session.created"
            path = f"/v1/realtime/calls/{call.id}"
            assert server.post("core", path + "/hangup", key="anna").status_code == 404
            assert server.call("DELETE", "core", path).status_code == 401
            server.run("keys", "revoke", made["id"])
            with pytest.raises(ConnectionClosed):
                call.recv()
    finally:
        server.stop()


def test_a_stopping_server_ends_its_calls(own_server):
    server = own_server.start()
    with Call(server) as call:
        assert call.recv()["type"] == "session.created"
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=LIMIT) == 0


def test_switched_off(own_server):
    server = own_server.start(MORGAN_LIVE_WEBRTC="false")
    answer = post_call(server, "v=0\r\n")
    assert answer.status_code == 404 and "live.webrtc" in answer.json()["error"]["message"]


def test_one_port_for_all(own_server):
    port = free_ports(1)[0]
    server = own_server.start(MORGAN_LIVE_WEBRTC_PORT=str(port), MORGAN_LIVE_WEBRTC_ADDRESS="192.0.2.7")
    with Call(server) as one, Call(server) as two:
        for call in (one, two):
            assert call.recv()["type"] == "session.created"
            lines = [line.split() for line in call.answered.text.splitlines() if line.startswith("a=candidate")]
            assert {(line[4], line[5]) for line in lines} == {("127.0.0.1", str(port)), ("192.0.2.7", str(port))}


def test_a_browser_calls(live_server, tmp_path):
    if shutil.which("chromium") is None:
        pytest.skip("Chromium is not installed (scripts/packages.txt)")
    recording = tmp_path / "microphone.wav"
    recording.write_bytes(wav_of(recording_of(live_server, [2, QUESTION, SILENCE_AFTER]), MIC_RATE))
    switches = [*SWITCHES, "--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={recording}"]
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=switches)
        page = browser.new_context(permissions=["microphone"]).new_page()
        page.goto(live_server.url("core", "/docs"))
        page.evaluate(BROWSER)
        assert page.evaluate("call.status") == 201
        heard = "call.told.some(({ type }) => type === 'output_audio_buffer.stopped')"
        wait_until(lambda: page.evaluate(heard), LIMIT, "an answer")
        told = page.evaluate("call.told.map(({ type }) => type)")
        assert told[0] == "session.created" and "input_audio_buffer.speech_started" in told, told
        said = page.evaluate("call.told.find(({ type }) => type.endsWith('audio_transcript.done')).transcript")
        assert "Paris" in said
        assert sum(loudness > 0.05 for loudness in page.evaluate("call.loudness")) >= 3
        assert page.evaluate("call.peer.connectionState") == "connected"
        browser.close()
