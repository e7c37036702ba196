#!/usr/bin/env python3
"""Many WebSocket sessions at once: opens them, and reads the server's VmRSS while they say nothing.

    bench/idle_sessions.py build/release/bin/morgan $MORGAN_HOME/models [--counts 1000,2000] [--path /ws/audio]
    bench/idle_sessions.py --url ws://127.0.0.1:8000/ws/audio --pid PID

With --active N, that many of them then talk for --seconds: 20 ms of noise (or of --sound FILE.wav, 16 kHz mono) every
20 ms, and a ping a second. A session that closes, an `error` and a ping without its pong are failures.
"""

import argparse
import base64
import collections
import json
import os
import pathlib
import random
import resource
import selectors
import socket
import struct
import time
import urllib.parse
import wave

from morgan_server import MorganServer

SETTLED_KB = 64  # two readings in a row closer than this
READING_PAUSE_S = 0.5
FRAME_S = 0.02
FRAME_BYTES = 640  # 16 kHz PCM16
PING_S = 1.0
PATIENCE_S = 10  # for the last pongs, and for a server that does not read
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def resident_kb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise KeyError("VmRSS")


def settled_kb(pid):
    last = resident_kb(pid)
    while True:
        time.sleep(READING_PAUSE_S)
        now = resident_kb(pid)
        if abs(now - last) < SETTLED_KB:
            return now
        last = now


def connect(url):
    parts = urllib.parse.urlsplit(url)
    client = socket.create_connection((parts.hostname, parts.port or 80), timeout=PATIENCE_S)
    key = base64.b64encode(os.urandom(16)).decode()
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    client.sendall(
        f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    answer = b""
    while b"\r\n\r\n" not in answer:
        got = client.recv(4096)
        if not got:
            break
        answer += got
    if not answer.startswith(b"HTTP/1.1 101"):
        raise SystemExit(f"idle_sessions: the server answered {answer[:300]!r}")
    return client


def frame(opcode, data):
    """Masked; the mask is zero, which is one, too."""
    length = bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0x80 | 126]) + struct.pack(">H", len(data))
    return bytes([0x80 | opcode]) + length + bytes(4) + data


def next_frame(buffer):
    """@return (opcode, data) taken from `buffer`, or None while it has no whole frame"""
    if len(buffer) < 2:
        return None
    opcode, length, begin = buffer[0] & 15, buffer[1] & 127, 2
    if length >= 126:
        begin += 2 if length == 126 else 8
        if len(buffer) < begin:
            return None
        length = int.from_bytes(buffer[2:begin], "big")
    if len(buffer) < begin + length:
        return None
    data = bytes(buffer[begin:begin + length])
    del buffer[:begin + length]
    return opcode, data


def sound_frames(file):
    if file:
        with wave.open(file) as sound:
            if (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) != (16000, 1, 2):
                raise SystemExit("idle_sessions: --sound must be 16 kHz, mono, 16 bits")
            samples = sound.readframes(sound.getnframes())
    else:
        noise = random.Random(1)
        samples = struct.pack("<16000h", *(noise.randint(-200, 200) for _ in range(16000)))
    return [frame(BINARY, samples[at:at + FRAME_BYTES]) for at in range(0, len(samples) - FRAME_BYTES + 1, FRAME_BYTES)]


