"""Where somebody speaks, and whether they have finished."""

import numpy

from conftest import samples_of, wav_of


def test_speech_is_found_where_it_is(server, jfk):
    samples, rate = samples_of(jfk.path.read_bytes())
    padded = numpy.concatenate([numpy.zeros(3 * rate), samples, numpy.zeros(3 * rate)])
    answer = server.post("vad", "/detect", files={"audio": ("a.wav", wav_of(padded, rate))}).json()
    assert answer["speech"] and 2.8 < answer["segments"][0]["start"] < 3.6
    assert 13 < answer["segments"][-1]["end"] < 14.8
    assert all(0.5 < segment["confidence"] <= 1 for segment in answer["segments"])


def test_no_speech_in_silence_or_noise(server):
    for samples in (numpy.zeros(48000), numpy.random.default_rng(3).normal(0, 0.05, 48000)):
        answer = server.post("vad", "/detect", files={"audio": ("a.wav", wav_of(samples))}).json()
        assert not answer["speech"] and answer["segments"] == []


def test_a_finished_sentence_is_told_from_an_unfinished_one(server):
    def complete(text):
        audio = server.synthesize(text=text, voice="joe").content
        return server.post("vad", "/turn", files={"audio": ("a.wav", audio)}).json()["probability"]

    assert complete("What is the weather like today?") > complete("I would like to order a large pizza with, um,")
