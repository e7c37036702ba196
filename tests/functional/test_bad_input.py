"""Each bad input gets a clear error with a code and a message, and the server goes on."""

import json
import struct

import numpy
import pytest
import requests

from conftest import SERVICES, wav_of


@pytest.fixture(autouse=True)
def stays_healthy(server):
    yield
    for service in SERVICES:
        assert server.get(service, "/health").json()["status"] == "healthy"


def refused(answer, status, code=None):
    assert answer.status_code == status, answer.text[:300]
    body = answer.json()
    assert body["error"] and body["message"] and body["request_id"]
    if code:
        assert body["error"] == code
    return body


def raw(server, service, path, body, content_type="application/json"):
    return requests.post(server.url(service, path), data=body, headers={"Content-Type": content_type}, timeout=60)


def lying_wav(said_size):
    audio = bytearray(wav_of(numpy.zeros(1600)))
    struct.pack_into("<I", audio, 40, said_size)
    return bytes(audio)


@pytest.mark.parametrize("audio", [b"", b"this is text, not sound " * 50, wav_of(numpy.zeros(1600))[:44], wav_of(numpy.zeros(0)),
                                   b"RIFF\x10\x00\x00\x00WAVE", b"OggS" + bytes(1000), b"ID3" + bytes(500), bytes(1000)],
                         ids=["empty", "text", "header only", "no samples", "cut header", "ogg", "mp3", "zeros"])
@pytest.mark.parametrize("service, path, field", [("stt", "/transcribe", "audio"), ("core", "/api/audio", "file"), ("vad", "/detect", "audio")])
def test_what_is_not_audio(server, service, path, field, audio):
    refused(server.post(service, path, files={field: ("a.wav", audio)}), 400, "INVALID_AUDIO")


@pytest.mark.parametrize("size", [0, 2**31 - 1, 2**32 - 1])
def test_a_wav_that_lies_about_its_size_is_read_as_far_as_it_goes(server, size):
    answer = server.transcribe(lying_wav(size))
    assert answer.status_code in (200, 400)
    if answer.status_code == 200:
        assert answer.json()["duration"] <= 0.2 and answer.json()["text"] == ""


def test_a_truncated_wav_is_read_as_far_as_it_goes(server, jfk):
    answer = server.transcribe(jfk.path.read_bytes()[:100_000]).json()
    assert 2.9 < answer["duration"] < 3.3 and "fellow" in answer["text"]


def test_files_that_are_too_large_or_too_long(server):
    refused(server.transcribe(bytes(100_000_000)), 413, "PAYLOAD_TOO_LARGE")
    three_hours = wav_of(numpy.zeros(4000 * (3 * 3600 + 60)), 4000, bits=8)
    refused(server.transcribe(three_hours), 413, "PAYLOAD_TOO_LARGE")


def test_no_body_and_no_file(server):
    refused(server.post("stt", "/transcribe"), 400)
    refused(server.post("stt", "/transcribe", files={"other": ("a.wav", wav_of(numpy.zeros(1600)))}), 400)
    refused(raw(server, "stt", "/transcribe", b"--x\r\nbroken", "multipart/form-data; boundary=x"), 400)
    refused(raw(server, "stt", "/transcribe", b"abc", "multipart/form-data"), 400)
    refused(raw(server, "core", "/api/text", b""), 400)


@pytest.mark.parametrize("body", [b"{", b"[1]", b"null", b"\"text\"", b"{\"text\": NaN}", b"{\"text\":\"\xff\"}", b"{} {}", b"[" * 5000],
                         ids=["cut", "list", "null", "string", "nan", "utf-8", "two", "deep"])
@pytest.mark.parametrize("service, path", [("core", "/api/text"), ("tts", "/synthesize")])
def test_what_is_not_a_json_object(server, service, path, body):
    refused(raw(server, service, path, body), 400, "INVALID_INPUT")


