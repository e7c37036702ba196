"""What is no JSON, and what is too much of it, on each WebSocket: it is told, and the session goes on."""

import json

import pytest
from websockets.sync.client import connect

pytestmark = pytest.mark.usefixtures("stays_healthy")
LIMIT = 30  # seconds for one answer
DEEP = 100_000
MESSAGES = {
    "empty": "", "cut": "{", "cut in a text": '{"type": "pi', "words": "nonsense", "a list": "[]", "a number": "7",
    "two": "{} {}", "a comma": '{"type": "ping",}', "NaN": '{"type": NaN}', "lone surrogate": '{"type": "\\ud800"}',
    "zeros": "\0\0\0\0", "deep list": "[" * DEEP, "deep object": '{"a":' * DEEP,
    "deep and whole": "[" * DEEP + "]" * DEEP,
    "deep in a field": '{"type": "ping", "deep": ' + "[" * 1000 + "]" * 1000 + "}"}


class Socket:
    """A WebSocket whose session has begun; `ask` shows that it goes on."""

    def __init__(self, server, path):
        service, self.opening, self.question, self.answer = {
            "/ws/audio": ("core", {"type": "start"}, {"type": "ping"}, "pong"),
            "/v1/realtime": ("core", None, {"type": "input_audio_buffer.clear"}, "input_audio_buffer.cleared"),
            "/ws/stream/bad": ("stt", None, {"type": "config", "language": "en"}, "status"),
            "/ws/detect": ("vad", None, {"type": "config", "threshold": 0.5}, "status")}[path]
        self.greets = path in ("/ws/audio", "/v1/realtime")
        self.socket = connect(f"ws://127.0.0.1:{server.ports[service]}{path}", open_timeout=LIMIT)

    def __enter__(self):
        if self.opening:
            self.socket.send(json.dumps(self.opening))
        if self.greets:
            self.receive()
        return self

    def __exit__(self, *_):
        self.socket.close()

    def receive(self):
        return json.loads(self.socket.recv(timeout=LIMIT))

    def ask(self):
        self.socket.send(json.dumps(self.question))
        assert self.receive()["type"] == self.answer


@pytest.mark.parametrize("path", ["/ws/audio", "/v1/realtime", "/ws/stream/bad", "/ws/detect"])
@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES.keys())
def test_what_cannot_be_read_is_told_and_the_session_goes_on(server, path, message):
    with Socket(server, path) as client:
        client.ask()
        client.socket.send(message)
        told = client.receive()
        assert told["type"] == "error", told
        code, words = (told["error"]["code"], told["error"]["message"]) if path == "/v1/realtime" else (
            told["error"], told["message"])
        assert code and words and len(words) < 300 and "exception" not in words, told
        client.ask()
