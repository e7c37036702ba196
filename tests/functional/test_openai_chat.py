"""OpenAI's chat, embeddings and audio with the official client, as strict programs read them."""

import json

import openai
import pytest
from openai.types import CreateEmbeddingResponse
from openai.types.audio import TranscriptionTextDoneEvent
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from conftest import events_of

LOADED = "qwen2.5-coder-0.5b"
FRANCE = [{"role": "user", "content": "What is the capital of France?"}]
OSLO = [{"role": "user", "content": "What is the weather in Oslo?"}]
WEATHER = {"type": "function", "function": {
    "name": "get_weather", "description": "The weather in a city, now",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}


@pytest.fixture(scope="module")
def core(server):
    return openai.OpenAI(base_url=server.url("core", "/v1"), api_key="none", max_retries=0)


@pytest.fixture(scope="module")
def ask(core):
    """@return a function that answers a completion, checked field by field: the client itself takes what lacks some"""
    def ask(messages, **more):
        made = core.chat.completions.create(**{"model": "default", "temperature": 0, "max_tokens": 60, **more},
                                            messages=messages)
        ChatCompletion.model_validate(made.to_dict(), strict=True)
        return made

    return ask


# --- Names ---

@pytest.mark.parametrize("name", ["gpt-4o", "gpt-4o-mini", "gpt-5.5", "chatgpt-4o-latest", "o1", "o3-mini", "o4-mini"])
def test_openais_chat_models_are_the_loaded_one(ask, core, name):
    assert ask(FRANCE, model=name, max_tokens=2).model == LOADED
    assert core.responses.create(model=name, input="Say yes.", max_output_tokens=16).model == LOADED


@pytest.mark.parametrize("name", ["text-embedding-3-small", "text-embedding-3-large", "text-embedding-ada-002"])
def test_openais_embedding_models_are_the_loaded_one(core, name):
    made = core.embeddings.create(model=name, input="Hello.")
    CreateEmbeddingResponse.model_validate(made.to_dict())
    assert made.model == "minilm"


@pytest.mark.parametrize("name", ["whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-transcribe"])
def test_openais_transcription_models_are_the_loaded_one(core, jfk, name):
    assert "country" in core.audio.transcriptions.create(model=name, file=jfk.path, language="en").text


def test_other_names_are_unknown_and_the_nearest_is_told(core):
    for asked in (lambda name: core.chat.completions.create(model=name, messages=FRANCE),
                  lambda name: core.responses.create(model=name, input="Hi"),
                  lambda name: core.models.retrieve(name)):
        with pytest.raises(openai.NotFoundError) as told:
            asked("qwen2.5-coder")
        assert (told.value.code, told.value.param) == ("model_not_found", "model") and LOADED in told.value.message
        with pytest.raises(openai.NotFoundError):
            asked("mistralai/Mistral-7B")


# --- The form of an answer ---

def test_an_answer_has_the_fields_that_say_nothing(core):
    raw = core.chat.completions.with_raw_response.create(model="default", messages=FRANCE, max_tokens=2)
    choice = json.loads(raw.text)["choices"][0]
    assert choice["message"]["refusal"] is None and choice["logprobs"] is None and raw.headers["x-request-id"]


def test_a_stream_begins_with_the_role_and_ends_with_the_reason(core):
    chunks = list(core.chat.completions.create(model="default", messages=FRANCE, temperature=0, stream=True,
                                               stream_options={"include_usage": True}))
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk.to_dict(), strict=True)
    first, last = chunks[0].choices[0], chunks[-2].choices[0]
    assert (first.delta.role, first.delta.content, first.finish_reason) == ("assistant", "", None)
    assert last.finish_reason == "stop" and not last.delta.content and chunks[-1].choices == []
    assert len({(chunk.id, chunk.model, chunk.object) for chunk in chunks}) == 1


def test_a_call_and_its_answer(ask):
    choice = ask(OSLO, tools=[WEATHER], tool_choice="required").choices[0]
    call = choice.message.tool_calls[0]
    assert choice.message.content is None and choice.finish_reason == "tool_calls" and call.id.startswith("call_")
    assert "Oslo" in json.loads(call.function.arguments)["city"]
    told = [*OSLO, choice.message.to_dict(),
            {"role": "tool", "tool_call_id": call.id, "content": "It is snowing in Oslo, -3 degrees."},
            {"role": "user", "content": "So what is the weather there? Answer in a sentence."}]
    assert "snow" in ask(told).choices[0].message.content.lower()


def test_a_streamed_call_begins_with_its_id(core):
    chunks = core.chat.completions.create(model="default", messages=OSLO, tools=[WEATHER], tool_choice="required",
                                          temperature=0, stream=True)
    deltas = [call for chunk in chunks for choice in chunk.choices for call in choice.delta.tool_calls or ()]
    first, *rest = deltas
    assert first.id.startswith("call_") and first.type == "function" and first.function.name == "get_weather"
    assert first.function.arguments is not None and all(call.id is None and call.index == 0 for call in rest)
    assert "Oslo" in json.loads("".join(call.function.arguments for call in deltas))["city"]


