"""Somebody who talks to /ws/audio, with a loudspeaker that keeps what it played."""

import base64
import contextlib
import json
import threading

import numpy
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from conftest import pcm_of, samples_of, wait_until, wav_of
from microphone import LIMIT, Microphone

RATE = 16000
FIVE = {"type", "text", "confidence", "is_final", "error"}


class Answer:
    """One response: what was said of it and what was heard."""

    def __init__(self, start):
        self.number, self.rate = start["response"], start["output_sample_rate"]
        self.audio, self.text, self.end = b"", "", None

    @property
    def seconds(self):
        return len(self.audio) / 2 / self.rate

    def wav(self):
        return wav_of(numpy.frombuffer(self.audio, "<i2") / 32768, self.rate)


class Live:
    """A client that is always connected to its microphone: silence is sent when nothing is said."""

    def __init__(self, server, microphone=True, **start):
        url = f"ws://127.0.0.1:{server.ports['core']}/ws/audio"
        self.stack = contextlib.ExitStack()
        self.socket = self.stack.enter_context(connect(url, open_timeout=LIMIT, max_size=None))
        self.messages, self.answers, self.closed = [], {}, None
        self.changed = threading.Condition()
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()
        self.tell(type="start", **{"output_format": "pcm16", "language": "en", **start})
        self.wait_for("status", lambda m: m["text"] == "Streaming started")
        self.microphone = Microphone(RATE, lambda samples: self.socket.send(pcm_of(samples))) if microphone else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.microphone:
            self.microphone.stop()
        self.stack.close()
        self.listener.join(timeout=LIMIT)

    def listen(self):
        try:
            while True:
                self.take(self.socket.recv())
        except ConnectionClosed as closed:
            with self.changed:
                self.closed = closed.rcvd
                self.messages.append({"type": "closed"})
                self.changed.notify_all()

    def take(self, message):
        with self.changed:
            if isinstance(message, bytes):
                # It belongs to the newest answer that has no end yet.
                next(one for one in reversed(self.answers.values()) if one.end is None).audio += message
                return
            message = json.loads(message)
            assert FIVE <= message.keys(), message
            kind = message["type"]
            if kind == "response_start":
                self.answers[message["response"]] = Answer(message)
            elif kind == "audio":
                samples, _ = samples_of(base64.b64decode(message["audio_data"]))
                self.answers[message["response"]].audio += pcm_of(samples)
            elif kind == "response":
                self.answers[message["response"]].text = message["text"]
            elif kind == "response_end":
                assert self.answers[message["response"]].end is None, "two ends of one answer"
                self.answers[message["response"]].end = message
            self.messages.append(message)
            self.changed.notify_all()

    def tell(self, **message):
        self.socket.send(json.dumps(message))

    def say(self, samples):
        self.microphone.say(samples)

    def mark(self):
        """@return the number of messages until now, for wait_for(since=...)"""
        with self.changed:
            return len(self.messages)

    def wait_for(self, kind, condition=lambda message: True, since=0, limit=LIMIT):
        """@return the first message of the kind, from `since` on, for which the condition holds"""
        def found():
            return next((m for m in self.messages[since:] if m["type"] == kind and condition(m)), None)

        with self.changed:
            self.changed.wait_for(lambda: found() or self.closed is not None, limit)
            message = found()
            seen = [{key: value for key, value in m.items() if value is not None} for m in self.messages[-12:]]
            assert message, f"no {kind} came; closed: {self.closed}; the last: {seen}"
            return message

    def wait_for_state(self, state, since=0):
        return self.wait_for("state", lambda m: m["state"] == state, since)

    def wait_for_audio(self, number, seconds):
        with self.changed:
            heard = self.changed.wait_for(
                lambda: self.answers.get(number) and (self.answers[number].seconds >= seconds or
                                                      self.answers[number].end) or self.closed is not None, LIMIT)
            assert heard and self.answers[number].seconds >= seconds, "the answer is not long enough for this test"

    def wait_for_close(self):
        """@return code and reason"""
        with self.changed:
            assert self.changed.wait_for(lambda: self.closed is not None, LIMIT), "it was not closed"
            return self.closed.code, self.closed.reason

    def count(self, kind):
        with self.changed:
            return sum(m["type"] == kind for m in self.messages)

    def ask(self, text, since=None):
        """A written question. @return its answer, when it has ended"""
        since = self.mark() if since is None else since
        self.tell(type="text", text=text)
        return self.answer(since)

    def answer(self, since):
        """@return the next answer from there on, when it has ended"""
        number = self.wait_for("response_start", since=since)["response"]
        self.wait_for("response_end", lambda m: m["response"] == number, since)
        return self.answers[number]


def history(server, user, messages):
    """@return role and text of each, when so many are stored: that happens behind the conversation's back"""
    wait_until(lambda: len(history_now(server, user)) >= messages, LIMIT, f"the storing of {messages} messages")
    return history_now(server, user)


def history_now(server, user):
    page = server.get("core", f"/api/conversations/{user}", params={"limit": 1000}).json()
    return [(message["role"], message["content"]) for message in page["messages"]]
