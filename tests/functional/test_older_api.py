"""What clients of the older Morgan API expect beyond what the other tests look at: its streams in chunks, its other
names for the same things, its webhooks."""

import base64
import hashlib
import hmac
import http.server
import json
import socket
import threading

import pytest

from conftest import refused, samples_of, wait_until, word_error_rate


def pcm_chunks(path, seconds=0.5):
    samples, rate = samples_of(path.read_bytes())
    pcm = (samples * 32767).astype("<i2").tobytes()
    size = int(rate * seconds) * 2
    return [pcm[at:at + size] for at in range(0, len(pcm), size)]


def test_a_spoken_turn_comes_in_chunks(server, jfk):
    started = server.post("core", "/audio/stream/start", {"user_id": "older-stream", "language": "auto",
                                                          "device_id": "default", "device_type": "microphone",
                                                          "real_time": True, "chunk_duration_ms": 500}).json()
    assert started["status"] == "started" and started["websocket_url"].endswith("/ws/audio")
    address = f"/audio/stream/{started['session_id']}"
    for chunk in pcm_chunks(jfk.path):
        heard = server.post("core", address + "/chunk", {"session_id": started["session_id"], "timestamp": 1.0,
                                                         "audio_data": base64.b64encode(chunk).decode()})
        assert heard.status_code == 200 and not heard.json()["is_final"]
    turn = server.post("core", address + "/end", {"session_id": started["session_id"]}).json()
    assert word_error_rate(jfk.text, turn["transcription"]) < 0.1
    assert turn["success"] and turn["text_response"] == turn["ai_response"] and turn["audio_data"]
    kept = server.get("core", "/api/conversations/older-stream").json()["messages"]
    assert kept[0]["content"] == turn["transcription"] and kept[0]["metadata"]["spoken"]
    refused(server.post("core", address + "/chunk", {"audio_data": "AAAA"}), 404)


def test_a_stream_in_which_nobody_speaks_is_no_turn(server):
    session = server.post("core", "/audio/stream/start", {"user_id": "older-silence"}).json()["session_id"]
    silence = {"audio_data": base64.b64encode(bytes(32000)).decode()}
    turn = server.post("core", f"/audio/stream/{session}/end", silence).json()
    assert turn["transcription"] == "" and turn["metadata"]["error"] == "no_speech_detected"
    assert server.get("core", "/api/conversations/older-silence").json()["total_messages"] == 0


@pytest.mark.parametrize("body, status", [({}, 400), ({"audio_data": "***"}, 400), ({"audio_data": "AA=="}, 400),
                                          ({"audio_data": 5}, 400), ({"audio_data": "AAAA", "sample_rate": 1}, 400)])
def test_a_bad_chunk_is_refused_and_the_stream_goes_on(server, body, status):
    session = server.post("core", "/audio/stream/start", {}).json()["session_id"]
    refused(server.post("core", f"/audio/stream/{session}/chunk", body), status)
    good = {"audio_data": base64.b64encode(bytes(3200)).decode()}
    assert server.post("core", f"/audio/stream/{session}/chunk", good).status_code == 200
    refused(server.post("core", "/audio/stream/start", {"session_id": session}), 409)
    refused(server.post("core", "/audio/stream/start", {"session_id": "a/b"}), 400)
    refused(server.post("core", "/audio/stream/start", {"user_id": "a/b"}), 400)


def test_both_forms_of_an_answer_are_there(server):
    turn = server.post("core", "/api/text", {"text": "Say hello.", "user_id": "older-forms",
                                             "metadata": {"generate_audio": True}}).json()
    assert turn["text"] == turn["text_response"] and turn["actions"] == []
    assert bytes.fromhex(turn["audio"]) == base64.b64decode(turn["audio_data"])
    assert server.post("core", "/api/text", {"text": "Hi.", "user_id": "older-forms"}).json()["audio"] is None


