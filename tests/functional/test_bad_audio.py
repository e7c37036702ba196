"""What is sent as audio and is none, or too much, or says nothing."""

import base64
import struct
import time

import numpy
import pytest
import requests

from conftest import refused, resampled, samples_of, wav_of, word_error_rate

pytestmark = pytest.mark.usefixtures("stays_healthy")
SHORT_SILENCE = wav_of(numpy.zeros(1600))
ROUTES = [("stt", "/transcribe"), ("stt", "/detect-language"), ("stt", "/v1/audio/transcriptions"),
          ("core", "/api/audio"),
          ("vad", "/detect"), ("vad", "/turn")]
# What Whisper says when nobody does.
INVENTIONS = ("you", "thank", "thanks", "bye", "okay", "subtitles", "music", "applause", "blank_audio", "silence", "oh",
              "so")


def send(server, service, path, audio, **fields):
    return server.post(service, path, files={"file": ("audio.wav", audio)}, data=fields)


def with_header(samples, offset, form, value):
    audio = bytearray(wav_of(samples))
    struct.pack_into(form, audio, offset, value)
    return bytes(audio)


def form_of(path, morgan, openai):
    return openai if path.startswith("/v1") else morgan


@pytest.mark.parametrize("audio", [
    b"", b"this is text, not sound " * 50, SHORT_SILENCE[:44], wav_of(numpy.zeros(0)), b"RIFF\x10\0\0\0WAVE",
    b"OggS" + bytes(1000),
    b"ID3" + bytes(500), b"fLaC" + bytes(500), b"\x1a\x45\xdf\xa3" + bytes(500), b"\0\0\0\x20ftypM4A " + bytes(500),
    bytes(1000),
    b"\x89PNG\r\n\x1a\n" + bytes(200), b"#EXTM3U\n/etc/passwd\n", b"ffconcat version 1.0\nfile /etc/passwd\n"],
    ids=["empty", "text", "header only", "no samples", "cut header", "ogg", "mp3", "flac", "webm", "m4a", "zeros",
         "picture",
         "playlist", "concat list"])
@pytest.mark.parametrize("service, path", ROUTES, ids=str)
def test_what_is_not_audio(server, service, path, audio):
    refused(send(server, service, path, audio), 400, form_of(path, "INVALID_AUDIO", "invalid_audio"))


@pytest.mark.parametrize("offset, form, value",
                         [(16, "<I", 2**31), (16, "<I", 0), (22, "<H", 0), (22, "<H", 65535), (24, "<I", 0),
                                                 (24, "<I", 4 * 10**9), (34, "<H", 0), (20, "<H", 999), (20, "<H", 2)],
                         ids=["huge head", "no head", "no channels", "65535 channels", "rate 0", "rate 4 GHz", "0 bits",
                              "unknown codec", "other codec"])
def test_headers_that_cannot_be(server, jfk, offset, form, value):
    samples, _ = samples_of(jfk.path.read_bytes())
    refused(server.transcribe(with_header(samples, offset, form, value)), 400, "INVALID_AUDIO")


