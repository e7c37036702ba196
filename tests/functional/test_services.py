"""What every service offers: health, version, metrics, its interface and a page about it."""

import pytest

from conftest import SERVICES


@pytest.mark.parametrize("service", SERVICES)
def test_is_healthy_and_says_of_what_it_is_made(server, service):
    health = server.get(service, "/health").json()
    assert health["status"] == "healthy" and health["service"] == service
    assert health["uptime_seconds"] >= 0 and health["models"] and health["parts"]
    version = server.get(service, "/version").json()
    assert version["version"] == health["version"]
    assert server.get(service, "/ready").status_code == 200


@pytest.mark.parametrize("service", SERVICES)
def test_metrics_count_the_requests(server, service):
    def health_requests():
        lines = [line for line in server.get(service, "/metrics").text.splitlines()
                 if line.startswith("morgan_requests_total") and 'endpoint="/health"' in line and f'service="{service}"' in line]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    server.get(service, "/health")
    before = health_requests()
    server.get(service, "/health")
    assert health_requests() == before + 1


@pytest.mark.parametrize("service", SERVICES)
def test_describes_its_interface(server, service):
    described = server.get(service, "/openapi.json").json()
    assert described["openapi"].startswith("3.") and described["paths"]
    page = server.get(service, "/docs")
    assert page.headers["Content-Type"].startswith("text/html") and "openapi.json" in page.text
    for path, operations in described["paths"].items():
        if "{" in path or path.startswith("/ws"):
            continue
        for method in operations:
            answer = server.post(service, path, {}) if method == "post" else server.get(service, path)
            # Refused is fine, unknown or broken is not.
            assert answer.status_code not in (404, 405, 500, 501), f"{method} {path}: {answer.text[:200]}"


def test_core_has_a_start_page(server):
    page = server.get("core", "/", headers={"Accept": "text/html"})
    assert page.status_code == 200 and "Morgan" in page.text


def test_answers_carry_the_request_id(server):
    answer = server.get("core", "/health", headers={"X-Request-ID": "req_mine"})
    assert answer.headers["X-Request-ID"] == "req_mine"


@pytest.mark.parametrize("service", SERVICES)
def test_unknown_addresses_and_methods_are_told(server, service):
    missing = server.get(service, "/nothing/here")
    assert missing.status_code == 404 and missing.json()["error"] == "NOT_FOUND"
    wrong = server.post(service, "/health", {})
    assert wrong.status_code == 405 and "GET" in wrong.headers["Allow"]
