"""Speech to text: real recordings, each format, rate and channel count, and the forms of the answer."""

import base64
import concurrent.futures
import re

import numpy
import pytest
import requests

from conftest import events_of, pcm_of, resampled, samples_of, wav_of, word_error_rate
from containers import m4a_of, webm_of

PANGRAM = "The quick brown fox jumps over the lazy dog."
CUE = re.compile(r"(\d\d):(\d\d):(\d\d)[,.](\d\d\d) --> (\d\d):(\d\d):(\d\d)[,.](\d\d\d)")


def openai(server, audio, service="stt", path="/v1/audio/transcriptions", **fields):
    answer = server.post(service, path, files={"file": ("a.wav", audio)}, data={"model": "whisper-1", **fields})
    assert answer.status_code == 200, answer.text
    return answer


def cues_of(subtitles):
    """Start and end of each cue, in seconds."""
    numbers = [[int(number) for number in found] for found in CUE.findall(subtitles)]
    return [tuple(h * 3600 + m * 60 + s + ms / 1000 for h, m, s, ms in (cue[:4], cue[4:])) for cue in numbers]


@pytest.mark.parametrize("index", range(6))
def test_the_recordings_are_understood(server, clips, index):
    clip = clips[index]
    answer = server.transcribe(clip.path.read_bytes(), clip.path.name).json()
    assert word_error_rate(clip.text, answer["text"]) <= 0.25, answer["text"]
    assert answer["language"] == "en" and 0.5 < answer["confidence"] <= 1
    samples, rate = samples_of(clip.path.read_bytes())
    assert abs(answer["duration"] - len(samples) / rate) < 0.01
    assert answer["timings_ms"]["total"] >= answer["timings_ms"]["engine"] > 0
    assert "".join(segment["text"] for segment in answer["segments"]).replace(" ", "") == answer["text"].replace(" ",
                                                                                                                 "")


def test_all_recordings_together_are_understood_well(server, clips):
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        heard = list(pool.map(lambda clip: server.transcribe(clip.path.read_bytes()).json()["text"], clips))
    rates = [word_error_rate(clip.text, text) for clip, text in zip(clips, heard)]
    assert sum(rates) / len(rates) <= 0.12, rates


def test_segments_and_words_follow_the_audio(server, jfk):
    answer = server.transcribe(jfk.path.read_bytes(), word_timestamps="true", response_format="verbose_json").json()
    words, segments = answer["words"], answer["segments"]
    assert [word["word"].strip(".,").lower() for word in words][:5] == ["and", "so", "my", "fellow", "americans"]
    assert all(0 <= word["start"] <= word["end"] <= 11.1 for word in words)
    assert all(one["start"] <= other["start"] for one, other in zip(words, words[1:]))
    assert segments[0]["start"] < 1 and segments[-1]["end"] > 9
    ask = [word["start"] for word in words if word["word"].strip(".,").lower() == "ask"]
    assert len(ask) == 2 and abs(ask[1] - 8.2) < 0.7  # heard in the recording


@pytest.mark.parametrize("shape", [
    {"rate": 8000}, {"rate": 22050}, {"rate": 44100}, {"rate": 48000, "channels": 2}, {"channels": 6}, {"bits": 8},
    {"bits": 24}, {"bits": 32}, {"bits": 32, "floating": True}], ids=str)
def test_any_wav_is_taken(server, jfk, shape):
    samples, rate = samples_of(jfk.path.read_bytes())
    wanted = shape.get("rate", 16000)
    audio = wav_of(resampled(samples, rate, wanted), **{"rate": wanted, **shape})
    answer = server.transcribe(audio).json()
    assert abs(answer["duration"] - 11) < 0.1 and word_error_rate(jfk.text, answer["text"]) <= 0.15


@pytest.mark.parametrize("channels, speaking", [(2, 0), (2, 1), (6, 2)])
def test_speech_on_one_channel_only_is_heard(server, jfk, channels, speaking):
    samples, rate = samples_of(jfk.path.read_bytes())
    spread = numpy.zeros((len(samples), channels))
    spread[:, speaking] = samples
    assert word_error_rate(jfk.text, server.transcribe(wav_of(spread, rate)).json()["text"]) <= 0.15


@pytest.mark.parametrize("form", ["mp3", "opus", "aac", "flac", "wav", "m4a", "webm"])
def test_any_coded_form_is_taken(server, form):
    coded = {"m4a": "aac", "webm": "opus"}.get(form, form)
    audio = server.speech(PANGRAM, format=coded)
    audio = {"m4a": m4a_of, "webm": webm_of}.get(form, bytes)(audio)
    assert word_error_rate(PANGRAM, server.transcribe(audio, "audio." + form).json()["text"]) <= 0.25
    misnamed = server.transcribe(audio, "audio.wav").json()["text"]  # what counts is what is inside
    assert word_error_rate(PANGRAM, misnamed) <= 0.25