def test_a_rate_of_one_makes_audio_of_days(server, jfk):
    samples, _ = samples_of(jfk.path.read_bytes())
    refused(server.transcribe(with_header(samples, 24, "<I", 1)), 413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("size", [0, 2**31 - 1, 2**32 - 2, 2**32 - 1])
def test_a_wav_that_lies_about_its_size_is_read_as_far_as_it_goes(server, jfk, size):
    samples, _ = samples_of(jfk.path.read_bytes())
    answer = server.transcribe(with_header(samples, 40, "<I", size)).json()
    assert 10.9 < answer["duration"] < 11.1 and word_error_rate(jfk.text, answer["text"]) <= 0.1


def test_a_truncated_wav_is_read_as_far_as_it_goes(server, jfk):
    answer = server.transcribe(jfk.path.read_bytes()[:100_001]).json()
    assert 2.9 < answer["duration"] < 3.3 and "fellow" in answer["text"]


@pytest.mark.parametrize("form", ["mp3", "opus", "flac", "aac"])
def test_a_truncated_recording_is_read_as_far_as_it_goes(server, form):
    audio = server.speech("One two three four five six seven eight nine ten.", format=form)
    whole = server.transcribe(audio, "a." + form).json()["duration"]
    answer = server.transcribe(audio[:len(audio) * 6 // 10], "a." + form)
    assert answer.status_code == 200 and 0.3 * whole < answer.json()["duration"] < 0.8 * whole


def test_telephone_quality_below_any_telephone_is_taken(server, jfk):
    samples, rate = samples_of(jfk.path.read_bytes())
    answer = server.transcribe(wav_of(resampled(samples, rate, 4000), 4000)).json()
    assert 10.9 < answer["duration"] < 11.1 and word_error_rate(jfk.text, answer["text"]) <= 0.35


@pytest.mark.parametrize("service, path", ROUTES, ids=str)
def test_files_that_are_too_large_or_too_long(server, service, path):
    code = form_of(path, "PAYLOAD_TOO_LARGE", "payload_too_large")
    refused(send(server, service, path, bytes(100_000_000)), 413, code)
    three_hours = wav_of(numpy.zeros(4000 * (3 * 3600 + 60)), 4000, bits=8)
    refused(send(server, service, path, three_hours), 413, code)
    assert server.get(service, "/health").json()["memory_usage"]["rss"] < 2_500_000_000


def test_the_configured_limit_holds(server):
    refused(server.transcribe(bytes(70_000_000)), 413, "PAYLOAD_TOO_LARGE")  # server.max_upload_mb is 64


def test_no_body_and_no_file(server):
    def raw(service, path, body, content_type):
        return requests.post(server.url(service, path), data=body, headers={"Content-Type": content_type}, timeout=60)

    for service, path in ROUTES:
        code = form_of(path, "INVALID_INPUT", "invalid_value")
        refused(server.post(service, path), 400, code)
        refused(server.post(service, path, files={"other": ("a.wav", SHORT_SILENCE)}), 400, code)
        refused(raw(service, path, b"--x\r\nbroken", "multipart/form-data; boundary=x"), 400, code)
        refused(raw(service, path, b"abc", "multipart/form-data"), 400, code)
        for kind in ("application/xml", "text/html", "text/plain", "image/png"):
            refused(raw(service, path, b"abc", kind), 415,
                    form_of(path, "UNSUPPORTED_MEDIA_TYPE", "unsupported_media_type"))
        refused(raw(service, path, b"", "audio/wav"), 400)


def test_a_missing_file_is_named_as_the_api_names_it(server):
    for service, path in (("stt", "/v1/audio/transcriptions"), ("core", "/v1/audio/translations")):
        assert server.post(service, path, files={"other": b"x"}).json()["error"]["param"] == "file"
    assert server.post("stt", "/transcribe").json()["details"]["param"] == "audio"


def test_two_files_in_one_form(server):
    two = [("file", ("a.wav", SHORT_SILENCE)), ("file", ("b.wav", SHORT_SILENCE))]
    for service, path in ROUTES:
        for files in (two, [two[0], ("audio", two[1][1])]):
            answer = server.post(service, path, files=files)
            assert "2 files" in refused(answer, 400, form_of(path, "INVALID_INPUT", "invalid_value"))


def flac_of_silence(seconds, rate=16000):
    """Frames of constant blocks, which a FLAC has eleven bytes for each. @source RFC 9639"""
    block = 65535

    def crc(data, width, polynomial):
        value = 0
        for byte in data:
            value ^= byte << (width - 8)
            for _ in range(8):
                value = (value << 1 ^ (polynomial if value >> (width - 1) & 1 else 0)) & (2**width - 1)
        return value

    def coded(number):
        return chr(number).encode("utf-8", "surrogatepass")

    samples = seconds * rate
    info = struct.pack(">HH6xQ16x", block, block, rate << 44 | 15 << 36 | samples)
    frames = []
    for index in range(samples // block):
        head = b"\xff\xf8\x75\x08" + coded(index) + struct.pack(">H", block - 1)
        frame = head + bytes([crc(head, 8, 0x07)]) + b"\0\0\0"
        frames.append(frame + struct.pack(">H", crc(frame, 16, 0x8005)))
    return b"fLaC\x80\0\0\x22" + info + b"".join(frames)


def test_a_small_file_of_many_hours_costs_nothing(server):
    def resident():
        return server.get("stt", "/health").json()["memory_usage"]["rss"]

    bomb, before = flac_of_silence(10 * 3600), resident()
    assert len(bomb) < 200_000
    assert server.transcribe(flac_of_silence(60), "a.flac").json()["duration"] > 50
    for service, path in ROUTES:
        began = time.monotonic()
        refused(send(server, service, path, bomb), 413, form_of(path, "PAYLOAD_TOO_LARGE", "payload_too_large"))
        assert time.monotonic() - began < 2
    assert resident() < before + 200_000_000


def test_base64_that_is_none(server):
    for service, path in (("stt", "/transcribe"), ("core", "/api/audio"), ("vad", "/detect")):
        refused(server.post(service, path, {"audio_data": "?!*"}), 400, "INVALID_AUDIO")
        refused(server.post(service, path, {"audio_data": ""}), 400, "INVALID_AUDIO")
        refused(server.post(service, path, {"audio_data": 5}), 400, "INVALID_INPUT")
        encoded = base64.b64encode(SHORT_SILENCE).decode()
        assert server.post(service, path, {"audio_data": encoded}).status_code == 200


@pytest.mark.parametrize("fields, status, code", [
    ({"language": "xx"}, 400, "LANGUAGE_NOT_SUPPORTED"), ({"language": "../en"}, 400, "LANGUAGE_NOT_SUPPORTED"),
    ({"language": b"\xff"}, 400, "INVALID_INPUT"), ({"model": "nothing"}, 404, "INVALID_MODEL"),
    ({"model": "../../x"}, 404, "INVALID_MODEL"), ({"response_format": "pdf"}, 400, "INVALID_INPUT"),
    ({"response_format": "../srt"}, 400, "INVALID_INPUT"), ({"temperature": "5"}, 400, "INVALID_INPUT"),
    ({"temperature": "NaN"}, 400, "INVALID_INPUT"), ({"task": "sing"}, 400, "INVALID_INPUT"),
    ({"timestamp_granularities[]": "letter"}, 400, "INVALID_INPUT"),
    ({"word_timestamps": "perhaps"}, 400, "INVALID_INPUT"),
    ({"prompt": "x" * 5000}, 400, "INVALID_INPUT"), ({"prompt": b"\xff"}, 400, "INVALID_INPUT"),
    ({"vad_threshold": "7"}, 400, "INVALID_INPUT"), ({"min_speech_ms": "-1"}, 400, "INVALID_INPUT")], ids=str)
def test_wrong_options_of_a_transcription(server, fields, status, code):
    refused(server.transcribe(SHORT_SILENCE, **fields), status, code)
    if status == 400 and code == "INVALID_INPUT" and not {"vad_threshold", "min_speech_ms", "task"} & set(fields):
        refused(send(server, "stt", "/v1/audio/transcriptions", SHORT_SILENCE, **fields), 400, "invalid_value")


@pytest.mark.parametrize("fields, status, code", [
    ({"user_id": "../../x"}, 400, "INVALID_INPUT"), ({"user_id": b"\xff\xfe"}, 400, "INVALID_INPUT"),
    ({"user_id": ""}, 400, "INVALID_INPUT"), ({"metadata": "{"}, 400, "INVALID_INPUT"),
    ({"metadata": "[1]"}, 400, "INVALID_INPUT"),
    ({"speed": "NaN"}, 400, "INVALID_INPUT"), ({"speed": "-1"}, 400, "INVALID_INPUT"),
    ({"voice": "nobody"}, 404, "VOICE_NOT_FOUND"),
    ({"voice": "../x"}, 404, "VOICE_NOT_FOUND")], ids=str)
def test_wrong_options_of_a_spoken_question(server, jfk, fields, status, code):
    refused(send(server, "core", "/api/audio", jfk.path.read_bytes(), **fields), status, code)


def test_a_file_name_is_no_path(server, jfk):
    for name in ("../../../../etc/evil.wav", "x" * 3000 + ".wav", "\U0001F600.wav", "song.exe"):
        assert "country" in server.transcribe(jfk.path.read_bytes(), name).json()["text"]
    refused(server.transcribe(jfk.path.read_bytes(), "a\0b.wav"), 400, "INVALID_INPUT")


def noises():
    rng, second = numpy.random.default_rng(7), 16000
    time = numpy.arange(5 * second) / second

    def coloured(power, seconds):
        spectrum = numpy.fft.rfft(rng.normal(0, 1, seconds * second))
        spectrum[1:] /= numpy.arange(1, len(spectrum)) ** power
        spectrum[0] = 0
        made = numpy.fft.irfft(spectrum)
        return made / abs(made).max()

    return {
        "silence": numpy.zeros(5 * second), "long silence": numpy.zeros(30 * second), "one sample": numpy.zeros(1),
        "constant": numpy.full(5 * second, 0.5), "hiss": rng.normal(0, 0.001, 5 * second),
        "white": rng.normal(0, 0.1, 5 * second),
        "loud": numpy.sign(rng.normal(0, 1, 5 * second)), "pink": 0.5 * coloured(0.5, 10), "brown": coloured(1, 10),
        "hum": 0.3 * numpy.sin(2 * numpy.pi * 50 * time), "tone": 0.4 * numpy.sin(2 * numpy.pi * 440 * time),
        "beeps": 0.4 * numpy.sin(2 * numpy.pi * 1000 * time) * (numpy.sin(2 * numpy.pi * time) > 0),
        "clicks": numpy.sign(rng.normal(0, 1, 5 * second)) * (rng.random(5 * second) < 0.001)}


@pytest.mark.parametrize("name", noises())
def test_no_words_are_invented_where_nobody_speaks(server, name):
    audio = wav_of(noises()[name])
    answer = server.transcribe(audio)
    assert answer.status_code == 200 and answer.json()["text"] == "" and answer.json()["segments"] == []
    turn = send(server, "core", "/api/audio", audio, user_id="nobody").json()
    assert turn["transcription"] == "" and turn["text"] == "" and turn["metadata"]["heard_nothing"]
    assert server.get("core", "/api/conversations/nobody").json()["messages"] == []


@pytest.mark.parametrize("form, expected",
                         [("text", ""), ("srt", ""), ("vtt", "WEBVTT"), ("json", "text"), ("verbose_json", "text")])
def test_silence_is_empty_in_every_form(server, form, expected):
    answer = send(server, "stt", "/v1/audio/transcriptions", wav_of(numpy.zeros(48000)), response_format=form)
    assert answer.status_code == 200
    if "json" in form:
        assert answer.json()["text"] == "" and not answer.json().get("segments")
    else:
        assert answer.text.strip() == expected


@pytest.mark.parametrize("name", ["silence", "long silence", "constant"])
def test_silence_has_no_words_without_voice_detection_either(server, name):
    heard = server.transcribe(wav_of(noises()[name]), use_vad="false").json()["text"]
    assert not set(INVENTIONS) & set(heard.lower().replace(".", " ").split()), heard
