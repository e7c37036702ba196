"""Clients that do not speak HTTP as they should, or leave in the middle."""

import socket

import pytest
import requests

from conftest import SERVICES, refused, wait_until

pytestmark = pytest.mark.usefixtures("stays_healthy")


def exchange(server, data, service="core"):
    """Sends bytes, then nothing more. @return all that comes back until the server closes"""
    with socket.create_connection(("127.0.0.1", server.ports[service]), timeout=15) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while piece := connection.recv(65536):
            received += piece
        return received


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
