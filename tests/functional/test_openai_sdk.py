"""OpenAI's HTTP API with the official Python client, whose models check every answer and every event."""

import io

import numpy
import openai
import pydantic
import pytest
from openai.types.responses import Response

from conftest import samples_of, wav_of, word_error_rate

WEATHER = {"type": "function", "name": "get_weather", "description": "The weather in a city, now",
           "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
                          "additionalProperties": False}, "strict": True}
TURN_TO = {"tools": [WEATHER], "tool_choice": "required", "temperature": 0, "max_output_tokens": 60}


class City(pydantic.BaseModel):
    name: str
    country: str


@pytest.fixture(scope="module", params=["core", "llm"])
def client(server, request):
    return openai.OpenAI(base_url=server.url(request.param, "/v1"), api_key="none", max_retries=0)


@pytest.fixture(scope="module")
def core(server):
    return openai.OpenAI(base_url=server.url("core", "/v1"), api_key="none", max_retries=0)


def checked(response):
    """The client itself takes what lacks fields, others validate."""
    Response.model_validate(response.to_dict())
    return response


# --- Responses ---

def test_a_response(client):
    response = checked(client.responses.create(model="default", input="What is the capital of France?", temperature=0,
                                               instructions="Answer in one sentence.", metadata={"room": "kitchen"}))
    assert "Paris" in response.output_text and response.status == "completed" and response.error is None
    assert response.instructions == "Answer in one sentence." and response.metadata == {"room": "kitchen"}
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens > 0
    assert response.id.startswith("resp_") and response.output[0].id.startswith("msg_") and response.store is False


def test_a_response_as_events(client):
    asked = {"model": "default", "input": "Count from one to five in words.", "temperature": 0}
    events = list(client.responses.create(**asked, stream=True))
    for event in events:
        type(event).model_validate(event.to_dict())  # the client does not, by itself
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type.removeprefix("response.") for event in events]
    assert kinds[:4] == ["created", "in_progress", "output_item.added", "content_part.added"]
    assert kinds[-4:] == ["output_text.done", "content_part.done", "output_item.done", "completed"]
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert len(deltas) > 3 and set(kinds[4:-4]) == {"output_text.delta"}
    assert "".join(deltas) == events[-1].response.output_text == events[-4].text
    checked(events[-1].response)


def test_the_clients_own_accumulation_of_events(core):
    with core.responses.stream(model="default", input="Say hello.", temperature=0) as stream:
        final = stream.until_done().get_final_response()
    assert final.output_text and final.status == "completed"


def test_a_conversation_of_items(core):
    items = [{"role": "developer", "content": "You are brief."},
             {"role": "user", "content": [{"type": "input_text", "text": "My name is "},
                                          {"type": "input_text", "text": "Oliver."}]},
             {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed",
              "content": [{"type": "output_text", "text": "Hello Oliver.", "annotations": []}]},
             {"role": "user", "content": "What is my name?"}]
    assert "Oliver" in core.responses.create(model="default", input=items, temperature=0).output_text


def test_an_answer_that_is_cut(core):
    asked = {"model": "default", "input": "Count from one to thirty in words.", "max_output_tokens": 4, "temperature": 0}
    response = checked(core.responses.create(**asked))
    assert response.status == "incomplete" and response.incomplete_details.reason == "max_output_tokens"
    assert response.usage.output_tokens == 4 and response.output[0].status == "incomplete"
    last = list(core.responses.create(**asked, stream=True))[-1]
    assert last.type == "response.incomplete"


def test_an_answer_that_obeys_a_schema(core):
    response = core.responses.parse(model="default", input="Which city is the capital of France?", temperature=0,
                                    text_format=City, max_output_tokens=60)
    assert response.output_parsed.name == "Paris"
    loose = core.responses.create(model="default", input="Paris and its country, as JSON.", temperature=0,
                                  text={"format": {"type": "json_object"}}, max_output_tokens=60)
    assert loose.output_text.lstrip().startswith("{")


def test_a_function_is_called_and_answered(client):
    asked = "What is the weather in Oslo?"
    first = checked(client.responses.create(model="default", input=asked, **TURN_TO))
    call = first.output[0]
    assert call.type == "function_call" and call.name == "get_weather" and "Oslo" in call.arguments
    items = [{"role": "user", "content": asked}, call.to_dict(),
             {"type": "function_call_output", "call_id": call.call_id, "output": "It is snowing in Oslo, -3 degrees."},
             {"role": "user", "content": "So what is the weather there? Answer in a sentence."}]
    second = client.responses.create(model="default", input=items, temperature=0, max_output_tokens=60)
    assert "snow" in second.output_text


def test_a_function_call_as_events(core):
    events = list(core.responses.create(model="default", input="What is the weather in Oslo?", stream=True, **TURN_TO))
    for event in events:
        type(event).model_validate(event.to_dict())  # the client does not, by itself
    kinds = [event.type.removeprefix("response.") for event in events]
    assert kinds == ["created", "in_progress", "output_item.added", "function_call_arguments.delta",
                     "function_call_arguments.done", "output_item.done", "completed"]
    assert events[4].arguments == events[5].item.arguments == events[-1].response.output[0].arguments


