"""Clients that do not speak HTTP as they should, or leave in the middle."""

import socket

import pytest
import requests

from conftest import SERVICES, refused, wait_until

pytestmark = pytest.mark.usefixtures("stays_healthy")


def exchange(server, data, service="core", stays=False):
    """Sends bytes, then nothing more; who stays could. @return all that comes back until the server closes"""
    with socket.create_connection(("127.0.0.1", server.ports[service]), timeout=15) as connection:
        connection.sendall(data)
        if not stays:
            connection.shutdown(socket.SHUT_WR)
        received = b""
        while piece := connection.recv(65536):
            received += piece
        return received


def answers_in(received):
    """@return status, headers and body of each answer; all of it must be answers"""
    found = []
    while received:
        head, end, rest = received.partition(b"\r\n\r\n")
        assert end and head.startswith(b"HTTP/1.1 "), received[:200]
        status, *lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        length = int(headers["content-length"])
        assert len(rest) >= length, "the last answer is cut short"
        found.append((int(status.split()[1]), headers, rest[:length]))
        received = rest[length:]
    return found


def post(head, body=b"", path=b"/api/text"):
    return b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + head + b"\r\n\r\n" + body


@pytest.mark.parametrize("request_bytes, status", [
    (b"GARBAGE\r\n\r\n", 400), (b"\x16\x03\x01\x02\0\1\0\1\xfc\x03\x03" + bytes(300), 400),
    (b"\0" * 200 + b"\r\n\r\n", 400),
    (b"GET /health HTTP/9.9\r\nHost: localhost\r\n\r\n", 400), (b"GET /health\r\n\r\n", 400),
    (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 431),
    (b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", 431),
    (b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 20_000 + b"\r\n", 431),
    (post(b"Content-Length: -5", b"{}"), 400), (post(b"Content-Length: 99999999999999999999", b"{}"), 400),
    (post(b"Content-Length: 999999999999"), 413), (post(b"Transfer-Encoding: chunked", b"ZZZ\r\n"), 400),
    (post(b"Transfer-Encoding: chunked", b"fffffffffffffff\r\n" + bytes(3_000_000)), 413),
    (post(b"Content-Length: 2\r\nTransfer-Encoding: chunked", b"2\r\n{}\r\n0\r\n\r\n"), 400),
    (post(b"Content-Length: 2\r\nContent-Length: 3", b"{} "), 400)],
    ids=["garbage", "tls", "zeros", "version", "0.9", "long address", "long header", "many headers", "negative",
         "overflow",
         "terabyte", "bad chunk", "huge chunk", "both lengths", "two lengths"])
def test_what_is_not_http(server, request_bytes, status):
    answer = exchange(server, request_bytes)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode()), answer[:200]
    assert b'"error"' in body and b'"message"' in body


@pytest.mark.parametrize("service", SERVICES)
def test_a_hundred_requests_at_once_are_answered_in_their_order(server, service):
    """What is answered at once overtakes nothing that a worker answers."""
    paths = ["/version", "/models" if service == "vad" else "/v1/models", "/docs", "/nowhere"] * 25
    heads = [f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: {number}\r\n"
             for number, path in enumerate(paths)]
    sent = "\r\n".join(heads) + "Connection: close\r\n\r\n"
    answers = answers_in(exchange(server, sent.encode(), service, stays=True))
    assert [headers["x-request-id"] for _, headers, _ in answers] == [str(number) for number in range(100)]
    assert [status for status, _, _ in answers] == [200, 200, 200, 404] * 25
    assert all(len({body for _, _, body in answers[kind::4]}) == 1 for kind in range(3)), "one has another's body"


@pytest.mark.parametrize("junk", [b"GARBAGE\r\n\r\n", bytes(50_000),
                                  b"\x16\x03\x01\x02\0\1\0\1\xfc\x03\x03" + bytes(300),
                                  b"GET /version HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n" * 50],
                         ids=["garbage", "zeros", "tls", "requests"])
