"""What /openapi.json says of requests and answers is what the server does."""

import pytest
import requests

from conftest import SERVICES

PREFIX = "#/components/schemas/"
JSON, FORM = "application/json", "multipart/form-data"
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float),
         "null": type(None)}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# Read from raw PCM only, and by only one of the routes that share their request.
UNREAD = {"sample_rate": ("/transcribe", "/transcribe/file", "/transcribe/realtime", "/transcribe/chunk",
                          "/detect-language", "/detect", "/turn", "/api/audio", "/audio/process"),
          "threshold": ("/detect-language",)}


class Described:
    """The description of one service."""

    def __init__(self, server, service):
        self.server, self.service = server, service
        self.document = server.get(service, "/openapi.json").json()
        self.schemas = self.document["components"]["schemas"]

    def post(self, path, body):
        return self.server.post(self.service, self.opened(path), body)

    def opened(self, path):
        """A path of a streaming session, a tool, a timer or a memory, with one that is there."""
        path = path.replace("/api/tools/{name}", "/api/tools/time")
        if path.startswith("/api/timers/"):
            assert self.server.post(self.service, "/api/text", {"text": "Set a timer for an hour."}).status_code == 200
            return path.replace("{id}", self.server.get(self.service, "/api/timers").json()["timers"][0]["id"])
        if "{memory_id}" in path:
            made = self.server.post(self.service, "/api/memories", {"text": "I like tea.", "user_id": "openapi"})
            return path.replace("{memory_id}", made.json()["memory"]["id"])
        if "{id}" not in path:
            return path
        start = path[:path.index("{id}")] + "start" if "/{id}/" in path else "/stream/start"
        return path.replace("{id}", self.server.post(self.service, start, {}).json()["session_id"])

    def operations(self, method):
        return [(path, found[method]) for path, found in self.document["paths"].items() if method in found]

    def methods(self, path):
        """What this path answers, by every description that fits it: /stream/start is a /stream/{id}, too."""
        found = {"OPTIONS"}
        for pattern, operations in self.document["paths"].items():
            places, parts = pattern.split("/"), path.split("/")
            fits = (place.startswith("{") or place == part for place, part in zip(places, parts))
            if len(places) != len(parts) or not all(fits):
                continue
            found |= {method.upper() for method in operations}
            if "get" in operations and "x-websocket" not in operations["get"]:
                found.add("HEAD")
        return found

    def requests(self, *kinds):
        """(path, operation, resolved schema of the body) of every POST that takes one of these kinds."""
        for path, operation in self.operations("post"):
            if path == "/mcp":
                continue  # JSON-RPC has forms of its own: test_mcp.py
            content = operation.get("requestBody", {}).get("content", {})
            kind = next((kind for kind in kinds if kind in content), None)
            if kind:
                yield path, operation, self.resolved(content[kind]["schema"])

    def resolved(self, schema):
        while "$ref" in schema:
            assert schema["$ref"].startswith(PREFIX)
            schema = self.schemas[schema["$ref"].removeprefix(PREFIX)]
        return schema

    def answer_schema(self, operation, status="200"):
        return operation["responses"].get(status, {}).get("content", {}).get(JSON, {}).get("schema")

    def example(self, body):
        """What is required and what has an example, as the page /docs fills it in."""
        properties = {name: self.resolved(schema) for name, schema in body["properties"].items()}
        for name in body.get("required", []):
            assert properties[name].get("examples"), f"{name} has no example"
        return {name: schema["examples"][0] for name, schema in properties.items() if "examples" in schema}

    def problems(self, value, schema, at="$"):
        """Where a value is not as its schema says; what is not described is a problem, too."""
        schema = self.resolved(schema)
        if "anyOf" in schema:
            each = [self.problems(value, variant, at) for variant in schema["anyOf"]]
            return min(each, key=len)
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        fits = (kind == "boolean" if isinstance(value, bool) else isinstance(value, TYPES[kind]) for kind in kinds)
        if not any(fits):
            return [f"{at} is {value!r:.40}, not {kinds}"]
        if "enum" in schema and value not in schema["enum"]:
            return [f"{at} is {value!r}, not one of {schema['enum']}"]
        found = []
        if isinstance(value, list):
            for index, item in enumerate(value):
                found += self.problems(item, schema["items"], f"{at}[{index}]")
        if isinstance(value, dict) and "properties" in schema:
            found += [f"{at}.{name} is missing" for name in schema.get("required", []) if name not in value]
            for name, inner in value.items():
                known = schema["properties"].get(name)
                found += self.problems(inner, known, f"{at}.{name}") if known else [f"{at}.{name} is not described"]
        return found

    def check(self, answer, operation, status="200"):
        problems = self.problems(answer.json(), self.answer_schema(operation, status))
        assert not problems, f"{answer.request.method} {answer.request.path_url}: {problems}"