@pytest.mark.parametrize("more, param", [
    ({"input": ""}, "input"), ({"input": []}, "input"), ({"input": [{"role": "king", "content": "Hi"}]}, "input[0].role"),
    ({"input": [{"role": "user"}]}, "input[0].content"),
    ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]}, "input[0].content[0].type"),
    ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0].type"),
    ({"input": [{"type": "function_call_output", "call_id": "call_1", "output": "x"}]}, "input[0].call_id"),
    ({"previous_response_id": "resp_1"}, "previous_response_id"), ({"background": True}, "background"),
    ({"conversation": "conv_1"}, "conversation"), ({"temperature": 3}, "temperature"),
    ({"max_output_tokens": 0}, "max_output_tokens"), ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
    ({"tool_choice": "always"}, "tool_choice"), ({"tool_choice": "required"}, "tool_choice"),
    ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
    ({"text": {"format": {"type": "json_schema"}}}, "text.format.schema")], ids=repr)
def test_what_a_response_cannot_be_made_of(core, more, param):
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError) as told:
            core.responses.create(**{"model": "default", "input": "Hi", "stream": stream, **more})
        assert told.value.param == param and told.value.type == "invalid_request_error", told.value.body


def test_a_response_of_an_unknown_model(core):
    with pytest.raises(openai.NotFoundError):
        core.responses.create(model="unknown", input="Hi")
    with pytest.raises(openai.BadRequestError, match="context"):
        core.responses.create(model="default", input="word " * 20_000, stream=True)


# --- The rest of the API, as the client reads it ---

def test_chat(client):
    asked = [{"role": "user", "content": "What is the capital of France?"}]
    whole = client.chat.completions.create(model="default", messages=asked, temperature=0, logprobs=True, top_logprobs=2)
    assert "Paris" in whole.choices[0].message.content and len(whole.choices[0].logprobs.content[0].top_logprobs) == 2
    pieces = list(client.chat.completions.create(model="default", messages=asked, temperature=0, stream=True,
                                                 stream_options={"include_usage": True}))
    assert "Paris" in "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)
    assert pieces[-1].usage.total_tokens > 0
    parsed = client.chat.completions.parse(model="default", messages=asked, temperature=0, response_format=City)
    assert parsed.choices[0].message.parsed.name == "Paris"


def test_chat_with_tools(core):
    function = {key: WEATHER[key] for key in ("name", "description", "parameters", "strict")}
    asked = {"model": "default", "temperature": 0, "tools": [{"type": "function", "function": function}],
             "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
             "messages": [{"role": "user", "content": "What is the weather in Oslo?"}]}
    call = core.chat.completions.create(**asked).choices[0].message.tool_calls[0]
    assert call.function.name == "get_weather" and "Oslo" in call.function.arguments
    with core.chat.completions.stream(**asked) as stream:
        streamed = stream.get_final_completion().choices[0].message.tool_calls[0]
    assert streamed.function.arguments == call.function.arguments


def test_images_are_refused(core):
    with pytest.raises(openai.BadRequestError):
        core.chat.completions.create(model="default", messages=[{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]}])


def test_embeddings_and_models(client):
    whole = client.embeddings.create(model="default", input=["one", "two"])
    short = client.embeddings.create(model="default", input="one", dimensions=64, encoding_format="base64")
    assert [len(one.embedding) for one in whole.data] == [384, 384] and short.data[0].embedding
    names = {model.id for model in client.models.list()}
    assert "qwen2.5-coder-0.5b" in names and client.models.retrieve("qwen2.5-coder-0.5b").object == "model"


def test_speech_and_transcription(core):
    text = "The train leaves at half past seven."
    spoken = core.audio.speech.create(model="tts-1", voice="alloy", input=text, response_format="flac").read()
    assert spoken.startswith(b"fLaC")
    heard = core.audio.transcriptions.create(model="whisper-1", file=("a.flac", io.BytesIO(spoken)), language="en")
    assert word_error_rate(text, heard.text) <= 0.3
    verbose = core.audio.transcriptions.create(model="whisper-1", file=("a.flac", io.BytesIO(spoken)),
                                               response_format="verbose_json", timestamp_granularities=["word", "segment"])
    assert verbose.duration > 1 and verbose.words and verbose.segments
    events = list(core.audio.transcriptions.create(model="gpt-4o-mini-transcribe", file=("a.flac", io.BytesIO(spoken)),
                                                   stream=True))
    assert events[-1].type == "transcript.text.done" and events[-1].text == "".join(event.delta for event in events[:-1])
    english = core.audio.translations.create(model="whisper-1", file=("a.flac", io.BytesIO(spoken)))
    assert english.text


def test_a_transcription_is_told_segment_by_segment(core, jfk, clips):
    with pytest.raises(openai.BadRequestError) as told:
        list(core.audio.transcriptions.create(model="whisper-1", file=jfk.path, stream=True, response_format="srt"))
    assert told.value.param == "response_format"
    pause = numpy.zeros(32_000)
    said = numpy.concatenate([part for clip in clips[:3] for part in (samples_of(clip.path.read_bytes())[0], pause)])
    *deltas, done = core.audio.transcriptions.create(model="whisper-1", file=("three.wav", wav_of(said)), stream=True)
    assert len(deltas) >= 3 and done.text == "".join(event.delta for event in deltas)
    assert word_error_rate(" ".join(clip.text for clip in clips[:3]), done.text) < 0.2


def test_instructions_for_a_voice_are_passed_over(core):
    with core.audio.speech.with_streaming_response.create(model="tts-1", voice="default", input="Hello.",
                                                          instructions="Whisper.") as answer:
        assert "instructions" in answer.headers["Warning"]


def test_speech_arrives_while_it_is_made(core):
    with core.audio.speech.with_streaming_response.create(model="tts-1", voice="default", response_format="pcm",
                                                          input="One sentence. And another one.") as answer:
        assert sum(len(piece) for piece in answer.iter_bytes(4096)) > 40_000
