"""Somebody who talks to /v1/realtime through the official SDK, and checks each event as strict clients do."""

import base64
import collections
import contextlib
import threading

import numpy
from agents.realtime.openai_realtime import get_server_event_type_adapter
from openai import OpenAI
from websockets.exceptions import ConnectionClosed

from conftest import pcm_of, wav_of
from microphone import LIMIT, Microphone

RATE = 24000
STRICT = get_server_event_type_adapter()
BETA_ONLY = {"conversation.created", "conversation.item.created"}


def sdk(server, key="none"):
    base = f"127.0.0.1:{server.ports['core']}/v1"
    return OpenAI(base_url=f"http://{base}", websocket_base_url=f"ws://{base}", api_key=key, max_retries=0)


class Response:
    """One response, put together from its events; each must come where it may."""

    def __init__(self, event):
        assert event["response"]["status"] == "in_progress" and event["response"]["output"] == []
        self.id, self.created, self.done = event["response"]["id"], event["response"], None
        self.items, self.order = {}, []
        self.text, self.audio = collections.defaultdict(str), b""
        self.parts, self.closed = set(), set()
        self.arguments = collections.defaultdict(str)

    def take(self, event):
        kind = event["type"].removeprefix("response.").replace("output_text", "text").replace("output_audio", "audio")
        assert self.done is None, f"{event['type']} after response.done"
        if kind == "done":
            assert self.closed == set(self.items), "an item without its end"
            self.done = event["response"]
            assert [item["id"] for item in self.done["output"]] == self.order
            return
        item = event["item"]["id"] if "item" in event else event["item_id"]
        if kind == "output_item.added":
            assert event["output_index"] == len(self.items) and event["item"]["status"] == "in_progress"
            assert event["item"].get("content", []) == [] and event["item"].get("arguments", "") == ""
            self.items[item] = event["item"]
            self.order.append(item)
            return
        assert item in self.items and item not in self.closed and event["output_index"] == self.order.index(item)
        if kind == "content_part.added":
            self.parts.add(item)
        elif kind == "output_item.done":
            self.closed.add(item)
            self.items[item] = event["item"]
        elif kind == "function_call_arguments.delta":
            self.arguments[item] += event["delta"]
        elif kind == "function_call_arguments.done":
            assert self.arguments[item] == event["arguments"]
        else:
            assert item in self.parts, f"{event['type']} before content_part.added"
            if kind == "audio.delta":
                piece = base64.b64decode(event["delta"], validate=True)
                assert piece
                self.audio += piece
            elif kind.endswith(".delta"):
                self.text[item] += event["delta"]
            elif kind in ("audio_transcript.done", "text.done"):
                assert self.text[item] == event["transcript" if "transcript" in kind else "text"]

    @property
    def said(self):
        return "".join(self.text.values())

    def wav(self):
        return wav_of(numpy.frombuffer(self.audio, "<i2") / 32768, RATE)

    @property
    def seconds(self):
        return len(self.audio) / 2 / RATE


class Talk:
    """A connection with all that came over it."""

    def __init__(self, manager, microphone=False, strict=True):
        self.stack = contextlib.ExitStack()
        self.events, self.responses, self.closed, self.broken = [], {}, None, None
        self.changed = threading.Condition()
        self.strict = strict
        self.connection = self.stack.enter_context(manager)
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()
        self.session = self.wait_for("session.created")["session"]
        self.microphone = Microphone(RATE, self.append) if microphone else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.microphone:
            self.microphone.stop()
        self.stack.close()
        self.listener.join(timeout=LIMIT)
        assert self.broken is None, self.broken
        assert all(response.done or self.cut for response in self.responses.values()), "a response without its end"

    cut = False  # the test leaves in the middle of a response

    def listen(self):
        try:
            while True:
                event = self.connection.recv()
                if self.strict:
                    STRICT.validate_python(event.to_dict())
                self.take(event.to_dict())
        except ConnectionClosed as closed:
            self.note(closed=closed.rcvd)
        except Exception as problem:  # shown by whoever waits, and at the end
            self.note(broken=repr(problem))

    def note(self, closed=None, broken=None):
        with self.changed:
            self.closed, self.broken = closed or self.closed, broken or self.broken
            self.changed.notify_all()

    def take(self, event):
        with self.changed:
            assert all(event["event_id"] != other["event_id"] for other in self.events[-50:])
            kind = event["type"]
            assert self.strict or kind not in ("conversation.item.added", "conversation.item.done"), "GA in a beta session"
            assert not self.strict or kind not in BETA_ONLY, "beta in a GA session"
            self.events.append(event)
            if kind == "response.created":
                self.responses[event["response"]["id"]] = Response(event)
            elif kind.startswith("response."):
                self.responses[event.get("response_id") or event["response"]["id"]].take(event)
            self.changed.notify_all()

    def tell(self, kind, **fields):
        self.connection.send({"type": kind, **fields})

    def update(self, wait=True, **session):
        since = self.mark()
        self.tell("session.update", session={"type": "realtime", **session} if self.strict else session)
        return self.wait_for("session.updated", since=since)["session"] if wait else None

    def append(self, samples, encode=pcm_of, step=4800):
        for at in range(0, len(samples), step):
            data = base64.b64encode(encode(samples[at:at + step])).decode()
            self.tell("input_audio_buffer.append", audio=data)

    def say(self, samples):
        self.microphone.say(samples)

    def write(self, text, **item):
        self.tell("conversation.item.create", item={
            "type": "message", "role": "user", "content": [{"type": "input_text", "text": text}], **item})

    def mark(self):
        with self.changed:
            return len(self.events)

    @property
    def gone(self):
        return self.closed is not None or self.broken is not None

    def wait_for(self, kind, condition=lambda event: True, since=0, limit=LIMIT):
        """@return the first event of the kind, from `since` on, for which the condition holds"""
        def found():
            return next((e for e in self.events[since:] if e["type"] == kind and condition(e)), None)

        with self.changed:
            self.changed.wait_for(lambda: found() or self.gone, limit)
            event = found()
            seen = [str(e)[:300] for e in self.events[-8:]]
            assert event, f"no {kind} came; closed: {self.closed}, broken: {self.broken}; the last: {seen}"
            return event

    def wait_for_audio(self, response, seconds):
        with self.changed:
            self.changed.wait_for(lambda: response.seconds >= seconds or response.done or self.gone, LIMIT)
            assert response.seconds >= seconds, "the answer is not long enough for this test"

    def response(self, since=0):
        """@return the next response from there on, when it is done"""
        made = self.wait_for("response.created", since=since)["response"]["id"]
        self.wait_for("response.done", lambda e: e["response"]["id"] == made, since)
        return self.responses[made]

    def ask(self, **response):
        since = self.mark()
        self.tell("response.create", **({"response": response} if response else {}))
        return self.response(since)

    def types(self, since=0):
        with self.changed:
            return [event["type"] for event in self.events[since:]]

    def refused(self, kind, **fields):
        """Sends what is to be refused. @return the error"""
        since = self.mark()
        self.tell(kind, event_id=f"mine_{since}", **fields)
        error = self.wait_for("error", since=since)["error"]
        assert error["event_id"] == f"mine_{since}" and error["message"], error
        assert error["type"] == "invalid_request_error"
        return error
