"""A Morgan of the bench's own, on free ports, with a home of its own."""

import contextlib
import http.client
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import time

SERVICES = ("core", "llm", "tts", "stt", "vad")
START_LIMIT_S = 120


def free_ports(names):
    """All are held until the last is found, else one may be given twice."""
    with contextlib.ExitStack() as held:
        probes = {name: held.enter_context(socket.socket()) for name in names}
        for probe in probes.values():
            probe.bind(("127.0.0.1", 0))
        return {name: probe.getsockname()[1] for name, probe in probes.items()}


class MorganServer:
    """Started by `with`; `startup_s` is from the start of the process to healthy on all five.

    @param cache     a folder that outlives this server: what a first start has made for the next ones
    @param settings  further variables, MORGAN_...
    """

    def __init__(self, binary, models, cache=None, settings=None):
        self.binary, self.models, self.cache = binary, pathlib.Path(models), cache
        self.settings = settings or {}
        self.ports = free_ports(SERVICES)

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory()
        (pathlib.Path(self._folder.name) / "models").symlink_to(self.models.resolve())
        if self.cache:
            (pathlib.Path(self._folder.name) / "cache").symlink_to(self.cache)
        environment = dict(os.environ, MORGAN_HOME=self._folder.name, MORGAN_LOG_LEVEL="warn",
                           MORGAN_WYOMING_ENABLED="false", MORGAN_CACHE_SPEECH_MB="0")
        environment.update(self.settings)
        for name, port in self.ports.items():
            environment[f"MORGAN_SERVER_{name.upper()}_PORT"] = str(port)
        began = time.perf_counter()
        self.process = subprocess.Popen([self.binary, "serve"], env=environment, stdout=subprocess.DEVNULL)
        waiting = set(SERVICES)
        while waiting:
            if self.process.poll() is not None or time.perf_counter() - began > START_LIMIT_S:
                raise SystemExit("bench: morgan serve did not become healthy")
            waiting = {name for name in waiting if not self._healthy(name)}
            if waiting:
                time.sleep(0.005)
        self.startup_s = time.perf_counter() - began
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=30)
        self._folder.cleanup()

    def _healthy(self, name):
        try:
            return json.loads(self.get(name, "/health"))["status"] == "healthy"
        except OSError:
            return False

    def memory_mb(self, field="VmRSS"):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
        raise KeyError(field)

    def get(self, service, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[service], timeout=5)
        connection.request("GET", path)
        body = connection.getresponse().read()
        connection.close()
        return body

    def post(self, service, path, body, content_type="application/json", accept="*/*"):
        """@return (connection, response), so that the caller may read the answer as it comes"""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[service], timeout=900)
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        connection.request("POST", path, data, {"Content-Type": content_type, "Accept": accept})
        response = connection.getresponse()
        if response.status != 200:
            raise SystemExit(f"bench: {path} answered {response.status}: {response.read()[:300]!r}")
        return connection, response

    def post_whole(self, service, path, body, content_type="application/json"):
        connection, response = self.post(service, path, body, content_type)
        answer = response.read()
        connection.close()
        return answer


def multipart(fields, file_field, file_name, content):
    """@return (body, content type)"""
    boundary = "morgan-bench-boundary"
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
             for name, value in fields.items()]
    head = (f'--{boundary}\r\nContent-Disposition: form-data; name="{file_field}"; filename="{file_name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n")
    parts += [head.encode(), content, f"\r\n--{boundary}--\r\n".encode()]
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"
