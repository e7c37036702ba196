"""Speech to text: real recordings, each format, rate and channel count."""

import numpy
import pytest

from conftest import events_of, samples_of, wav_of, word_error_rate


def test_the_recordings_are_understood(server, clips):
    rates = []
    for clip in clips:
        answer = server.transcribe(clip.path.read_bytes(), clip.path.name).json()
        rates.append(word_error_rate(clip.text, answer["text"]))
        assert answer["language"] == "en" and answer["confidence"] > 0.5
    assert max(rates) <= 0.25 and sum(rates) / len(rates) <= 0.12, rates


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
    {"rate": 8000}, {"rate": 22050}, {"rate": 44100}, {"rate": 48000, "channels": 2}, {"channels": 6}, {"bits": 8}, {"bits": 24},
    {"bits": 32}, {"bits": 32, "floating": True}], ids=str)
def test_any_wav_is_taken(server, jfk, shape):
    samples, rate = samples_of(jfk.path.read_bytes())
    wanted = shape.get("rate", 16000)
    at = numpy.arange(int(len(samples) * wanted / rate)) * rate / wanted
    audio = wav_of(numpy.interp(at, numpy.arange(len(samples)), samples), **{"rate": wanted, **shape})
    assert word_error_rate(jfk.text, server.transcribe(audio).json()["text"]) <= 0.15


@pytest.mark.parametrize("form", ["mp3", "opus", "aac", "flac", "wav"])
def test_any_coded_form_is_taken(server, form):
    text = "The quick brown fox jumps over the lazy dog."
    audio = server.synthesize(text=text, format=form).content
    assert word_error_rate(text, server.transcribe(audio, "audio." + form).json()["text"]) <= 0.25


def test_text_srt_and_vtt(server, jfk):
    def answer(form):
        got = server.post("stt", "/v1/audio/transcriptions", files={"file": ("a.wav", jfk.path.read_bytes())},
                          data={"model": "whisper-1", "response_format": form})
        assert got.status_code == 200, got.text
        return got.text

    assert word_error_rate(jfk.text, answer("text")) <= 0.1
    srt = answer("srt").splitlines()
    assert srt[0] == "1" and " --> " in srt[1] and "," in srt[1]
    vtt = answer("vtt").splitlines()
    assert vtt[0] == "WEBVTT" and " --> " in vtt[2] and "." in vtt[2]


def test_the_language_is_detected(server, jfk):
    guess = server.post("stt", "/detect-language", files={"file": ("a.wav", jfk.path.read_bytes())}).json()
    assert guess["language"] == "en" and guess["confidence"] > 0.8


def test_a_prompt_favours_spellings(server):
    audio = server.synthesize(text="My friend is called Shawn.").content
    assert "Sean" in server.transcribe(audio, prompt="Sean, my friend Sean").json()["text"]


def test_progress_comes_as_events(server, jfk):
    samples, rate = samples_of(jfk.path.read_bytes())
    long = wav_of(numpy.tile(samples, 6), rate)
    answer = server.post("stt", "/transcribe", files={"audio": ("a.wav", long)}, data={"response_format": "text"},
                         headers={"Accept": "text/event-stream"}, stream=True)
    events = list(events_of(answer))
    fractions = [data["fraction"] for name, data in events if name == "progress"]
    assert fractions == sorted(fractions) and len(fractions) >= 2 and fractions[-1] == 1
    assert events[-1][0] == "done" and word_error_rate(" ".join([jfk.text] * 6), events[-1][1]["output"]) <= 0.15


def test_silence_and_noise_make_no_words(server):
    rng = numpy.random.default_rng(7)
    time = numpy.arange(5 * 16000) / 16000
    for samples in (numpy.zeros(80000), rng.normal(0, 0.001, 80000), rng.normal(0, 0.1, 80000), 0.3 * numpy.sin(2 * numpy.pi * 50 * time),
                    numpy.sign(rng.normal(0, 1, 80000)) * (rng.random(80000) < 0.001), numpy.zeros(30 * 16000)):
        answer = server.transcribe(wav_of(samples))
        assert answer.status_code == 200 and answer.json()["text"] == "" and answer.json()["segments"] == []


def test_speech_after_long_silence_is_found_at_its_place(server, jfk):
    samples, rate = samples_of(jfk.path.read_bytes())
    answer = server.transcribe(wav_of(numpy.concatenate([numpy.zeros(40 * rate), samples]), rate)).json()
    assert word_error_rate(jfk.text, answer["text"]) <= 0.1
    assert 39.5 < answer["segments"][0]["start"] < 41.5
