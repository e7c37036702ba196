"""Text to speech: formats, voices, speed, levels, and that it can be understood."""

import base64
import time

import numpy
import pytest

from conftest import samples_of, word_error_rate

MAGIC = {"wav": b"RIFF", "mp3": (b"ID3", b"\xff\xfb", b"\xff\xf3"), "opus": b"OggS", "flac": b"fLaC", "aac": b"\xff\xf1"}


def test_the_founding_call(server):
    answer = server.post("tts", "/synthesize", {"text": "Hello world", "voice": "default"})
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "audio/wav"
    samples, rate = samples_of(answer.content)
    assert 0.4 < len(samples) / rate < 2 and 0.1 < abs(samples).max() < 1


@pytest.mark.parametrize("form", MAGIC)
def test_every_format(server, form):
    answer = server.synthesize(text="One, two, three.", format=form)
    assert answer.status_code == 200 and answer.content.startswith(MAGIC[form]) and len(answer.content) > 2000


def test_bare_samples(server):
    answer = server.synthesize(text="One, two, three.", format="pcm")
    samples = numpy.frombuffer(answer.content, numpy.int16)
    assert int(answer.headers["X-Sample-Rate"]) == 22050 and 10000 < len(samples) < 100000


@pytest.mark.parametrize("voice", ["joe", "af_heart", "bm_george"])
def test_voices_are_understood_and_well_levelled(server, voice):
    text = "Please bring the small table and four chairs into the garden."
    audio = server.synthesize(text=text, voice=voice).content
    samples, rate = samples_of(audio)
    assert 0.1 < abs(samples).max() < 1.0
    jumps = numpy.sort(numpy.abs(numpy.diff(samples)))
    assert jumps[-1] < 3 * jumps[int(0.999 * len(jumps))]  # a click is a jump far beyond the sibilants'
    head = numpy.argmax(abs(samples) > 0.02) / rate
    assert head < 0.15, "the answer begins with silence"
    assert word_error_rate(text, server.transcribe(audio).json()["text"]) <= 0.15


@pytest.mark.parametrize("text, said", [
    ("It costs $5.20.", "five dollars and twenty cents"), ("Dr. Smith lives at 12 Main St.", "Doctor Smith"),
    ("The meeting is on 3/14/2025.", "March"), ("It is 25 degrees, 60% humid.", "sixty percent")])
def test_numbers_and_abbreviations_are_spoken(server, text, said):
    heard = server.transcribe(server.synthesize(text=text).content, prompt="Write numbers as words: " + said).json()["text"].lower()
    digits = {"five dollars and twenty cents": "5.20", "sixty percent": "60", "doctor smith": "dr. smith"}
    assert said.lower() in heard or digits.get(said.lower(), "\0") in heard, heard


def test_speed(server):
    lengths = [len(server.synthesize(text="Speed changes how long this takes.", speed=speed).content) for speed in (0.5, 1.0, 2.0)]
    assert lengths[0] > 1.5 * lengths[1] and lengths[2] < 0.75 * lengths[1]  # Piper varies by itself


def test_audio_streams_while_it_is_made(server):
    text = " ".join(f"This is sentence number {number} of a rather long text." for number in range(12))
    began = time.monotonic()
    answer = server.post("tts", "/synthesize", {"text": text, "format": "pcm"}, stream=True)
    pieces = answer.iter_content(4096)
    first = next(pieces)
    first_at = time.monotonic() - began
    rest = sum(len(piece) for piece in pieces)
    assert len(first) > 0 and rest > 500_000
    assert first_at < 0.5 * (time.monotonic() - began)


def test_json_form_and_voice_list(server):
    answer = server.post("tts", "/generate", {"text": "Hello"}).json()
    assert base64.b64decode(answer["audio_data"]).startswith(b"RIFF") and answer["duration"] > 0.2
    voices = server.get("tts", "/voices").json()
    assert voices["count"] == len(voices["voices"]) >= 29
    assert {voice["backend"] for voice in voices["voices"]} == {"piper", "kokoro"}
    assert server.get("tts", "/voices/joe").json()["name"] == "joe"


def test_openai_speech(server):
    answer = server.post("core", "/v1/audio/speech", {"model": "tts-1", "voice": "alloy", "input": "Good morning."})
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "audio/mpeg" and len(answer.content) > 3000
