"""A real server for the functional tests, and what they share.

MORGAN_BINARY is the program, MORGAN_HOME holds models/, MORGAN_TEST_AUDIO real speech with transcripts.
"""

import collections
import contextlib
import json
import os
import pathlib
import random
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
    """Below the range from which the system gives clients theirs, so that none of them takes one meanwhile."""
    found = []
    with contextlib.ExitStack() as stack:
        while len(found) < count:
            port = random.randrange(20000, 32000)
            probe = stack.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found.append(port)
    return found


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
        *ports, self.wyoming_port = free_ports(len(SERVICES) + 1)
        self.ports = dict(zip(SERVICES, ports))
        self.process = None

    def environment(self, **more):
        environment = dict(os.environ, MORGAN_HOME=str(self.home), **more)
        for name, port in self.ports.items():
            environment[f"MORGAN_SERVER_{name.upper()}_PORT"] = str(port)
        environment["MORGAN_WYOMING_PORT"] = str(self.wyoming_port)
        return environment

    def start(self, **settings):
        self.log = open(self.home / "server.log", "ab")
        environment = self.environment(**settings)
        self.process = subprocess.Popen([BINARY, "serve"], env=environment, stdout=self.log, stderr=self.log)
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

    def speech(self, text, **fields):
        """A recording of the text, the same each time: Piper's voices vary by themselves, this one does not."""
        answer = self.synthesize(text=text, voice="af_heart", **fields)
        assert answer.status_code == 200, answer.text
        return answer.content

    def cli(self, *arguments, **options):
        """Runs the program as a person would, against this server. @return the completed process, with text"""
        options = {"text": True, **({} if "input" in options else {"stdin": subprocess.DEVNULL}), **options}
        return subprocess.run([BINARY, *map(str, arguments)], env=self.environment(), capture_output=True,
                              timeout=240, check=False, **options)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    # The likeliest answer every time: what a test expects of an answer then holds in each run.
    running = Server(tmp_path_factory.mktemp("home")).start(MORGAN_DIALOGUE_TEMPERATURE="0")
    yield running
    log = (running.home / "server.log").read_text()
    assert running.process.poll() is None, f"the server ended during the tests: {log[-2000:]}"
    running.stop()


@pytest.fixture(scope="session")
def live_server(tmp_path_factory):
    """One for conversations in real time: answers take as long as it takes to hear them, so they are short."""
    running = Server(tmp_path_factory.mktemp("live")).start(MORGAN_DIALOGUE_TEMPERATURE="0",
                                                            MORGAN_DIALOGUE_MAX_TOKENS="60",
                                                            MORGAN_LIVE_FILLER_MS="0")
    yield running
    log = (running.home / "server.log").read_text()
    assert running.process.poll() is None, f"the server ended during the tests: {log[-2000:]}"
    running.stop()


@pytest.fixture
def stays_healthy(server):
    """For tests that mistreat the server: afterwards all of it must be as before."""
    yield
    for service in SERVICES:
        assert server.get(service, "/health").json()["status"] == "healthy"


@pytest.fixture
def own_server(tmp_path):
    """For tests that stop, kill or configure it; not started."""
    made = Server(tmp_path)
    yield made
    if made.process is not None:
        made.stop(signal.SIGKILL)


@pytest.fixture(scope="session")
def jfk():
    return Speech(AUDIO / "jfk.wav", "And so, my fellow Americans, ask not what your country can do for you, "
                                     "ask what you can do for your country.")


@pytest.fixture(scope="session")
def clips(jfk):
    """Six recordings of real people with what they say."""
    read = sorted((AUDIO / "librivox").glob("*.wav"))
    assert len(read) == 5
    return [jfk, *(Speech(path, path.with_suffix(".txt").read_text()) for path in read)]


def refused(answer, status, code=None):
    """Checks a refusal in Morgan's form, or OpenAI's under /v1. @return its message"""
    assert answer.status_code == status, answer.text[:300]
    body = answer.json()
    if isinstance(body["error"], dict):
        given, message = body["error"]["code"], body["error"]["message"]
    else:
        given, message = body["error"], body["message"]
        assert body["request_id"]
    assert message and "exception" not in message and "\n" not in message.strip()
    assert given, f"a refusal without a code: {answer.text[:300]}"
    assert code is None or given == code
    return message


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


def resampled(samples, rate, wanted):
    at = numpy.arange(int(len(samples) * wanted / rate)) * rate / wanted
    return numpy.interp(at, numpy.arange(len(samples)), samples)


def pcm_of(samples):
    """Samples of -1..1 as 16 bits, little-endian."""
    return (numpy.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()


def wav_of(samples, rate=16000, channels=1, bits=16, floating=False):
    """A wav of samples -1..1: a row for each moment, or one column that goes into every channel."""
    samples = numpy.clip(samples, -1, 1)
    spread = numpy.repeat(samples[:, None], channels, axis=1) if samples.ndim == 1 else samples
    channels = spread.shape[1]
    if floating:
        data = spread.astype("<f4").tobytes()
    elif bits == 8:
        data = (spread * 127 + 128).astype(numpy.uint8).tobytes()
    elif bits == 24:
        whole = (spread * (2**23 - 1)).astype("<i4")
        data = numpy.ascontiguousarray(whole).view(numpy.uint8).reshape(-1, 4)[:, :3].tobytes()
    else:
        data = (spread * (2**(bits - 1) - 1)).astype(f"<i{bits // 8}").tobytes()
    frame = channels * bits // 8
    shape = struct.pack("<HHIIHH", 3 if floating else 1, channels, rate, rate * frame, frame, bits)
    return (struct.pack("<4sI4s4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16) + shape +
            struct.pack("<4sI", b"data", len(data)) + data)


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
