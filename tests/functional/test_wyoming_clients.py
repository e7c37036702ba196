"""What the programs that speak Wyoming do, replayed: a satellite, and Home Assistant."""

import asyncio

import numpy
import pytest

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.event import Event
from wyoming.info import Describe
from wyoming.ping import Ping
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice

from conftest import pcm_of, samples_of, wav_of, word_error_rate
from wyoming_talk import LIMIT, only, pcm_events, read_until, send, speech_of, talk, wav_events


@pytest.fixture(scope="session")
def question(server):
    """A spoken question with the quiet of a room around it, as a microphone that never stops hears it."""
    samples, rate = samples_of(server.speech("What is the capital of France?", sample_rate=16000))
    assert rate == 16000
    quiet = numpy.random.default_rng(1).normal(0, 0.0005, 2 * rate)
    return pcm_of(numpy.concatenate([quiet[:rate], samples, quiet]))


def run_pipeline(end, **more):
    return RunPipeline(PipelineStage.ASR, end, **more)


def test_a_satellite_asks_and_is_answered_aloud(server, question):
    """wyoming-satellite with its own wake word: it runs a pipeline, streams its microphone and plays what comes."""
    async def exchange(client):
        await send(client, Describe())
        assert (await client.read_event()).type == "info"
        await send(client, run_pipeline(PipelineStage.TTS), Event("streaming-started"),
                   *pcm_events(question, start=False, stop=False))
        events = await read_until(client, "audio-stop", "error")
        # The satellite goes on sending for a moment, then says that it has played the answer.
        await send(client, *pcm_events(question[:20000], start=False, stop=False), Event("streaming-stopped"),
                   Event("played"), Ping("alive"))
        assert [event.type for event in await read_until(client, "pong")] == ["pong"]
        return events
    events = talk(server, exchange)
    order = [kind for kind in dict.fromkeys(event.type for event in events) if not kind.startswith("transcript-")]
    assert order[:3] == ["voice-started", "voice-stopped", "transcript"], order
    assert word_error_rate("What is the capital of France?", only(events, "transcript").data["text"]) <= 0.2
    assert "Paris" in only(events, "synthesize").data["text"]
    assert only(events, "handled").data["text"] == only(events, "synthesize").data["text"]
    samples, rate = speech_of(events)
    assert "paris" in server.transcribe(wav_of(samples, rate)).json()["text"].lower()


def test_a_satellite_that_restarts_asks_twice_in_one_conversation(server, question):
    async def exchange(client):
        await send(client, run_pipeline(PipelineStage.HANDLE, restart_on_end=True))
        contexts = []
        for _ in range(2):
            await send(client, *pcm_events(question, start=False, stop=False))
            contexts.append((await read_until(client, "handled", "error"))[-1].data["context"])
        return contexts
    first, second = talk(server, exchange)
    assert first["conversation_id"] == second["conversation_id"]


def test_a_satellite_that_finds_the_end_itself_needs_no_silence(server, question):
    async def exchange(client):
        await send(client, run_pipeline(PipelineStage.ASR), *pcm_events(question[:-60000], stop=True))
        return await read_until(client, "transcript-stop", "error")
    text = only(talk(server, exchange), "transcript").data["text"]
    assert word_error_rate("What is the capital of France?", text) <= 0.2


def test_a_satellite_that_nobody_speaks_to_is_told_so(server):
    async def exchange(client):
        await send(client, run_pipeline(PipelineStage.TTS), *pcm_events(bytes(32000 * 16), start=False, stop=False))
        return await read_until(client, "error")
    assert talk(server, exchange)[-1].data["code"] == "stt-no-text-recognized"


def test_an_announcement_is_spoken(server):
    async def exchange(client):
        await send(client, RunPipeline(PipelineStage.TTS, PipelineStage.TTS, announce_text="Dinner is ready."))
        return await read_until(client, "audio-stop", "error")
    assert len(speech_of(talk(server, exchange))[0]) > 0


@pytest.mark.parametrize("start, end", [("wake", "wake"), ("intent", "handle"), ("tts", "asr"), ("asr", "snd"),
                                        ("asr", None), (None, "tts")])
def test_a_pipeline_that_cannot_be_is_refused(server, start, end):
    async def exchange(client):
        data = {key: stage for key, stage in (("start_stage", start), ("end_stage", end)) if stage}
        await send(client, Event("run-pipeline", data), Synthesize("Yes."))
        return await read_until(client, "audio-stop")
    events = talk(server, exchange)
    assert events[0].type == "error" and events[0].data["text"]
    speech_of(events[1:])


async def home_assistant(server, *events, until):
    """One request of Home Assistant: a connection of its own, closed as soon as the answer is there."""
    client = AsyncTcpClient("127.0.0.1", server.wyoming_port, read_timeout=LIMIT)
    await client.connect()
    await send(client, *events)
    answer = await read_until(client, until, "error")
    await client.disconnect()
    return answer


def test_home_assistant_hears_thinks_and_speaks(server, jfk, question):
    """Its voice assistant: three requests; the answer goes to speech piece by piece, as a language model writes it."""
    async def assistant():
        heard = await home_assistant(server, Transcribe(language="en"), *pcm_events(question), until="transcript")
        text = heard[-1].data["text"]
        context = {"conversation_id": "01JABCDEF", "satellite_id": "assist_satellite.kitchen"}
        answer = await home_assistant(server, Transcript(text, context=context, language="en"), until="handled")
        words = answer[-1].data["text"]
        pieces = [event.data["text"] for event in answer if event.type == "handled-chunk"]
        voice = SynthesizeVoice(name="af_heart")
        spoken = await home_assistant(server, SynthesizeStart(voice=voice), *map(SynthesizeChunk, pieces),
                                      Synthesize(words, voice), SynthesizeStop(), until="synthesize-stopped")
        return text, words, spoken
    text, words, spoken = asyncio.run(assistant())
    assert word_error_rate("What is the capital of France?", text) <= 0.2
    assert "Paris" in words
    samples, rate = speech_of(spoken[:-1])
    assert word_error_rate(words, server.transcribe(wav_of(samples, rate)).json()["text"]) <= 0.34


def test_a_client_that_leaves_with_its_answer_unread_harms_nobody(server, jfk, stays_healthy):
    async def leave(*events, until):
        client = AsyncTcpClient("127.0.0.1", server.wyoming_port)
        await client.connect()
        await send(client, *events)
        if until:
            await read_until(client, until)
        client._writer.transport.abort()  # a reset, as of a program that was killed
    async def all_leave():
        for _ in range(3):
            await leave(Synthesize("One two three. " * 300), until="audio-chunk")
            await leave(Transcript("Tell me a long story."), until="handled-start")
            await leave(Transcribe(), *wav_events(jfk.path), until=None)
    asyncio.run(all_leave())
    async def exchange(client):
        await send(client, Transcribe(language="en"), *wav_events(jfk.path, stop=False), AudioStop())
        return await read_until(client, "transcript")
    assert word_error_rate(jfk.text, talk(server, exchange)[-1].data["text"]) <= 0.2