def test_errors_have_both_forms_and_requests_their_time(server):
    answer = server.post("core", "/api/text", {})
    body = answer.json()
    assert body["error"] == "INVALID_INPUT" and body["detail"] == body["message"]
    assert float(answer.headers["X-Process-Time"]) >= 0
    asked = server.get("core", "/health", headers={"X-Request-ID": "mine-1"})
    assert asked.headers["X-Request-ID"] == "mine-1"


def test_older_names_stand_beside_the_newer(server, jfk):
    found = server.post("vad", "/detect", files={"file": jfk.path.read_bytes()}).json()
    assert found["speech_detected"] and found["speech_segments"] == found["segments"] and found["confidence"] > 0.5
    vector = server.post("llm", "/embed", {"text": "hello"}).json()
    assert vector["dimensions"] == vector["dimension"] == 384
    assert server.get("tts", "/voices").json()["current_voice"] == "joe"


class Receiver:
    """A program that is told what happens; the first `failures` events are answered by 503."""

    def __init__(self, failures):
        self.requests, self.failures = [], failures
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((dict(self.headers), body))
                receiver.failures -= 1
                self.send_response(503 if receiver.failures >= 0 else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/hook"

    def events(self):
        return [json.loads(body) for _, body in self.requests]


def test_a_client_that_leaves_is_no_failure_of_the_service(own_server):
    receiver = Receiver(failures=0)
    own_server.start(MORGAN_WEBHOOKS_URLS=receiver.url)

    def health():
        return own_server.get("llm", "/health").json()

    story = {"messages": [{"role": "user", "content": "Write a very long story about the sea."}], "max_tokens": 3000}
    body = json.dumps(story).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    for leave in (lambda client: client.close(), lambda client: client.shutdown(socket.SHUT_WR)):
        with socket.create_connection(("127.0.0.1", own_server.ports["llm"]), timeout=30) as client:
            client.sendall(head + body)
            wait_until(lambda: health()["active_requests"] == 1, 10, "the beginning of the story")
            leave(client)
            wait_until(lambda: health()["active_requests"] == 0, 20, "the end of the story that nobody waits for")
    assert health()["error_rate"] == 0
    counted = [line for line in own_server.get("llm", "/metrics").text.splitlines() if "chat/completions" in line]
    assert any('"499"' in line for line in counted) and not any('"503"' in line for line in counted)
    assert "request failed" not in (own_server.home / "server.log").read_text()
    # Events come in the order in which they happened: after this one none of the story's can come.
    own_server.post("core", "/api/text", {"text": "Hello.", "user_id": "ada"})
    wait_until(receiver.events, 30, "an event")
    assert "service_error" not in [event["event"] for event in receiver.events()]


def test_webhooks_are_signed_sent_again_and_kept_over_a_crash(own_server):
    receiver = Receiver(failures=1)
    settings = {"MORGAN_WEBHOOKS_URLS": receiver.url, "MORGAN_WEBHOOKS_SECRET": "s3cret"}
    own_server.start(**settings)
    own_server.post("core", "/api/text", {"text": "Hello.", "user_id": "ada"})
    wait_until(lambda: len(receiver.requests) >= 2, 30, "the second try")
    headers, body = receiver.requests[1]
    signed = hmac.new(b"s3cret", f"{headers['X-Morgan-Timestamp']}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["X-Morgan-Signature"] == f"sha256={signed}"
    first, second = receiver.events()[:2]
    assert first == second and first["event"] == "conversation_start" and first["user_id"] == "ada"
    assert first["metadata"] == {"source": "api"}

    receiver.failures = 10**6
    before = len(receiver.requests)
    own_server.post("core", "/api/conversation/reset", {"user_id": "ada"})
    wait_until(lambda: len(receiver.requests) > before, 30, "the event of the end")
    own_server.process.kill()
    own_server.process.wait()
    receiver.failures, receiver.requests = 0, []
    own_server.start(**settings)
    wait_until(lambda: receiver.requests, 30, "the event after the crash")
    assert receiver.events()[0]["event"] == "conversation_end" and receiver.events()[0]["user_id"] == "ada"
