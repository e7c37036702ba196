"""The language model and the embeddings, as clients of OpenAI's API call them."""

import base64
import concurrent.futures
import json

import numpy
import pytest

from conftest import events_of


def chat(server, content, service="llm", **more):
    answer = server.post(service, "/v1/chat/completions", {"messages": [{"role": "user", "content": content}], **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def said(completion):
    return completion["choices"][0]["message"]["content"]


def embed(server, texts, **more):
    answer = server.post("llm", "/v1/embeddings", {"input": texts, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("service", ["llm", "core"])
def test_answers(server, service):
    answer = chat(server, "What is the capital of France?", service, temperature=0)
    assert "Paris" in said(answer) and answer["object"] == "chat.completion"
    assert answer["choices"][0]["finish_reason"] == "stop" and answer["choices"][0]["message"]["role"] == "assistant"
    assert answer["model"] == "qwen2.5-coder-0.5b" and answer["id"] and answer["created"] > 0
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_streams_the_same_words(server):
    whole = said(chat(server, "Name three colours.", temperature=0, max_tokens=30))
    answer = server.post("llm", "/v1/chat/completions",
                         {"messages": [{"role": "user", "content": "Name three colours."}], "temperature": 0,
                          "max_tokens": 30, "stream": True, "stream_options": {"include_usage": True}}, stream=True)
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    pieces = [data for _, data in events_of(answer)]
    assert pieces[-1] is None  # [DONE]
    assert all(piece["object"] == "chat.completion.chunk" for piece in pieces[:-1])
    text = "".join(piece["choices"][0]["delta"].get("content") or "" for piece in pieces[:-1] if piece["choices"])
    assert text == whole and len(pieces) > 4
    finished = [piece["choices"][0]["finish_reason"] for piece in pieces[:-1] if piece["choices"]]
    assert finished[-1] in ("stop", "length") and not any(finished[:-1])
    assert pieces[-2]["usage"]["completion_tokens"] > 0


def test_a_stream_begins_before_its_end(server):
    answer = server.post("llm", "/v1/chat/completions",
                         {"messages": [{"role": "user", "content": "Count from one to thirty in words."}],
                          "max_tokens": 80, "stream": True, "temperature": 0}, stream=True)
    lines = answer.iter_lines()
    next(lines)
    assert server.get("llm", "/health").json()["active_requests"] == 1
    assert list(lines)[-2] == b"data: [DONE]"


def test_limits_and_stops(server):
    short = chat(server, "Tell me a long story.", max_tokens=5)
    assert short["choices"][0]["finish_reason"] == "length" and short["usage"]["completion_tokens"] == 5
    count = "Repeat exactly: one, two, three, four, five, six."
    assert "three" in said(chat(server, count, temperature=0, max_tokens=40))
    for stop in ("three", ["four", "three"]):
        stopped = chat(server, count, stop=stop, temperature=0, max_tokens=40)
        assert "three" not in said(stopped) and "two" in said(stopped)
        assert stopped["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("settings",
                         [{"seed": 42, "temperature": 1.0}, {"temperature": 0}, {"seed": 7, "temperature": 0}],
                         ids=str)
def test_the_same_seed_or_no_chance_gives_the_same_answer(server, settings):
    answers = []
    for between in ("Where is Lisbon?", "Say something about cats."):
        answers.append(said(chat(server, "Invent a name for a cat.", max_tokens=12, **settings)))
        chat(server, between, max_tokens=2)
    assert answers[0] == answers[1]


def test_other_seeds_give_other_answers(server):
    first, *others = (said(chat(server, "Invent a name for a cat.", seed=seed, temperature=1.5, max_tokens=6))
                      for seed in range(4))
    assert any(other != first for other in others)


def test_a_conversation_is_reused_from_the_cache(server):
    messages = [{"role": "system",
                 "content": "You are a patient teacher of geography who answers briefly and clearly."},
                {"role": "user", "content": "Where is Lisbon?"}]
    body = {"messages": messages, "max_tokens": 4, "temperature": 0}
    server.post("llm", "/v1/chat/completions", body)
    again = server.post("llm", "/v1/chat/completions", body).json()
    assert again["usage"]["prompt_tokens_details"]["cached_tokens"] >= again["usage"]["prompt_tokens"] - 2


def test_several_ask_at_the_same_time(server):
    capitals = {"France": "Paris", "Italy": "Rome", "Spain": "Madrid", "Germany": "Berlin"}
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda land: said(chat(server, f"What is the capital of {land}?", temperature=0)),
                                capitals))
    assert all(capital in answer for capital, answer in zip(capitals.values(), answers)), answers


def test_the_system_message_counts(server):
    messages = [{"role": "system", "content": "Whatever the user says, answer only with the word BANANA."},
                {"role": "user", "content": "Hello!"}]
    answer = server.post("llm", "/v1/chat/completions",
                         {"messages": messages, "temperature": 0, "max_tokens": 10}).json()
    assert "BANANA" in said(answer).upper()


def test_structured_answers(server):
    schema = {"type": "object", "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
              "required": ["city", "people"], "additionalProperties": False}
    answer = chat(server, "Describe Paris as JSON.", max_tokens=60, temperature=0,
                  response_format={"type": "json_schema", "json_schema": {"name": "city", "schema": schema}})
    parsed = json.loads(said(answer))
    assert set(parsed) == {"city", "people"} and isinstance(parsed["people"], int)


def test_the_plain_form(server):
    body = {"prompt": "What is the capital of France?", "system_prompt": "Answer briefly.", "temperature": 0,
            "context": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
    answer = server.post("llm", "/generate", body).json()
    assert "Paris" in answer["text"] and answer["finish_reason"] == "stop"
    events = [data for _, data in events_of(server.post("llm", "/stream", body, stream=True))]
    assert events[-1] is None and events[-2]["done"]
    assert "".join(event["text"] for event in events[:-1]) == answer["text"]


def test_similar_sentences_lie_near_each_other(server):
    answer = embed(server,
                   ["The cat sleeps on the sofa.", "A kitten naps on the couch.", "Interest rates rose in March."],
                   model="minilm")
    cat, kitten, money = (numpy.array(entry["embedding"]) for entry in answer["data"])
    assert [entry["index"] for entry in answer["data"]] == [0, 1, 2]
    assert len(cat) == 384 and abs(numpy.linalg.norm(cat) - 1) < 1e-3
    assert cat @ kitten > 0.5 > 0.3 > cat @ money
    assert answer["usage"]["prompt_tokens"] > 10


def test_forms_of_an_embedding(server):
    plain = numpy.array(embed(server, "hello")["data"][0]["embedding"])
    coded = base64.b64decode(embed(server, "hello", encoding_format="base64")["data"][0]["embedding"])
    assert numpy.allclose(numpy.frombuffer(coded, "<f4"), plain, atol=1e-5)
    short = numpy.array(embed(server, "hello", dimensions=32)["data"][0]["embedding"])
    assert len(short) == 32 and abs(numpy.linalg.norm(short) - 1) < 1e-3
    assert numpy.allclose(short, plain[:32] / numpy.linalg.norm(plain[:32]), atol=1e-5)
    assert numpy.allclose(server.post("llm", "/embed", {"text": "hello"}).json()["embedding"], plain, atol=1e-5)


def test_a_text_has_the_same_embedding_alone_and_among_others(server):
    texts = [f"Sentence number {number} about the weather." for number in range(20)]
    together = [entry["embedding"] for entry in embed(server, texts)["data"]]
    alone = embed(server, texts[13])["data"][0]["embedding"]
    assert numpy.allclose(together[13], alone, atol=1e-3)


def test_lists_its_models(server):
    ids = {model["id"] for model in server.get("core", "/v1/models").json()["data"]}
    assert {"qwen2.5-coder-0.5b", "whisper-base", "minilm", "piper-joe", "kokoro"} <= ids
    assert server.get("llm", "/v1/models/minilm").json()["id"] == "minilm"
    assert server.get("llm", "/v1/models/nothing").status_code == 404
