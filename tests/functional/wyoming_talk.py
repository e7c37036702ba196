"""What the Wyoming tests share: exchanges with the official client, and with a socket for what that client never sends."""

import asyncio
import json
import socket
import wave

import numpy

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.info import Describe, Info

LIMIT = 60  # seconds for one event
SAMPLES_PER_CHUNK = 1024


def talk(server, exchange):
    """Runs exchange(client) with a connected official client. @return what it returns"""
    async def connected():
        async with AsyncTcpClient("127.0.0.1", server.wyoming_port, connect_timeout=5, read_timeout=LIMIT) as client:
            return await exchange(client)
    return asyncio.run(connected())


async def read_until(client, *types):
    """Events up to the first of one of the types, that one included."""
    events = []
    while not events or events[-1].type not in types:
        event = await client.read_event()
        assert event is not None, f"the server closed after {[event.type for event in events]}"
        events.append(event)
    return events


async def send(client, *events):
    for event in events:
        await client.write_event(event.event() if hasattr(event, "event") else event)


def only(events, kind):
    found = [event for event in events if event.type == kind]
    assert len(found) == 1, [event.type for event in events]
    return found[0]


def describe(server):
    async def exchange(client):
        await send(client, Describe())
        return Info.from_event(await client.read_event())
    return talk(server, exchange)


def wav_events(path, start=True, stop=True):
    """As Home Assistant sends a recording: 1024 samples a chunk."""
    with wave.open(str(path)) as file:
        shape = {"rate": file.getframerate(), "width": file.getsampwidth(), "channels": file.getnchannels()}
        pcm = file.readframes(file.getnframes())
    return pcm_events(pcm, start, stop, **shape)


def pcm_events(pcm, start=True, stop=True, rate=16000, width=2, channels=1):
    shape = {"rate": rate, "width": width, "channels": channels}
    size = SAMPLES_PER_CHUNK * width * channels
    chunks = [AudioChunk(audio=pcm[at:at + size], **shape) for at in range(0, len(pcm), size)]
    return [*([AudioStart(**shape)] if start else []), *chunks, *([AudioStop()] if stop else [])]


def speech_of(events):
    """Checks that the events are one well-formed stream of audio. @return its samples and rate"""
    audio = [event for event in events if event.type.startswith("audio-")]
    assert audio[0].type == "audio-start" and audio[-1].type == "audio-stop"
    assert all(event.type == "audio-chunk" for event in audio[1:-1])
    rates = {event.data["rate"] for event in audio[:-1]}
    assert len(rates) == 1, "one rate for all of a stream"
    for event in audio[:-1]:
        assert event.data["width"] == 2 and event.data["channels"] == 1
    for event in audio[1:-2]:
        assert len(event.payload) == 2 * SAMPLES_PER_CHUNK
    pcm = b"".join(event.payload for event in audio[1:-1])
    return numpy.frombuffer(pcm, numpy.int16).astype(float) / 32768, rates.pop()


class Raw:
    """A client without manners."""

    def __init__(self, server):
        self.socket = socket.create_connection(("127.0.0.1", server.wyoming_port), timeout=LIMIT)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, *parts):
        for part in parts:
            self.socket.sendall(part if isinstance(part, bytes) else json.dumps(part).encode() + b"\n")

    def read(self):
        """The next event as (type, data, payload); None when the server has closed."""
        line = self.file.readline()
        if not line:
            return None
        head = json.loads(line)
        data = dict(head.get("data") or {})
        if head.get("data_length"):
            data.update(json.loads(self.file.read(head["data_length"])))
        return head["type"], data, self.file.read(head.get("payload_length") or 0)

    def read_until(self, *types):
        events = []
        while not events or events[-1][0] not in types:
            event = self.read()
            assert event is not None, f"the server closed after {[event[0] for event in events]}"
            events.append(event)
        return events

    def ping(self, text="still there"):
        """That the connection lives: what was sent before may still be answered."""
        self.send({"type": "ping", "data": {"text": text}})
        assert self.read_until("pong")[-1][1] == {"text": text}

    def reset(self):
        """Ends with a reset instead of a farewell."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.file.close()
        self.socket.close()
