"""A real server for the functional tests, and what they share.

MORGAN_BINARY is the program, MORGAN_HOME holds models/, MORGAN_TEST_AUDIO real speech with transcripts.
"""

import collections
import contextlib
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import threading
import time

import numpy
import pytest
import requests

BINARY = pathlib.Path(os.environ.get("MORGAN_BINARY", pathlib.Path(__file__).parents[2] / "build/release/bin/morgan"))
MODELS = pathlib.Path(os.environ["MORGAN_HOME"]) / "models"
AUDIO = pathlib.Path(os.environ["MORGAN_TEST_AUDIO"])
SERVICES = ("core", "llm", "tts", "stt", "vad")
START_LIMIT = 60  # seconds
Speech = collections.namedtuple("Speech", "path text")


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def wait_until(condition, limit, what):
    """Polls without sleeping blindly: the wait ends as soon as the condition holds."""
    pause, end = threading.Event(), time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {limit} s"
        pause.wait(0.02)


class Server:
    """morgan serve on free ports with a home of its own; start() again after stop() or kill()."""

    def __init__(self, home):
        self.home = home
        (home / "models").symlink_to(MODELS)
        self.ports = dict(zip(SERVICES, free_ports(len(SERVICES))))
        self.process = None

    def environment(self, **more):
        environment = dict(os.environ, MORGAN_HOME=str(self.home), **more)
        for name, port in self.ports.items():
            environment[f"MORGAN_SERVER_{name.upper()}_PORT"] = str(port)
        return environment

    def start(self, **settings):
        self.log = open(self.home / "server.log", "ab")
        self.process = subprocess.Popen([BINARY, "serve"], env=self.environment(**settings), stdout=self.log, stderr=self.log)
        wait_until(self.ready, START_LIMIT, "the start of the server")
        return self

    def ready(self):
        assert self.process.poll() is None, (self.home / "server.log").read_text()
        try:
            return all(self.get(name, "/health").status_code == 200 for name in SERVICES)
        except requests.ConnectionError:
            return False

    def stop(self, signal_number=signal.SIGTERM):
        if self.process is None:
            return
        self.process.send_signal(signal_number)
        self.process.wait(timeout=30)
        self.log.close()
        self.process = None

    def url(self, service, path):
        return f"http://127.0.0.1:{self.ports[service]}{path}"

    def get(self, service, path, **options):
        return requests.get(self.url(service, path), timeout=60, **options)

    def post(self, service, path, body=None, **options):
        return requests.post(self.url(service, path), json=body, timeout=240, **options)

    def transcribe(self, audio, name="audio.wav", **fields):
        return self.post("stt", "/transcribe", files={"audio": (name, audio)}, data=fields)

    def synthesize(self, **fields):
        return self.post("tts", "/synthesize", fields)

    def cli(self, *arguments, **options):
        """Runs the program as a person would, against this server. @return the completed process, with text"""
        return subprocess.run([BINARY, *map(str, arguments)], env=self.environment(), capture_output=True, text=True, timeout=240,
                              check=False, **options)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("home")).start()
    yield running
    assert running.process.poll() is None, "the server ended during the tests"
    running.stop()


@pytest.fixture
def own_server(tmp_path):
    """For tests that stop, kill or configure it; not started."""
    made = Server(tmp_path)
    yield made
    if made.process is not None:
        made.stop(signal.SIGKILL)


@pytest.fixture(scope="session")
def jfk():
    text = "And so, my fellow Americans, ask not what your country can do for you, ask what you can do for your country."
    return Speech(AUDIO / "jfk.wav", text)


@pytest.fixture(scope="session")
def clips(jfk):
    """Six recordings of real people with what they say."""
    read = sorted((AUDIO / "librivox").glob("*.wav"))
    assert len(read) == 5
    return [jfk, *(Speech(path, path.with_suffix(".txt").read_text()) for path in read)]


def samples_of(wav_bytes):
    """Samples of a plain 16 bit mono wav, -1..1, and its rate."""
    assert wav_bytes[:4] == b"RIFF" and wav_bytes[8:12] == b"WAVE"
    at, rate = 12, 0
    while True:
        kind, size = wav_bytes[at:at + 4], struct.unpack("<I", wav_bytes[at + 4:at + 8])[0]
        if kind == b"fmt ":
            rate = struct.unpack("<I", wav_bytes[at + 12:at + 16])[0]
        if kind == b"data":
            data = wav_bytes[at + 8:]
            return numpy.frombuffer(data[:len(data) // 2 * 2], numpy.int16).astype(float) / 32768, rate
        at += 8 + size


def wav_of(samples, rate=16000, channels=1, bits=16, floating=False):
    """A wav of samples -1..1; the same in each channel."""
    spread = numpy.repeat(numpy.clip(samples, -1, 1), channels)
    if floating:
        data = spread.astype("<f4").tobytes()
    elif bits == 8:
        data = (spread * 127 + 128).astype(numpy.uint8).tobytes()
    elif bits == 24:
        whole = (spread * (2**23 - 1)).astype("<i4")
        data = whole.view(numpy.uint8).reshape(-1, 4)[:, :3].tobytes()
    else:
        data = (spread * (2**(bits - 1) - 1)).astype(f"<i{bits // 8}").tobytes()
    frame = channels * bits // 8
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 3 if floating else 1, channels, rate,
                       rate * frame, frame, bits, b"data", len(data))
    return head + data


def words_of(text):
    return "".join(letter if letter.isalnum() or letter == "'" else " " for letter in text.lower()).split()


def word_error_rate(expected, heard):
    """Edits per word of `expected`."""
    want, got = words_of(expected), words_of(heard)
    row = list(range(len(got) + 1))
    for i, word in enumerate(want, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(got, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (word != other))
    return row[-1] / max(1, len(want))


def events_of(response):
    """Server-sent events: (name, data) as they come."""
    name = "message"
    for line in response.iter_lines(decode_unicode=True):
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            yield name, json.loads(line[6:]) if line[6:] != "[DONE]" else None
            name = "message"