def test_audio_may_come_as_json_as_the_body_or_bare(server, jfk):
    samples, _ = samples_of(jfk.path.read_bytes())
    samples = samples[:50_000]
    audio, said = wav_of(samples), "And so, my fellow Americans"
    bare = pcm_of(samples)

    def body(data, kind, query=""):
        return requests.post(server.url("stt", "/transcribe" + query), data=data, headers={"Content-Type": kind},
                             timeout=60)

    for answer in (server.post("stt", "/transcribe", {"audio_data": base64.b64encode(audio).decode()}),
                   server.post("stt", "/transcribe",
                               {"audio_data": base64.b64encode(bare).decode(), "sample_rate": 16000}),
                   body(audio, "audio/wav"), body(audio, "application/octet-stream"),
                   body(bare, "audio/pcm", "?sample_rate=16000"),
                   server.post("stt", "/transcribe/file", files={"file": ("a.wav", audio)})):
        assert answer.status_code == 200 and word_error_rate(said, answer.json()["text"]) <= 0.2


def test_text_srt_and_vtt(server, jfk):
    audio = jfk.path.read_bytes()
    text = openai(server, audio, response_format="text")
    assert text.headers["Content-Type"].startswith("text/plain") and word_error_rate(jfk.text, text.text) <= 0.1
    srt = openai(server, audio, response_format="srt").text
    assert srt.startswith("1\n") and srt.count(",") >= 2 * len(cues_of(srt)) > 0
    vtt = openai(server, audio, response_format="vtt")
    assert vtt.headers["Content-Type"].startswith("text/vtt") and vtt.text.startswith("WEBVTT\n\n")
    for cues in (cues_of(srt), cues_of(vtt.text)):
        assert cues[0][0] < 1 and 9 < cues[-1][1] <= 11.1
        assert all(start < end for start, end in cues)
        assert all(before[1] <= after[0] for before, after in zip(cues, cues[1:]))
    spoken = " ".join(line for line in vtt.text.splitlines()[1:] if line and "-->" not in line)
    assert word_error_rate(jfk.text, spoken) <= 0.1


def test_openais_json_forms(server, jfk):
    audio = jfk.path.read_bytes()
    brief = openai(server, audio, service="core").json()
    assert word_error_rate(jfk.text, brief["text"]) <= 0.1 and brief["usage"] == {"type": "duration", "seconds": 11}
    verbose = openai(server, audio, response_format="verbose_json").json()
    assert verbose["task"] == "transcribe" and verbose["language"] == "english" and verbose["duration"] == 11
    assert verbose["text"] == brief["text"] and "words" not in verbose
    segment = verbose["segments"][0]
    assert {"id", "start", "end", "text", "tokens", "avg_logprob", "compression_ratio",
            "no_speech_prob"} <= set(segment)
    words = openai(server, audio, response_format="verbose_json", **{"timestamp_granularities[]": "word"}).json()
    assert len(words["words"]) == len(brief["text"].split()) and "segments" not in words


def test_translation_of_english_is_english(server, jfk):
    answer = openai(server, jfk.path.read_bytes(), path="/v1/audio/translations", response_format="verbose_json").json()
    assert answer["task"] == "translate" and word_error_rate(jfk.text, answer["text"]) <= 0.2


def test_the_language_is_detected(server, jfk):
    guess = server.post("stt", "/detect-language", files={"file": ("a.wav", jfk.path.read_bytes())}).json()
    assert guess["language"] == "en" and guess["confidence"] > 0.8
    assert len(guess["alternatives"]) == 4 and "en" not in {other["language"] for other in guess["alternatives"]}


@pytest.mark.parametrize("language", ["en", "EN", "English", "en-US", "auto", ""])
def test_the_language_may_be_named(server, jfk, language):
    answer = server.transcribe(jfk.path.read_bytes(), language=language).json()
    assert answer["language"] == "en" and word_error_rate(jfk.text, answer["text"]) <= 0.1


def test_a_prompt_favours_spellings(server):
    audio = server.speech("My friend is called Shawn.")
    assert "Sean" in server.transcribe(audio, prompt="Sean, my friend Sean").json()["text"]


def test_progress_comes_as_events(server, jfk):
    samples, rate = samples_of(jfk.path.read_bytes())
    long = wav_of(numpy.tile(samples, 3), rate)
    answer = server.post("stt", "/transcribe", files={"audio": ("a.wav", long)}, data={"response_format": "text"},
                         headers={"Accept": "text/event-stream"}, stream=True)
    events = list(events_of(answer))
    fractions = [data["fraction"] for name, data in events if name == "progress"]
    assert fractions == sorted(fractions) and len(set(fractions)) >= 2 and fractions[-1] == 1
    assert events[-1][0] == "done" and word_error_rate(" ".join([jfk.text] * 3), events[-1][1]["output"]) <= 0.15


def test_speech_after_long_silence_is_found_at_its_place(server, jfk):
    samples, rate = samples_of(jfk.path.read_bytes())
    answer = server.transcribe(wav_of(numpy.concatenate([numpy.zeros(40 * rate), samples]), rate)).json()
    assert word_error_rate(jfk.text, answer["text"]) <= 0.1
    assert 39.5 < answer["segments"][0]["start"] < 41.5


def test_quiet_and_noisy_speech_is_understood(server, jfk):
    samples, rate = samples_of(jfk.path.read_bytes())
    hiss = numpy.random.default_rng(5).normal(0, 0.01, len(samples))
    for audio in (0.02 * samples, samples + hiss, numpy.clip(4 * samples, -1, 1)):
        assert word_error_rate(jfk.text, server.transcribe(wav_of(audio, rate)).json()["text"]) <= 0.2
