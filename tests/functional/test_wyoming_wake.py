"""Wake words over Wyoming, with the models of openWakeWord."""

import numpy
import pytest

from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.tts import Synthesize
from wyoming.wake import Detect, Detection

from conftest import pcm_of, samples_of
from wyoming_talk import describe, only, pcm_events, read_until, send, speech_of, talk, wav_events

NAMES = ["alexa", "hey_jarvis", "hey_mycroft", "hey_rhasspy"]


@pytest.fixture(scope="session")
def spoken(server):
    """PCM of a text with the quiet of a room around it."""
    def speak(text):
        samples, rate = samples_of(server.speech(text, sample_rate=16000))
        assert rate == 16000
        quiet = numpy.random.default_rng(1).normal(0, 0.0005, 2 * rate)
        return pcm_of(numpy.concatenate([quiet[:rate], samples, quiet]))
    return speak


def detect(server, request, events):
    async def exchange(client):
        await send(client, request, *events, Synthesize(""))
        return await read_until(client, "audio-stop")
    return [event for event in talk(server, exchange) if not event.type.startswith("audio-")]


def test_info_lists_the_phrases(server):
    models = describe(server).wake[0].models
    assert [model.name for model in models] == NAMES
    assert models[1].phrase == "hey jarvis" and models[1].languages == ["en"]


@pytest.mark.parametrize("name, text", [("hey_jarvis", "Hey Jarvis!"), ("alexa", "Alexa!")])
def test_a_wake_word_is_told_once_with_its_time(server, spoken, name, text):
    pcm = spoken(text)
    found = [Detection.from_event(event) for event in detect(server, Detect(), pcm_events(pcm))]
    assert [detection.name for detection in found] == [name]
    assert 1000 < found[0].timestamp < len(pcm) / 32


def test_other_speech_wakes_nobody(server, clips):
    for clip in clips:
        events = detect(server, Detect(), wav_events(clip.path))
        assert [event.type for event in events] == ["not-detected"], clip.path


def test_only_the_words_that_were_named_are_waited_for(server, spoken):
    events = pcm_events(spoken("Hey Jarvis!"))
    assert [event.type for event in detect(server, Detect(["alexa"]), events)] == ["not-detected"]
    assert [event.type for event in detect(server, Detect(["alexa", "hey_jarvis"]), events)] == ["detection"]


def test_detections_go_on_until_the_audio_stops(server, spoken):
    pcm = spoken("Hey Jarvis!") + spoken("Alexa!") + spoken("Hey Jarvis!")
    found = detect(server, Detect(), pcm_events(pcm, start=False))
    assert [event.data["name"] for event in found] == ["hey_jarvis", "alexa", "hey_jarvis"]


@pytest.mark.parametrize("names", [["hey_nobody"], "alexa", [5]])
def test_words_that_are_not_there_are_refused(server, names):
    request = Detect().event()
    request.data["names"] = names
    assert only(detect(server, request, []), "error").data["text"]


def test_a_satellite_is_woken_asks_and_is_answered(server, spoken):
    """wyoming-satellite without a wake word of its own: the pipeline begins here, and begins again when it has ended."""
    async def exchange(client):
        await send(client, RunPipeline(PipelineStage.WAKE, PipelineStage.TTS, restart_on_end=True))
        await send(client, *pcm_events(spoken("Hey Jarvis!") + spoken("What is the capital of France?"), start=False,
                                       stop=False))
        return await read_until(client, "audio-stop", "error")
    events = talk(server, exchange)
    order = [kind for kind in dict.fromkeys(event.type for event in events) if not kind.startswith("transcript-")]
    assert order[:5] == ["detect", "detection", "voice-started", "voice-stopped", "transcript"], order
    assert "france" in only(events, "transcript").data["text"].lower()
    assert "Paris" in only(events, "synthesize").data["text"]
    assert len(speech_of(events)[0]) > 0


def test_without_the_models_there_are_no_wake_words(own_server):
    own_server.start(MORGAN_WYOMING_WAKE_WORDS="false")
    assert describe(own_server).wake == []
    events = detect(own_server, Detect(), pcm_events(bytes(32000)))
    assert [event.type for event in events] == ["error"] and "morgan models pull" in events[0].data["text"]
