#!/usr/bin/env python3
"""Resident memory of idle WebSocket sessions: opens many, says nothing, and reads the server's VmRSS.

    bench/idle_sessions.py build/release/bin/morgan $MORGAN_HOME/models [--counts 1000,2000] [--path /ws/audio]
    bench/idle_sessions.py --url ws://127.0.0.1:8000/ws/audio --pid PID
"""

import argparse
import base64
import os
import pathlib
import resource
import socket
import time
import urllib.parse

from morgan_server import MorganServer

SETTLED_KB = 64  # two readings in a row closer than this
READING_PAUSE_S = 0.5


def resident_kb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise KeyError("VmRSS")


def settled_kb(pid):
    last = resident_kb(pid)
    while True:
        time.sleep(READING_PAUSE_S)
        now = resident_kb(pid)
        if abs(now - last) < SETTLED_KB:
            return now
        last = now


def connect(url):
    parts = urllib.parse.urlsplit(url)
    client = socket.create_connection((parts.hostname, parts.port or 80), timeout=10)
    key = base64.b64encode(os.urandom(16)).decode()
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    client.sendall(
        f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    answer = b""
    while b"\r\n\r\n" not in answer:
        got = client.recv(4096)
        if not got:
            break
        answer += got
    if not answer.startswith(b"HTTP/1.1 101"):
        raise SystemExit(f"idle_sessions: the server answered {answer[:300]!r}")
    return client


def send_text(client, text):
    """One masked text frame; the mask is zero, which is one, too."""
    data = text.encode()
    assert len(data) < 126
    client.sendall(bytes([0x81, 0x80 | len(data)]) + bytes(4) + data)


def measure(url, pid, counts, first_message):
    # What the server keeps after its first sessions (threads' heaps, tables) is not the sessions' own.
    for client in [connect(url) for _ in range(20)]:
        client.close()
    base = settled_kb(pid)
    print(f"no session: {base / 1000:.1f} MB resident")
    clients = []
    for count in counts:
        while len(clients) < count:
            clients.append(connect(url))
            if first_message:
                send_text(clients[-1], first_message)
        now = settled_kb(pid)
        print(f"{count} idle sessions: {now / 1000:.1f} MB, {(now - base) / count:.1f} kB each")
    for client in clients:
        client.close()
    print(f"all closed: {settled_kb(pid) / 1000:.1f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", nargs="?")
    parser.add_argument("models", nargs="?")
    parser.add_argument("--url", help="a server that runs already")
    parser.add_argument("--pid", type=int, help="its process")
    parser.add_argument("--path", default="/ws/audio")
    parser.add_argument("--counts", default="1000,2000")
    parser.add_argument("--first-message", default="", help="sent once by each session, such as {\"type\":\"start\"}")
    options = parser.parse_args()
    counts = [int(count) for count in options.counts.split(",")]
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(counts) + 100), hard))
    if options.url and options.pid:
        measure(options.url, options.pid, counts, options.first_message)
    elif options.binary and options.models:
        with MorganServer(options.binary, options.models) as server:
            url = f"ws://127.0.0.1:{server.ports['core']}{options.path}"
            measure(url, server.process.pid, counts, options.first_message)
    else:
        parser.error("give a binary and its models, or --url and --pid")


if __name__ == "__main__":
    main()
