"""The language model and the embeddings, as clients of OpenAI's API call them."""

import json

import numpy
import pytest

from conftest import events_of


def chat(server, content, service="llm", **more):
    answer = server.post(service, "/v1/chat/completions", {"messages": [{"role": "user", "content": content}], **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("service", ["llm", "core"])
def test_answers(server, service):
    answer = chat(server, "What is the capital of France?", service, temperature=0)
    assert "Paris" in answer["choices"][0]["message"]["content"] and answer["object"] == "chat.completion"
    assert answer["usage"]["total_tokens"] == answer["usage"]["prompt_tokens"] + answer["usage"]["completion_tokens"]


def test_streams_the_same_words(server):
    whole = chat(server, "Name three colours.", temperature=0, max_tokens=30)["choices"][0]["message"]["content"]
    answer = server.post("llm", "/v1/chat/completions", {"messages": [{"role": "user", "content": "Name three colours."}], "temperature": 0,
                                                         "max_tokens": 30, "stream": True, "stream_options": {"include_usage": True}},
                         stream=True)
    pieces = [data for _, data in events_of(answer)]
    assert pieces[-1] is None  # [DONE]
    text = "".join(piece["choices"][0]["delta"].get("content") or "" for piece in pieces[:-1] if piece["choices"])
    assert text == whole and len(pieces) > 4
    assert pieces[-2]["usage"]["completion_tokens"] > 0


def test_limits_and_stops(server):
    short = chat(server, "Tell me a long story.", max_tokens=5)
    assert short["choices"][0]["finish_reason"] == "length" and short["usage"]["completion_tokens"] == 5
    stopped = chat(server, "Count: one, two, three, four, five, six.", stop=["three"], temperature=0)
    assert "three" not in stopped["choices"][0]["message"]["content"]


def test_the_same_seed_gives_the_same_answer(server):
    answers = {chat(server, "Invent a name for a cat.", seed=42, temperature=1.0, max_tokens=12)["choices"][0]["message"]["content"]
               for _ in range(2)}
    assert len(answers) == 1


def test_a_conversation_is_reused_from_the_cache(server):
    messages = [{"role": "system", "content": "You are a patient teacher of geography who answers briefly and clearly."},
                {"role": "user", "content": "Where is Lisbon?"}]
    body = {"messages": messages, "max_tokens": 4, "temperature": 0}
    server.post("llm", "/v1/chat/completions", body)
    again = server.post("llm", "/v1/chat/completions", body).json()
    assert again["usage"]["prompt_tokens_details"]["cached_tokens"] >= again["usage"]["prompt_tokens"] - 2


def test_structured_answers(server):
    schema = {"type": "object", "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
              "required": ["city", "people"], "additionalProperties": False}
    answer = chat(server, "Describe Paris as JSON.", max_tokens=60, temperature=0,
                  response_format={"type": "json_schema", "json_schema": {"name": "city", "schema": schema}})
    parsed = json.loads(answer["choices"][0]["message"]["content"])
    assert set(parsed) == {"city", "people"} and isinstance(parsed["people"], int)


def test_similar_sentences_lie_near_each_other(server):
    answer = server.post("llm", "/v1/embeddings", {"input": ["The cat sleeps on the sofa.", "A kitten naps on the couch.",
                                                              "Interest rates rose in March."], "model": "minilm"}).json()
    cat, kitten, money = (numpy.array(entry["embedding"]) for entry in answer["data"])
    assert len(cat) == 384 and abs(numpy.linalg.norm(cat) - 1) < 1e-3
    assert cat @ kitten > 0.5 > 0.3 > cat @ money
    assert answer["usage"]["prompt_tokens"] > 10


def test_lists_its_models(server):
    ids = {model["id"] for model in server.get("core", "/v1/models").json()["data"]}
    assert {"qwen2.5-coder-0.5b", "whisper-base", "minilm"} <= ids