@pytest.mark.parametrize("fields, code", [
    ({"text": ""}, "INVALID_INPUT"), ({"text": "  \n"}, "INVALID_INPUT"), ({"text": "word " * 20000}, "INVALID_INPUT"),
    ({"text": 5}, "INVALID_INPUT"), ({"text": None}, "INVALID_INPUT"), ({}, "INVALID_INPUT"), ({"text": "\U0001F600"}, "INVALID_INPUT"),
    ({"text": "a", "speed": 0}, "INVALID_INPUT"), ({"text": "a", "speed": -1}, "INVALID_INPUT"), ({"text": "a", "speed": 100}, "INVALID_INPUT"),
    ({"text": "a", "speed": "fast"}, "INVALID_INPUT"), ({"text": "a", "format": "xyz"}, "INVALID_AUDIO_FORMAT"),
    ({"text": "a", "language": "xx"}, "LANGUAGE_NOT_SUPPORTED")], ids=lambda value: str(value)[:40])
def test_what_cannot_be_spoken(server, fields, code):
    refused(server.synthesize(**fields), 400, code)


@pytest.mark.parametrize("voice", ["nobody", "../../../etc/passwd", "joe\0", ""])
def test_unknown_voices(server, voice):
    answer = server.synthesize(text="Hello", voice=voice)
    if voice == "":  # as when absent
        assert answer.status_code == 200
    else:
        body = refused(answer, 404, "VOICE_NOT_FOUND")
        assert "joe" in body["message"]


@pytest.mark.parametrize("text", ["Hello \U0001F600 world", "one\x00two\x07three", "Hello \u4f60\u597d \u041f\u0440\u0438\u0432\u0435\u0442",
                                  "a" * 3000, "<speak>&amp; <b>bold</b></speak>", "..." * 100 + "hello", "http://x.y/?a=b&c=%20"],
                         ids=["emoji", "control", "scripts", "one word", "markup", "dots", "address"])
def test_odd_texts_are_spoken_as_far_as_they_can_be(server, text):
    answer = server.synthesize(text=text)
    assert answer.status_code == 200 and len(answer.content) > 1000


@pytest.mark.parametrize("fields, status, code", [
    ({"language": "xx"}, 400, "LANGUAGE_NOT_SUPPORTED"), ({"model": "nothing"}, 404, "INVALID_MODEL"),
    ({"response_format": "pdf"}, 400, "INVALID_INPUT"), ({"temperature": "5"}, 400, "INVALID_INPUT"),
    ({"task": "sing"}, 400, "INVALID_INPUT"), ({"timestamp_granularities[]": "letter"}, 400, "INVALID_INPUT")], ids=str)
def test_wrong_options_of_a_transcription(server, fields, status, code):
    refused(server.transcribe(wav_of(numpy.zeros(1600)), **fields), status, code)


@pytest.mark.parametrize("user", ["../../x", "a/b", "x" * 200, "a\nb", 7])
def test_wrong_user_ids(server, user):
    refused(server.post("core", "/api/text", {"text": "Hi", "user_id": user}), 400, "INVALID_INPUT")


def test_a_file_name_is_no_path(server, jfk):
    assert "country" in server.transcribe(jfk.path.read_bytes(), "../../../../tmp/evil.wav").json()["text"]


def test_unknown_fields_are_ignored(server):
    assert server.synthesize(text="Hello", colour="green", nested={"a": [1]}).status_code == 200
    assert server.post("core", "/api/text", {"text": "Hi", "mood": "good", "user_id": "ignorer"}).status_code == 200


@pytest.mark.parametrize("body", [
    {}, {"messages": []}, {"messages": "hi"}, {"messages": [{"role": "wizard", "content": "a"}]}, {"messages": [{"role": "user"}]}, {"messages": [5]},
    {"messages": [{"role": "user", "content": "a"}], "temperature": "hot"}, {"messages": [{"role": "user", "content": "a"}], "max_tokens": -5},
    {"messages": [{"role": "user", "content": "word " * 20000}]}, {"messages": [{"role": "user", "content": "a"}], "model": "nothing"}],
    ids=lambda value: json.dumps(value)[:50])
def test_wrong_chat_requests_in_openais_form(server, body):
    answer = server.post("llm", "/v1/chat/completions", body)
    assert answer.status_code in (400, 404), answer.text[:300]
    error = answer.json()["error"]
    assert error["message"] and error["type"] == "invalid_request_error" and "exception" not in error["message"]


@pytest.mark.parametrize("body", [{}, {"input": []}, {"input": ""}, {"input": 5}, {"input": ["a", 5]}, {"input": "a", "model": "nothing"}], ids=str)
def test_wrong_embedding_requests(server, body):
    answer = server.post("llm", "/v1/embeddings", body)
    assert answer.status_code in (400, 404) and answer.json()["error"]["message"]