@pytest.fixture(params=SERVICES)
def described(request, server):
    return Described(server, request.param)


def test_the_checker_finds_what_is_wrong(server):
    tts = Described(server, "tts")
    voice, schema = server.get("tts", "/voices").json()["voices"][0], {"$ref": PREFIX + "Voice"}
    assert tts.problems(voice, schema) == []
    assert tts.problems({**voice, "more": 1}, schema) == ["$.more is not described"]
    assert tts.problems({**voice, "sample_rate": True}, schema) == ["$.sample_rate is True, not ['integer']"]
    assert tts.problems({**voice, "sample_rate": 1.5}, schema) == ["$.sample_rate is 1.5, not ['integer']"]
    voice.pop("name")
    assert tts.problems(voice, schema) == ["$.name is missing"]


def test_every_reference_leads_to_a_complete_schema(described):
    def visit(node, at):
        if isinstance(node, list):
            for index, inner in enumerate(node):
                visit(inner, f"{at}[{index}]")
        if not isinstance(node, dict):
            return
        if isinstance(node.get("$ref"), str):
            assert described.resolved(node), at
        if isinstance(node.get("properties"), dict):
            assert set(node.get("required", [])) <= set(node["properties"]), at
            for name, schema in node["properties"].items():
                assert schema.get("description") or described.resolved(schema).get("description"), f"{at}.{name}"
        if "default" in node and "enum" in node:
            assert node["default"] in node["enum"], at
        for name, inner in node.items():
            visit(inner, f"{at}.{name}")

    visit(described.document, "$")
    for name, schema in described.schemas.items():
        assert schema["type"] != "object" or schema["properties"], name


def test_required_fields_are_required(described):
    for path, operation, body in described.requests(JSON, FORM):
        required = body.get("required", [])
        if not required:
            continue
        answer = described.post(path, {})
        assert answer.status_code == 400, f"{path}: {answer.text[:200]}"
        described.check(answer, operation, "default")
        told = answer.json()["message"] if "message" in answer.json() else answer.json()["error"]["message"]
        assert any(f"'{name}'" in told for name in required), f"{path} wants {required}, but says: {told}"


def test_example_requests_are_accepted_and_answered_as_described(described):
    for path, operation, body in described.requests(JSON):
        example = described.example(body)
        assert described.problems(example, body) == []
        answer = described.post(path, example)
        assert answer.status_code == 200, f"{path}: {answer.text[:200]}"
        kind = answer.headers["Content-Type"].split(";")[0]
        assert kind in operation["responses"]["200"]["content"], f"{path} answers {kind}"
        if kind == JSON:
            described.check(answer, operation)


def outside(schema):
    """Values just beyond what a property may be."""
    if "minimum" in schema:
        yield schema["minimum"] - 1
    if "maximum" in schema:
        yield schema["maximum"] + 1
    if "exclusiveMinimum" in schema:
        yield schema["exclusiveMinimum"]
    if "exclusiveMaximum" in schema:
        yield schema["exclusiveMaximum"]
    if "maxLength" in schema:
        yield "x" * (schema["maxLength"] + 1)
    if schema.get("type") == "string" and "enum" in schema:
        yield "x" + schema["enum"][0]
    if schema.get("minLength"):
        yield ""


def test_values_beyond_their_limits_are_refused(described):
    for path, operation, body in described.requests(JSON):
        for name, property_schema in body["properties"].items():
            if path in UNREAD.get(name, ()):
                continue
            for value in outside(described.resolved(property_schema)):
                needed = {"logprobs": True} if name == "top_logprobs" else {}
                sent = {**described.example(body), **needed, name: value}
                answer = described.post(path, sent)
                assert answer.status_code == 400, f"{path} takes {name} = {value!r:.40}: {answer.text[:200]}"
                described.check(answer, operation, "default")
                told = answer.text[:600]
                assert name.removeprefix("vad_") in told, f"{path} refuses {name} = {value!r:.40} so: {told}"


