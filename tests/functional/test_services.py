"""What every service offers: health, version, metrics, its interface and pages about it."""

import re

import pytest
import requests

from conftest import SERVICES

SAMPLE = re.compile(r'[a-zA-Z_:][\w:]*(\{([a-zA-Z_]\w*="(\\.|[^"\\])*",?)*\})? (NaN|[+-]?(Inf|[0-9.]+([eE][+-]?\d+)?))')


@pytest.mark.parametrize("service", SERVICES)
def test_is_healthy_and_says_of_what_it_is_made(server, service):
    health = server.get(service, "/health").json()
    assert health["status"] == "healthy" and health["service"] == service
    assert health["uptime_seconds"] >= 0 and health["models"] and health["parts"]
    assert all(part["status"] == "healthy" for part in health["parts"])
    assert health["memory_usage"]["rss"] > 10_000_000
    assert server.get(service, "/ready").json() == {"ready": True, "status": "healthy"}


def test_core_depends_on_the_other_services(server):
    health = server.get("core", "/health").json()
    assert health["services"] == {"llm": True, "tts": True, "stt": True, "vad": True}
    assert {"llm", "tts", "stt", "vad", "embed", "store"} <= set(health["dependencies"])


@pytest.mark.parametrize("service", SERVICES)
def test_tells_its_version(server, service):
    version = server.get(service, "/version").json()
    assert version["service"] == service and re.fullmatch(r"\d+\.\d+\.\d+", version["version"])
    assert version["version"] == server.get(service, "/health").json()["version"]
    assert version["libraries"] and all(version["libraries"].values())


@pytest.mark.parametrize("service", SERVICES)
def test_metrics_are_in_prometheus_text_form(server, service):
    server.get(service, "/health")
    answer = server.get(service, "/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    typed = set()
    for line in answer.text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert kind in ("counter", "gauge", "histogram", "summary", "untyped") and name not in typed
            typed.add(name)
        elif not line.startswith("#"):
            assert SAMPLE.fullmatch(line), line
            name = line.split("{")[0].split(" ")[0]
            assert name in typed or re.sub("_(bucket|sum|count)$", "", name) in typed, f"{name} has no type"
    assert "morgan_requests_total" in typed and answer.text.endswith("\n")


@pytest.mark.parametrize("service", SERVICES)
def test_metrics_count_the_requests(server, service):
    def health_requests():
        lines = [line for line in server.get(service, "/metrics").text.splitlines()
                 if line.startswith("morgan_requests_total")
                 and 'endpoint="/health"' in line and f'service="{service}"' in line]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    server.get(service, "/health")
    before = health_requests()
    server.get(service, "/health")
    assert health_requests() == before + 1


def somethings_id(server, service, path):
    if path.startswith("/api/timers"):
        assert server.post("core", "/api/text", {"text": "Set a timer for an hour."}).status_code == 200
        return server.get("core", "/api/timers").json()["timers"][0]["id"]
    start = "/audio/stream/start" if path.startswith("/audio") else "/stream/start"
    return server.post(service, start, {}).json()["session_id"]


@pytest.mark.parametrize("service", SERVICES)
def test_every_described_address_answers(server, service):
    described = server.get(service, "/openapi.json").json()
    assert described["openapi"].startswith("3.") and described["info"]["title"] and len(described["paths"]) >= 8
    names = {"{user_id}": "somebody", "/voices/{name}": "/voices/joe", "/api/tools/{name}": "/api/tools/time"}
    models = server.get(service, "/models")
    names["{name}"] = models.json()["models"][0]["id"] if models.status_code == 200 else "whisper-base"
    for path, operations in described["paths"].items():
        for placeholder, value in names.items():
            path = path.replace(placeholder, value)
        if "{memory_id}" in path:
            made = server.post("core", "/api/memories", {"text": "I like tea.", "user_id": "somebody"}).json()
            path = path.replace("{memory_id}", made["memory"]["id"])
        if "{id}" in path:
            # Of a session that is there; each path has its own, for some of them end it.
            path = path.replace("{id}", somethings_id(server, service, path))
        for method, operation in operations.items():
            body = {"json": {}} if method == "post" else {}
            answer = requests.request(method, server.url(service, path), timeout=60, **body)
            if "{owner}" in path or "{call_id}" in path:
                # A loaded model has no owner, and a call needs a peer: the handler answers, not the router.
                assert answer.status_code == 404 and answer.json()["error"]["param"] in ("model", "call_id"), answer.text
                continue
            # Refused is fine, unknown or broken is not.
            assert answer.status_code not in (404, 405, 500, 501), f"{method} {path}: {answer.text[:200]}"
            if operation.get("x-websocket"):
                assert answer.status_code == 426
            elif method == "get":
                assert answer.status_code == 200, f"{path}: {answer.text[:200]}"


@pytest.mark.parametrize("service", SERVICES)
def test_every_reference_in_the_description_leads_somewhere(server, service):
    described = server.get(service, "/openapi.json").json()
    seen = []

    def visit(node):
        if isinstance(node, dict):
            seen.extend([node["$ref"]] if isinstance(node.get("$ref"), str) else [])
        for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
            visit(inner)

    visit(described)
    missing = {name for name in seen if name.rsplit("/", 1)[1] not in described["components"]["schemas"]}
    assert seen and not missing
    operations = [operation for path in described["paths"].values() for operation in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)


@pytest.mark.parametrize("service", SERVICES)
def test_has_a_page_about_itself(server, service):
    page = server.get(service, "/docs")
    assert page.status_code == 200 and page.headers["Content-Type"].startswith("text/html")
    assert "openapi.json" in page.text and "<html" in page.text
    assert not re.search(r'(src="|<link[^>]*href=")(https?:)?//', page.text), "the page loads something from elsewhere"


def test_core_has_a_start_page(server):
    page = server.get("core", "/", headers={"Accept": "text/html"})
    assert page.status_code == 200 and "<html" in page.text and "Morgan" in page.text
    assert server.get("core", "/").json()["docs"] == "/docs"


def test_answers_carry_the_request_id(server):
    answer = server.get("core", "/health", headers={"X-Request-ID": "req_mine"})
    assert answer.headers["X-Request-ID"] == "req_mine"
    made = {server.get("core", "/health").headers["X-Request-ID"] for _ in range(3)}
    assert len(made) == 3


@pytest.mark.parametrize("service", SERVICES)
def test_unknown_addresses_and_methods_are_told(server, service):
    missing = server.get(service, "/nothing/here")
    assert missing.status_code == 404 and missing.json()["error"] == "NOT_FOUND"
    wrong = server.post(service, "/health", {})
    assert wrong.status_code == 405 and "GET" in wrong.headers["Allow"]


@pytest.mark.parametrize("service", SERVICES)
def test_health_can_be_asked_without_a_body(server, service):
    answer = requests.head(server.url(service, "/health"), timeout=10)
    assert answer.status_code == 200 and answer.content == b""
