"""The Wyoming protocol, with its official client: every event that Morgan answers."""

import asyncio
import concurrent.futures

import numpy
import pytest

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioStart, AudioStop
from wyoming.event import Event
from wyoming.handle import Handled
from wyoming.info import SelectProgram
from wyoming.intent import NotRecognized, Recognize
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice

from conftest import pcm_of, resampled, samples_of, wav_of, word_error_rate
from wyoming_talk import Raw, describe, only, pcm_events, read_until, send, speech_of, talk, wav_events


def transcribe(server, *events):
    async def exchange(client):
        await send(client, *events)
        return await read_until(client, "transcript-stop", "error")
    return talk(server, exchange)


def synthesize(server, request):
    async def exchange(client):
        await send(client, request)
        return await read_until(client, "audio-stop", "error")
    return talk(server, exchange)


def heard_in(server, events):
    samples, rate = speech_of(events)
    return server.transcribe(wav_of(samples, rate)).json()["text"]


def test_info_has_every_key_that_clients_look_for(server):
    info = describe(server)
    assert info.asr[0].installed and info.asr[0].supports_transcript_streaming
    assert {"en", "de", "fr"} <= set(info.asr[0].models[0].languages)
    assert info.tts[0].installed and info.tts[0].supports_synthesize_streaming
    voices = {voice.name: voice for voice in info.tts[0].voices}
    assert {"joe", "af_heart"} <= set(voices) and voices["joe"].languages == ["en-US"]
    assert info.handle[0].supports_handled_streaming and info.handle[0].models[0].languages == []
    assert info.intent == [] and info.mic == [] and info.snd == [] and info.satellite is None
    with Raw(server) as raw:
        raw.send({"type": "describe"})
        data = raw.read()[1]
    for program in data["asr"] + data["tts"] + data["handle"]:
        for artifact in [program, *program.get("models", program.get("voices", []))]:
            assert {"name", "attribution", "installed", "description", "version"} <= set(artifact)
            assert {"name", "url"} == set(artifact["attribution"])


def test_a_ping_is_answered_with_its_text(server):
    async def exchange(client):
        await send(client, Ping("hello"), Ping())
        return [Pong.from_event(await client.read_event()) for _ in range(2)]
    assert [pong.text for pong in talk(server, exchange)] == ["hello", None]


def test_describe_and_ping_are_answered_while_the_connection_works(server):
    with Raw(server) as raw:
        raw.send({"type": "synthesize", "data": {"text": "One. " * 200}}, {"type": "ping"}, {"type": "describe"})
        before = [event[0] for event in raw.read_until("info")]
        assert "pong" in before and "audio-stop" not in before


def test_real_speech_is_transcribed(server, clips):
    for clip in clips:
        events = transcribe(server, Transcribe(language="en"), *wav_events(clip.path))
        assert word_error_rate(clip.text, only(events, "transcript").data["text"]) <= 0.2, clip.path


def test_partial_text_comes_while_it_is_spoken_and_adds_up_to_the_transcript(server, jfk):
    async def exchange(client):
        events, chunks = [], wav_events(jfk.path, stop=False)
        await send(client, Transcribe(language="en"))
        # At the pace of a microphone: whatever comes meanwhile is read.
        reading = asyncio.ensure_future(client.read_event())
        for at in range(0, len(chunks), 4):
            await send(client, *chunks[at:at + 4])
            if (await asyncio.wait([reading], timeout=4 * 1024 / 16000))[0]:
                events.append(reading.result())
                reading = asyncio.ensure_future(client.read_event())
        on_the_way = len(events)
        await send(client, AudioStop())
        events.append(await reading)
        while events[-1].type != "transcript-stop":
            events.append(await client.read_event())
        return events, on_the_way
    events, on_the_way = talk(server, exchange)
    assert on_the_way > 1, "text while it is spoken"
    kinds = [event.type for event in events]
    assert kinds[0] == "transcript-start" and kinds[-2:] == ["transcript", "transcript-stop"]
    chunks = [event.data["text"] for event in events if event.type == "transcript-chunk"]
    assert kinds == ["transcript-start", *["transcript-chunk"] * len(chunks), "transcript", "transcript-stop"]
    assert "".join(chunks) == events[-2].data["text"]
    assert word_error_rate(jfk.text, events[-2].data["text"]) <= 0.2


def test_the_language_is_detected_and_told_and_the_context_comes_back(server, jfk):
    events = transcribe(server, Transcribe(context={"room": "kitchen"}), *wav_events(jfk.path))
    data = only(events, "transcript").data
    assert data["language"] == "en" and data["context"] == {"room": "kitchen"}