def test_values_at_their_limits_are_accepted(server):
    """Where it costs little; the ends belong to the range."""
    for service, path in (("tts", "/synthesize"), ("vad", "/detect"), ("stt", "/transcribe")):
        described = Described(server, service)
        body = next(body for found, _, body in described.requests(JSON) if found == path)
        for name, schema in body["properties"].items():
            schema = described.resolved(schema)
            for value in [schema[end] for end in ("minimum", "maximum") if end in schema] + schema.get("enum", []):
                answer = server.post(service, path, {**described.example(body), name: value})
                assert answer.status_code == 200, f"{path} refuses {name} = {value}: {answer.text[:200]}"


def test_what_can_be_asked_for_is_answered_as_described(described):
    server, service = described.server, described.service
    if service == "core":
        server.post("core", "/api/text", {"text": "Hello", "user_id": "openapi"})
    models = [path for path, _ in described.operations("get") if path in ("/models", "/v1/models")]
    listed = server.get(service, models[0]).json()
    names = {"/voices/{name}": "/voices/default", "{user_id}": "openapi",
             "{name}": (listed.get("models") or listed.get("data"))[0]["id"]}
    checked = set()
    for method in ("get", "delete"):
        for path, operation in described.operations(method):
            if not described.answer_schema(operation) or "{owner}" in path:
                continue  # there is no body; or no model of the tests has a slash in its name
            for placeholder, value in names.items():
                path = path.replace(placeholder, value)
            answer = requests.request(method, server.url(service, described.opened(path)), timeout=60)
            assert answer.status_code == 200, f"{path}: {answer.text[:200]}"
            described.check(answer, operation)
            checked.add(path)
    assert {"/health", "/status", "/ready", "/version", "/"} <= checked


def test_other_methods_than_those_described_are_refused_and_the_right_ones_named(described):
    with requests.Session() as session:
        for pattern, operations in described.document["paths"].items():
            path = pattern.replace("{", "").replace("}", "")
            allowed = described.methods(path)
            for method in set(METHODS) - allowed:
                answer = session.request(method, described.server.url(described.service, path), json={}, timeout=60)
                assert answer.status_code == 405, f"{method} {path}: {answer.status_code}"
                assert answer.headers["Allow"].split(", ") == [name for name in METHODS if name in allowed], path
                operation = next(iter(operations.values()))
                if method != "HEAD" and "x-websocket" not in operation:
                    described.check(answer, operation, "default")


@pytest.mark.parametrize("service,path,fields", [
    ("stt", "/transcribe", {}),
    ("stt", "/transcribe", {"word_timestamps": "true", "vad_threshold": "0.4"}),
    ("stt", "/transcribe", {"response_format": "verbose_json", "timestamp_granularities": "word,segment"}),
    ("stt", "/v1/audio/transcriptions", {}),
    ("stt", "/v1/audio/transcriptions", {"response_format": "verbose_json", "timestamp_granularities[]": "word"}),
    ("stt", "/detect-language", {}),
    ("vad", "/detect", {}),
    ("vad", "/turn", {}),
    ("core", "/api/audio", {"user_id": "openapi_form", "metadata": '{"generate_audio": true}'}),
])
def test_recordings_are_answered_as_described(server, jfk, service, path, fields):
    described = Described(server, service)
    operation, body = next((operation, body) for found, operation, body in described.requests(FORM) if found == path)
    assert body["required"] == ["file"]
    assert {name.removesuffix("[]") for name in fields} <= set(body["properties"])
    with open(jfk.path, "rb") as recording:
        answer = server.post(service, path, files={"file": recording}, data=fields)
    assert answer.status_code == 200, answer.text[:200]
    described.check(answer, operation)


@pytest.mark.parametrize("service,path,fields", [
    ("tts", "/synthesize", {"text": "Hello", "voice": "nobody"}),
    ("tts", "/synthesize", {"text": "Hello", "format": "midi"}),
    ("tts", "/synthesize", {"text": "Hello", "language": "xx"}),
    ("tts", "/synthesize", {"text": "Hello", "model": "another"}),
    ("tts", "/v1/audio/speech", {"input": "Hello", "voice": "nobody"}),
    ("llm", "/v1/chat/completions", {"messages": [{"role": "user", "content": "Hello"}], "tool_choice": "x"}),
    ("stt", "/transcribe", {"audio_data": "not base64"}),
])
def test_refusals_are_as_described(server, service, path, fields):
    described = Described(server, service)
    operation = dict(described.operations("post"))[path]
    answer = server.post(service, path, fields)
    assert answer.status_code in (400, 404), answer.text[:200]
    described.check(answer, operation, "default")