class Crowd:
    """All sessions for a while: some talk, all are read and answer pings. One thread."""

    def __init__(self, clients, active, sound):
        self.sound = sound_frames(sound)
        self.talkers = clients[:active]
        self.buffers = {client: bytearray() for client in clients}
        self.pings = {client: collections.deque() for client in self.talkers}
        self.failures, self.pongs, self.kinds = [], [], collections.Counter()
        self.sent, self.latest = 0, 0.0
        self.selector = selectors.DefaultSelector()
        for client in clients:
            self.selector.register(client, selectors.EVENT_READ)

    def fail(self, client, why):
        self.failures.append(why)
        self.selector.unregister(client)
        del self.buffers[client]

    def run(self, seconds):
        for number, client in enumerate(self.talkers):
            start = {"type": "start", "user_id": f"active-{number}", "output_format": "pcm16"}
            self.send(client, frame(TEXT, json.dumps(start).encode()))
        began = time.monotonic()
        due = collections.deque((began + FRAME_S * number / len(self.talkers), number, 0)
                                for number in range(len(self.talkers)))
        while due[0][0] < began + seconds:
            at, number, turn = due.popleft()
            while (wait := at - time.monotonic()) > 0:
                self.read(wait)
            self.latest = max(self.latest, -wait)
            self.talk(self.talkers[number], number, turn)
            due.append((at + FRAME_S, number, turn + 1))
            if turn % 4 == 0:
                self.read(0)
        until = time.monotonic() + PATIENCE_S
        while any(self.pings.values()) and time.monotonic() < until:
            self.read(0.1)
        for client, waiting in self.pings.items():
            if waiting and client in self.buffers:
                self.fail(client, f"{len(waiting)} pings were not answered")
        self.selector.close()

    def talk(self, client, number, turn):
        if client not in self.buffers:
            return
        # Each begins elsewhere in the sound.
        self.send(client, self.sound[(turn + 7 * number) % len(self.sound)])
        if client in self.buffers and turn % round(PING_S / FRAME_S) == 0:
            self.pings[client].append(time.monotonic())
            self.send(client, frame(PING, b"bench"))

    def send(self, client, data):
        try:
            client.sendall(data)
            self.sent += 1
        except OSError as error:
            self.fail(client, f"sending: {error}")

    def read(self, wait):
        for key, _ in self.selector.select(wait):
            client = key.fileobj
            try:
                got = client.recv(65536)
            except OSError as error:
                self.fail(client, f"reading: {error}")
                continue
            if not got:
                self.fail(client, "closed without a word")
                continue
            self.buffers[client] += got
            while client in self.buffers and (came := next_frame(self.buffers[client])):
                self.take(client, *came)

    def take(self, client, opcode, data):
        if opcode == PING:
            self.send(client, frame(PONG, data))
        elif opcode == PONG and self.pings.get(client):
            self.pongs.append(time.monotonic() - self.pings[client].popleft())
        elif opcode == CLOSE:
            self.fail(client, f"closed with {int.from_bytes(data[:2], 'big')} {data[2:]!r}")
        elif opcode == TEXT:
            message = json.loads(data)
            self.kinds[message["type"]] += 1
            # What is fatal is followed by the close, which counts.
            if message["type"] == "error" and not message.get("fatal"):
                self.failures.append(f"error {message['error']}: {message.get('message')}")

    def figures(self):
        waits = sorted(self.pongs) or [0.0]
        return {"active": len(self.talkers), "sent": self.sent, "failures": len(self.failures),
                "pongs": len(self.pongs), "pong_p50_ms": 1000 * waits[len(waits) // 2],
                "pong_p99_ms": 1000 * waits[int(0.99 * (len(waits) - 1))],
                "latest_send_ms": 1000 * self.latest}


def open_sessions(url, pid, counts, first_message):
    """@return (what the server had before, the open sessions)"""
    # What the server keeps after its first sessions (threads' heaps, tables) is not the sessions' own.
    for client in [connect(url) for _ in range(20)]:
        client.close()
    base = settled_kb(pid)
    print(f"no session: {base / 1000:.1f} MB resident")
    clients = []
    for count in counts:
        while len(clients) < count:
            clients.append(connect(url))
            if first_message:
                clients[-1].sendall(frame(TEXT, first_message.encode()))
        now = settled_kb(pid)
        print(f"{count} idle sessions: {now / 1000:.1f} MB, {(now - base) / count:.1f} kB each")
    return base, clients


def talk(pid, base, clients, active, seconds, sound):
    crowd = Crowd(clients, active, sound)
    crowd.run(seconds)
    now = resident_kb(pid)
    figures = crowd.figures()
    figures.update(sessions=len(clients), resident_mb=now / 1000, kb_each=(now - base) / len(clients))
    print(f"{active} of {len(clients)} talked for {seconds:.0f} s: {figures['failures']} failures, "
          f"{now / 1000:.1f} MB, {figures['kb_each']:.1f} kB each")
    print(f"{figures['pongs']} pongs: p50 {figures['pong_p50_ms']:.1f} ms, p99 {figures['pong_p99_ms']:.1f} ms; the "
          f"latest frame was sent {figures['latest_send_ms']:.0f} ms late; messages {dict(crowd.kinds)}")
    for why, times in collections.Counter(crowd.failures).most_common(5):
        print(f"  {times} x {why}")
    return figures


def raise_descriptors(sessions):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, sessions + 100), hard))


def measure(url, pid, options):
    base, clients = open_sessions(url, pid, options.counts, options.first_message)
    figures = None
    if options.active:
        figures = talk(pid, base, clients, min(options.active, len(clients)), options.seconds, options.sound)
    for client in clients:
        client.close()
    print(f"all closed: {settled_kb(pid) / 1000:.1f} MB")
    return 1 if figures and figures["failures"] else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", nargs="?")
    parser.add_argument("models", nargs="?")
    parser.add_argument("--url", help="a server that runs already")
    parser.add_argument("--pid", type=int, help="its process")
    parser.add_argument("--path", default="/ws/audio")
    parser.add_argument("--counts", default=[1000, 2000], type=lambda text: [int(count) for count in text.split(",")])
    parser.add_argument("--first-message", default="", help="sent once by each session, such as {\"type\":\"start\"}")
    parser.add_argument("--active", type=int, default=0, help="so many of them talk; only with /ws/audio")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--sound", help="what they say; noise if not given")
    options = parser.parse_args()
    raise_descriptors(max(options.counts))
    if options.url and options.pid:
        return measure(options.url, options.pid, options)
    if options.binary and options.models:
        with MorganServer(options.binary, options.models) as server:
            return measure(f"ws://127.0.0.1:{server.ports['core']}{options.path}", server.process.pid, options)
    return parser.error("give a binary and its models, or --url and --pid")


if __name__ == "__main__":
    raise SystemExit(main())
