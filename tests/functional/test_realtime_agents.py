"""openai-agents over /v1/realtime: it validates every event and carries out the model's functions by itself."""

import asyncio
import json

import numpy
from agents import function_tool
from agents.realtime import RealtimeAgent, RealtimeModelSendRawMessage, RealtimeRunner

from conftest import pcm_of, wav_of, word_error_rate
from microphone import spoken
from realtime_client import LIMIT, RATE

QUESTION = "What is the capital of France?"


class Heard:
    """All that a session tells, and its model's raw events."""

    def __init__(self):
        self.events, self.raw, self.audio = [], [], b""

    async def until(self, session, condition):
        async with asyncio.timeout(LIMIT):
            async for event in session:
                self.take(event)
                if condition(event):
                    return event
        raise AssertionError("the session ended")

    def take(self, event):
        self.events.append(event)
        assert event.type != "error", event
        if event.type == "audio":
            self.audio += event.audio.data
        if event.type == "raw_model_event":
            assert event.data.type not in ("error", "exception"), event.data
            self.raw.append(event.data)


def run(server, agent, act, **settings):
    url = f"ws://127.0.0.1:{server.ports['core']}/v1/realtime?model=gpt-realtime"

    async def talk():
        runner = RealtimeRunner(agent, config={"model_settings": {"model_name": "gpt-realtime", **settings}})
        async with await runner.run(model_config={"url": url, "api_key": "none"}) as session:
            heard = Heard()
            await act(session, heard)
            return heard

    return asyncio.run(talk())


def turn_ended(event):
    return event.type == "agent_end"


def test_an_agent_is_asked_in_writing_and_answers_aloud(live_server):
    async def act(session, heard):
        await session.send_message(QUESTION)
        await heard.until(session, turn_ended)

    heard = run(live_server, RealtimeAgent(name="Guide", instructions="Answer in one short sentence."), act)
    said = live_server.transcribe(wav_of(numpy.frombuffer(heard.audio, "<i2") / 32768, RATE), language="en").json()
    assert "Paris" in said["text"]


def test_an_agent_hears_and_is_interrupted(live_server):
    question = spoken(live_server, QUESTION, RATE)
    second = spoken(live_server, "How many days does a week have?", RATE)

    async def act(session, heard):
        mouth = [numpy.concatenate([question, numpy.zeros(RATE // 2)])]

        async def microphone():
            rest, begin, sent = numpy.zeros(0), asyncio.get_running_loop().time(), 0
            while True:
                rest = numpy.concatenate([rest, *mouth])
                mouth.clear()
                await session.send_audio(pcm_of(numpy.pad(rest[:480], (0, max(0, 480 - len(rest))))))
                rest, sent = rest[480:], sent + 480
                await asyncio.sleep(max(0, begin + sent / RATE - asyncio.get_running_loop().time()))

        speaking = asyncio.create_task(microphone())
        try:
            await heard.until(session, turn_ended)
            first, heard.audio = heard.audio, b""
            assert first
            await session.send_message("Tell me a long story about a river, in at least ten sentences.")
            await heard.until(session, lambda event: event.type == "audio" and len(heard.audio) > RATE * 2)
            mouth.append(second)
            await heard.until(session, lambda event: event.type == "audio_interrupted")
            heard.audio = b""
            await heard.until(session, turn_ended)
            if not heard.audio:
                await heard.until(session, turn_ended)
            heard.first = first
        finally:
            speaking.cancel()

    settings = {"turn_detection": {"type": "server_vad", "interrupt_response": True, "create_response": True},
                "input_audio_transcription": {"model": "whisper-1", "language": "en"}}
    heard = run(live_server, RealtimeAgent(name="Guide", instructions="Answer in one short sentence."), act, **settings)
    said = live_server.transcribe(wav_of(numpy.frombuffer(heard.first, "<i2") / 32768, RATE), language="en").json()
    assert "Paris" in said["text"]
    transcripts = [event.transcript for event in heard.raw if event.type == "input_audio_transcription_completed"]
    assert word_error_rate(QUESTION, transcripts[0]) <= 0.2 and any("week" in text for text in transcripts)


def test_an_agent_calls_its_function(live_server):
    asked, opened = [], []

    @function_tool
    async def get_weather(city: str) -> str:
        """The weather of a city, now."""
        asked.append(city)
        # The small model of the tests is made to call; then it may speak.
        await opened[0].model.send_event(RealtimeModelSendRawMessage(message={
            "type": "session.update", "other_data": {"session": {"type": "realtime", "tool_choice": "auto"}}}))
        return json.dumps({"weather": "snow"})

    agent = RealtimeAgent(name="Weather", tools=[get_weather],
                          instructions="You answer questions about the weather with the tool get_weather.")

    async def act(session, heard):
        opened.append(session)
        await session.send_message("What is the weather in Rome?")
        await heard.until(session, lambda event: event.type == "tool_end")
        while not heard.audio:
            await heard.until(session, turn_ended)

    heard = run(live_server, agent, act, tool_choice="required")
    said = live_server.transcribe(wav_of(numpy.frombuffer(heard.audio, "<i2") / 32768, RATE), language="en").json()
    assert asked == ["Rome"] and "snow" in said["text"].lower()