def test_audio_needs_no_transcribe_before_it(server, jfk):
    text = only(transcribe(server, *wav_events(jfk.path)), "transcript").data["text"]
    assert word_error_rate(jfk.text, text) <= 0.2


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize("width, channels", [(1, 1), (2, 2), (4, 1), (4, 2)])
def test_any_rate_width_and_number_of_channels(server, jfk, rate, width, channels):
    samples, own_rate = samples_of(jfk.path.read_bytes())
    samples = resampled(samples, own_rate, rate)
    if width == 1:
        pcm = (samples * 127 + 128).astype(numpy.uint8)
    else:
        pcm = (samples * (2**(8 * width - 1) - 1)).astype(f"<i{width}")
    pcm = numpy.repeat(pcm, channels).tobytes()
    text = only(transcribe(server, Transcribe(language="en"),
                           *pcm_events(pcm, rate=rate, width=width, channels=channels)), "transcript").data["text"]
    assert word_error_rate(jfk.text, text) <= 0.2


@pytest.mark.parametrize("events", [[AudioStop()], [AudioStart(16000, 2, 1), AudioStop()],
                                    [Transcribe(), AudioStart(16000, 2, 1), AudioStop()],
                                    pcm_events(bytes(32000 * 3))], ids=["stop", "start", "transcribe", "silence"])
def test_without_speech_there_is_an_empty_transcript(server, events):
    assert only(transcribe(server, *events), "transcript").data["text"] == ""


def test_of_two_requests_before_any_audio_the_last_one_wins(server, jfk):
    events = transcribe(server, Transcribe(context={"n": 1}), Transcribe(context={"n": 2}), *wav_events(jfk.path))
    assert only(events, "transcript").data["context"] == {"n": 2}


def test_one_connection_serves_one_request_after_another(server, jfk):
    async def exchange(client):
        texts = []
        for _ in range(2):
            await send(client, Transcribe(language="en"), *wav_events(jfk.path))
            texts.append(only(await read_until(client, "transcript-stop"), "transcript").data["text"])
        await send(client, Synthesize("Good."))
        speech_of(await read_until(client, "audio-stop"))
        return texts
    for text in talk(server, exchange):
        assert word_error_rate(jfk.text, text) <= 0.2


def test_several_connections_at_once(server, jfk):
    def one(_):
        return only(transcribe(server, Transcribe(language="en"), *wav_events(jfk.path)), "transcript").data["text"]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for text in pool.map(one, range(4)):
            assert word_error_rate(jfk.text, text) <= 0.2


def test_speech_is_what_was_written(server):
    events = synthesize(server, Synthesize("The lights in the kitchen are on.", SynthesizeVoice("af_heart")))
    assert word_error_rate("The lights in the kitchen are on.", heard_in(server, events)) <= 0.2


def test_each_voice_has_its_own_rate_and_a_language_chooses_one(server):
    for voice, rate in ((SynthesizeVoice("joe"), 22050), (SynthesizeVoice("af_heart"), 24000),
                        (SynthesizeVoice(language="en-GB"), 22050), (None, 22050)):
        _, heard = speech_of(synthesize(server, Synthesize("Yes.", voice)))
        assert heard == rate


@pytest.mark.parametrize("text", ["", "   ", "...", "\U0001F600"])
def test_nothing_to_say_is_an_empty_stream(server, text):
    samples, _ = speech_of(synthesize(server, Synthesize(text)))
    assert len(samples) == 0


def test_an_unknown_voice_is_an_error_that_ends_the_request_alone(server):
    async def exchange(client):
        await send(client, Synthesize("Hello.", SynthesizeVoice("af_hart")), Synthesize("Hello."))
        return await client.read_event(), await read_until(client, "audio-stop")
    error, events = talk(server, exchange)
    assert error.type == "error" and error.data["code"] == "voice-not-found" and "af_heart" in error.data["text"]
    assert len(speech_of(events)[0]) > 0


def test_ssml_is_spoken_without_its_tags(server):
    text = "<speak>Salt <emphasis>&amp; pepper</emphasis><break time='1s'/> please.</speak>"
    events = synthesize(server, Synthesize(text, SynthesizeVoice("af_heart"), "ssml"))
    assert word_error_rate("Salt and pepper please.", heard_in(server, events)) <= 0.25


def stream(server, events):
    async def exchange(client):
        await send(client, *events)
        return await read_until(client, "synthesize-stopped")
    return talk(server, exchange)


def test_a_stream_is_spoken_once_and_told_its_end(server):
    text = "The weather is fine today. Tomorrow it will rain in the north, and in the evening everywhere."
    pieces = [text[at:at + 7] for at in range(0, len(text), 7)]
    # As Home Assistant does it: after the pieces the whole text once more, for servers that do not stream.
    events = stream(server, [SynthesizeStart(voice=SynthesizeVoice("af_heart")), *map(SynthesizeChunk, pieces),
                             Synthesize(text), SynthesizeStop()])
    assert [event.type for event in events][-2:] == ["audio-stop", "synthesize-stopped"]
    assert word_error_rate(text, heard_in(server, events[:-1])) <= 0.2


