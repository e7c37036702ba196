"""Somebody who calls /v1/realtime/calls as a browser does: aiortc, in a thread of its own. What it is for Talk of
realtime_client.py is a connection like the SDK's."""

import asyncio
import fractions
import json
import queue
import threading
import time

import av
import numpy
import requests
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from websockets.exceptions import ConnectionClosedOK
from websockets.frames import Close

from conftest import wait_until
from microphone import LIMIT

RATE = 48000
FRAME = RATE // 50


class Speech(MediaStreamTrack):
    """A microphone in real time: silence while nothing is said."""

    kind = "audio"

    def __init__(self):
        super().__init__()
        self.to_say, self.lock = numpy.zeros(0), threading.Lock()
        self.begin, self.frames = None, 0

    def say(self, samples):
        with self.lock:
            self.to_say = numpy.concatenate([self.to_say, samples])

    async def recv(self):
        if self.begin is None:
            self.begin = time.monotonic()
        await asyncio.sleep(max(0, self.begin + self.frames / 50 - time.monotonic()))
        with self.lock:
            samples, self.to_say = self.to_say[:FRAME], self.to_say[FRAME:]
        samples = numpy.pad(samples, (0, FRAME - len(samples)))
        frame = av.AudioFrame.from_ndarray((numpy.clip(samples, -1, 1) * 32767).astype("<i2")[None], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self.frames * FRAME, fractions.Fraction(1, RATE)
        self.frames += 1
        return frame


class Event(dict):
    def to_dict(self):
        return dict(self)


class Call:
    """@param multipart  the session goes in a form beside the offer; else the body is the offer"""

    def __init__(self, server, session=None, key="none", with_audio=True, label="oai-events"):
        self.server, self.session, self.key, self.label = server, session, key, label
        self.speech = Speech() if with_audio else None
        self.events, self.heard, self.answered, self.id = queue.Queue(), [], None, None
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(LIMIT)

    def __enter__(self):
        self.run(self.connect())
        return self

    def __exit__(self, *_):
        self.run(self.peer.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(timeout=LIMIT)
        self.events.put(None)

    async def connect(self):
        self.peer, opened = RTCPeerConnection(), asyncio.Event()
        if self.speech:
            self.peer.addTrack(self.speech)
        self.channel = self.peer.createDataChannel(self.label)
        self.channel.on("open", opened.set)
        self.channel.on("message", lambda text: self.events.put(Event(json.loads(text))))
        self.channel.on("close", lambda: self.events.put(None))
        self.peer.on("track", lambda track: asyncio.ensure_future(self.listen(track)))
        await self.peer.setLocalDescription(await self.peer.createOffer())
        self.answered = await self.loop.run_in_executor(None, self.post, self.peer.localDescription.sdp)
        self.answered.raise_for_status()
        self.id = self.answered.headers["Location"].rsplit("/", 1)[1]
        await self.peer.setRemoteDescription(RTCSessionDescription(self.answered.text, "answer"))
        await asyncio.wait_for(opened.wait(), LIMIT)

    def post(self, offer):
        return post_call(self.server, offer, self.session, self.key)

    async def listen(self, track):
        try:
            while True:
                frame = await track.recv()
                samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0] / 32768
                self.heard.append((frame.pts, samples))
        except MediaStreamError:
            pass

    # What Talk uses.

    def recv(self):
        event = self.events.get()
        if event is None:
            raise ConnectionClosedOK(Close(1000, ""), None)
        return event

    def send(self, event):
        self.send_text(json.dumps(event))

    def send_text(self, text):
        self.loop.call_soon_threadsafe(self.channel.send, text)

    # What it heard.

    def hear_more(self, seconds):
        """@return since which piece of it"""
        since = len(self.heard)
        wait_until(lambda: len(self.heard) >= since + seconds * 50, LIMIT, f"{seconds} s more of the track")
        return since

    def samples(self, since=0):
        pieces = [samples for _, samples in self.heard[since:]]
        return numpy.concatenate(pieces) if pieces else numpy.zeros(0)

    def loudness(self, since=0):
        """@return of each 20 ms"""
        samples = self.samples(since)
        return numpy.abs(samples[:len(samples) // FRAME * FRAME].reshape(-1, FRAME)).max(axis=1)


def post_call(server, offer, session=None, key="none", **headers):
    url, headers = server.url("core", "/v1/realtime/calls"), {"Authorization": f"Bearer {key}", **headers}
    if session is None:
        return requests.post(url, data=offer, headers={"Content-Type": "application/sdp", **headers}, timeout=LIMIT,
                             verify=getattr(server, "ca", True))
    form = {"sdp": (None, offer), "session": (None, json.dumps(session))}
    return requests.post(url, files=form, headers=headers, timeout=LIMIT, verify=getattr(server, "ca", True))