def test_junk_behind_good_requests_spoils_none_of_their_answers(server, junk):
    sent = b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50
    *good, bad = answers_in(exchange(server, sent + junk, stays=True))
    assert [status for status, _, _ in good] == [200] * 50 and len({body for _, _, body in good}) == 1
    status, headers, body = bad
    assert status == 400 and headers["connection"] == "close" and b'"message"' in body


def test_a_body_that_ends_early_is_not_taken_for_a_whole_one(server):
    said = b'{"text":"Hi","user_id":"early"}'
    answer = exchange(server, post(b"Content-Length: 100", said))
    assert not answer.startswith(b"HTTP/1.1 2")
    assert server.get("core", "/api/conversations/early").json()["messages"] == []


@pytest.mark.parametrize("path",
                         ["/voices/..%2f..%2fetc%2fpasswd", "/voices/../health", "/models/..%2f",
                          "/%2e%2e/%2e%2e/etc/passwd",
                                  "/docs/../../etc/passwd", "//etc/passwd", "/v1/models/..%2f..%2fetc",
                                  "/voices/" + "x" * 5000])
def test_an_address_leads_to_no_file(server, path):
    request = requests.Request("GET", server.url("tts", "/")).prepare()
    request.url = server.url("tts", path)  # as it is: requests would tidy it up
    with requests.Session() as session:
        refused(session.send(request, timeout=15), 404)


@pytest.mark.parametrize("path", ["//v1/models", "/v1//models", "///v1/models//"])
def test_doubled_slashes_count_as_one(server, path):
    request = requests.Request("GET", server.url("llm", "/")).prepare()
    request.url = server.url("llm", path)
    with requests.Session() as session:
        assert session.send(request, timeout=15).json()["object"] == "list"


def test_refusals_of_an_address_say_how_long_they_took(server):
    for method, path, status in (("GET", "/nowhere", 404), ("DELETE", "/api/text", 405), ("GET", "/v1/nowhere", 404)):
        answer = requests.request(method, server.url("core", path), timeout=15)
        refused(answer, status)
        assert float(answer.headers["X-Process-Time"]) >= 0


@pytest.mark.parametrize("path", ["/voices/%00", "/voices/%ff", "/voices/%"])
def test_an_address_that_cannot_be_read(server, path):
    request = requests.Request("GET", server.url("tts", "/")).prepare()
    request.url = server.url("tts", path)
    with requests.Session() as session:
        answer = session.send(request, timeout=15)
    assert answer.status_code in (400, 404) and answer.json()["error"] and answer.json()["message"]


def test_a_client_that_leaves_ends_its_work(server):
    def active(service):
        return server.get(service, "/health").json()["active_requests"]

    text = "This is one of very many sentences that nobody will ever hear. " * 100
    speech = server.post("tts", "/synthesize", {"text": text, "format": "pcm"}, stream=True)
    assert next(speech.iter_content(1000)) and active("tts") == 1
    speech.close()
    wait_until(lambda: active("tts") == 0, 10, "the end of an unheard speech")

    chat = {"messages": [{"role": "user", "content": "Write a very long story about the sea."}], "stream": True,
            "max_tokens": 3000}
    story = server.post("llm", "/v1/chat/completions", chat, stream=True)
    assert next(story.iter_lines()) and active("llm") == 1
    story.close()
    wait_until(lambda: active("llm") == 0, 10, "the end of an unread story")


def test_many_idle_connections_keep_nobody_waiting(server):
    idle = []
    try:
        for service in SERVICES:
            for _ in range(40):
                connection = socket.create_connection(("127.0.0.1", server.ports[service]), timeout=15)
                connection.sendall(b"POST /api/text HTTP/1.1\r\nHost: localhost\r\nContent-Len")
                idle.append(connection)
        assert server.get("tts", "/voices").elapsed.total_seconds() < 2
        answer = server.post("core", "/api/text", {"text": "Hi", "user_id": "between"})
        assert answer.status_code == 200
    finally:
        for connection in idle:
            connection.close()