# --- What may be asked for ---

def test_no_tool_is_called_when_none_may_be(ask):
    choice = ask(OSLO, tools=[WEATHER], tool_choice="none").choices[0]
    assert choice.message.tool_calls is None and choice.message.content and choice.finish_reason != "tool_calls"


def test_calls_in_parallel_and_one_at_a_time(ask):
    both = [{"role": "user", "content": "What is the weather in Oslo and in Rome?"}]
    asked = {"tools": [WEATHER], "tool_choice": "required", "max_tokens": 120}
    several = ask(both, parallel_tool_calls=True, **asked).choices[0].message.tool_calls
    assert len({call.id for call in several}) == len(several) >= 1
    assert all(json.loads(call.function.arguments)["city"] for call in several)
    assert len(ask(both, parallel_tool_calls=False, **asked).choices[0].message.tool_calls) == 1


def test_several_answers_at_once(ask, core):
    made = ask(FRANCE, n=2, max_tokens=8)
    assert [choice.index for choice in made.choices] == [0, 1]
    assert all(choice.message.content and choice.message.refusal is None for choice in made.choices)
    chunks = core.chat.completions.create(model="default", messages=FRANCE, n=2, max_tokens=8, stream=True)
    assert {choice.index for chunk in chunks for choice in chunk.choices} == {0, 1}


def test_an_answer_that_is_some_json(ask):
    made = ask([{"role": "user", "content": "Paris and its country, as JSON."}],
               response_format={"type": "json_object"})
    assert isinstance(json.loads(made.choices[0].message.content), dict)


def test_a_refusal_in_the_conversation_is_read(ask):
    declined = {"role": "assistant", "content": [{"type": "refusal", "refusal": "I am Oliver, and I do not want to."}]}
    made = ask([{"role": "user", "content": "Sing a song."}, declined,
                {"role": "user", "content": "What is your name?"}])
    assert "Oliver" in made.choices[0].message.content


def parts(*more):
    return {"messages": [{"role": "system", "content": "Be brief."},
                         {"role": "user", "content": [{"type": "text", "text": "Look."}, *more]}]}


@pytest.mark.parametrize("more, param", [
    (parts({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}), "messages[1].content[1].type"),
    (parts({"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}), "messages[1].content[1].type"),
    (parts({"type": "file", "file": {"file_id": "x"}}), "messages[1].content[1].type"),
    (parts({"type": "smell"}), "messages[1].content[1].type"),
    ({"stream_options": {"include_usage": True}}, "stream_options"), ({"modalities": ["text", "audio"]}, "modalities"),
    ({"functions": [{"name": "f", "parameters": {}}]}, "functions"), ({"function_call": "auto"}, "function_call"),
    ({"messages": [*FRANCE, {"role": "tool", "content": "5"}]}, "messages[1].tool_call_id"),
    ({"tool_choice": "required"}, "tool_choice"),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}}, "response_format.json_schema.schema"),
    ({"temperature": 3}, "temperature"), ({"stop": ["a"] * 17}, "stop"), ({"n": 17}, "n")],
    ids=lambda value: str(value)[-60:])
def test_a_refusal_names_the_field(core, more, param):
    with pytest.raises(openai.BadRequestError) as told:
        core.chat.completions.create(**{"model": "default", "messages": FRANCE, **more})
    assert told.value.param == param and told.value.type == "invalid_request_error" and told.value.code, told.value.body


# --- Embeddings and audio ---

def test_a_text_beyond_the_models_context_is_refused_or_cut_on_request(core):
    asked = {"model": "default", "input": ["Short.", "word " * 1000]}
    with pytest.raises(openai.BadRequestError, match="512") as told:
        core.embeddings.create(**asked)
    assert (told.value.code, told.value.param) == ("context_length_exceeded", "input")
    assert len(core.embeddings.create(**asked, extra_body={"truncate": True}).data) == 2


def test_the_last_event_of_a_stream_is_what_strict_clients_read(core, server, jfk):
    *_, done = core.audio.transcriptions.create(model="whisper-1", file=jfk.path, stream=True)
    TranscriptionTextDoneEvent.model_validate(done.to_dict(), strict=True)
    spoken = server.post("core", "/v1/audio/speech", {"input": "Hello.", "voice": "alloy", "stream_format": "sse"},
                         stream=True)
    last = [event for _, event in events_of(spoken)][-1]
    assert last["type"] == "speech.audio.done" and last["usage"]["total_tokens"] == last["usage"]["input_tokens"] == 6