def test_speech_begins_while_the_text_is_still_written(server):
    async def exchange(client):
        await send(client, SynthesizeStart(), SynthesizeChunk("The first sentence is complete, as you can hear. And"))
        await read_until(client, "audio-chunk")
        await send(client, SynthesizeChunk(" this is the last."), SynthesizeStop())
        return await read_until(client, "synthesize-stopped")
    assert talk(server, exchange)[-2].type == "audio-stop"


def test_a_stream_whose_text_came_in_synthesize_alone_is_spoken(server):
    events = stream(server, [SynthesizeStart(voice=SynthesizeVoice("af_heart")), Synthesize("Good morning to you."),
                             SynthesizeStop()])
    assert word_error_rate("Good morning to you.", heard_in(server, events[:-1])) <= 0.25


def test_an_empty_stream_ends_like_any_other(server):
    events = stream(server, [SynthesizeStart(), SynthesizeStop()])
    assert [event.type for event in events] == ["audio-start", "audio-stop", "synthesize-stopped"]


def test_a_stream_that_fails_is_told_its_end_too(server):
    events = stream(server, [SynthesizeStart(voice=SynthesizeVoice("nobody")), SynthesizeChunk("Hello."),
                             Synthesize("Hello."), SynthesizeStop()])
    assert [event.type for event in events] == ["error", "synthesize-stopped"]


def ask(server, text, **context):
    async def exchange(client):
        await send(client, Transcript(text, context=context or None))
        return await read_until(client, "handled-stop", "not-handled", "error")
    return talk(server, exchange)


def test_a_question_is_answered_while_it_is_written(server):
    events = ask(server, "What is the capital of France?", conversation_id="paris")
    kinds = [event.type for event in events]
    assert kinds[0] == "handled-start" and kinds[-2:] == ["handled", "handled-stop"]
    chunks = [event.data["text"] for event in events if event.type == "handled-chunk"]
    answer = Handled.from_event(events[-2])
    assert "Paris" in answer.text and "".join(chunks).strip() == answer.text and len(chunks) > 1
    assert answer.context == {"conversation_id": "paris"}


def test_a_conversation_goes_on_under_its_id(server):
    ask(server, "My name is Oliver. Please remember it.", conversation_id="oliver", device_id="phone")
    answer = only(ask(server, "What is my name?", conversation_id="oliver"), "handled").data["text"]
    assert "Oliver" in answer
    kept = server.get("core", "/api/conversations", params={"user_id": "wyoming:oliver"}).json()
    assert "Oliver" in str(kept) or kept["conversations"]


def test_a_request_without_a_conversation_is_told_which_one_it_began(server):
    first, second = (only(ask(server, "Hello."), "handled").data["context"] for _ in range(2))
    assert first["conversation_id"] and first["conversation_id"] != second["conversation_id"]


def test_nothing_said_is_not_handled(server):
    assert [event.type for event in ask(server, "  ")] == ["not-handled"]


def test_intents_are_not_recognized(server):
    async def exchange(client):
        await send(client, Recognize("Turn on the light.", context={"a": 1}))
        return NotRecognized.from_event(await client.read_event())
    answer = talk(server, exchange)
    assert answer.text and answer.context == {"a": 1}


def test_the_voice_detector_tells_beginning_and_end(server, jfk):
    samples, rate = samples_of(jfk.path.read_bytes())
    quiet = numpy.zeros(rate)
    pcm = pcm_of(numpy.concatenate([quiet, samples, quiet]))

    async def exchange(client):
        await send(client, SelectProgram("vad"), *pcm_events(pcm, start=False))
        events = await read_until(client, "voice-stopped")
        # And the connection is what it was before, when another program is chosen.
        await send(client, SelectProgram("no such program"), SelectProgram("morgan"), AudioStop())
        return events, (await read_until(client, "transcript-stop"))
    events, after = talk(server, exchange)
    assert {event.type for event in events} == {"voice-started", "voice-stopped"}
    assert events[0].type == "voice-started" and 1000 <= events[0].data["timestamp"] <= 1600
    assert "transcript" in [event.type for event in after]


@pytest.mark.parametrize("kind", ["user-event", "satellite-connected", "streaming-started", "played", "pong",
                                  "pause-satellite", "timer-started", "x" * 1000])
def test_events_that_are_not_known_are_ignored(server, kind):
    async def exchange(client):
        await send(client, Event(kind, {"unknown": [1, {"deep": None}]}, b"payload"), Synthesize("Yes."))
        return await read_until(client, "audio-stop", "error")
    speech_of(talk(server, exchange))


def test_unknown_keys_are_ignored(server, jfk):
    request = Transcribe(language="en", vad_sensitivity="relaxed", transcript_names=["Kennedy"],
                         transcript_terms=["country"]).event()
    request.data.update(tomorrow={"x": 1}, name=None)
    assert word_error_rate(jfk.text, only(transcribe(server, request, *wav_events(jfk.path)),
                                          "transcript").data["text"]) <= 0.2
