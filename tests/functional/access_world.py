"""A Morgan that asks everybody for a key, also this machine, and speaks TLS: as others in the network see it."""

import contextlib
import json
import subprocess

import requests

from conftest import BINARY, Server

NEEDS_KEYS = {"MORGAN_ACCESS_LOCAL_NEEDS_KEY": "true"}
START_LIMIT = 60  # seconds


class GuardedServer(Server):
    """With keys of several kinds; `get` and `post` take the name of one as `key`."""

    def __init__(self, home):
        super().__init__(home)
        self.run("tls", "self-signed")
        self.ca = str(home / "tls/cert.pem")
        self.keys = {"anna": self.create("--user", "anna"), "ben": self.create("--user", "ben"),
                     "admin": self.create("--admin"),
                     "speaker": self.create("--user", "anna", "--scopes", "tts"),
                     "monitor": self.create("--admin", "--scopes", "metrics")}

    def run(self, *arguments, code=0):
        done = subprocess.run([BINARY, *arguments], env=self.environment(), capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def create(self, *options):
        """@return {"key", "id", ...}"""
        return json.loads(self.run("--json", "keys", "create", *options).stdout)

    def url(self, service, path):
        return f"https://localhost:{self.ports[service]}{path}"

    def headers(self, key):
        return {"Authorization": "Bearer " + self.keys[key]["key"]} if key else {}

    def get(self, service, path, key=None, **options):
        return self.call("GET", service, path, key, **options)

    def post(self, service, path, body=None, key=None, **options):
        return self.call("POST", service, path, key, json=body, **options)

    def call(self, method, service, path, key=None, headers=None, **options):
        return requests.request(method, self.url(service, path), headers={**self.headers(key), **(headers or {})},
                                verify=self.ca, timeout=120, **options)


class OneService:
    """`morgan serve vad`, which starts in a moment, with settings of its own."""

    def __init__(self, home):
        self.server = Server(home)
        self.port = self.server.ports["vad"]
        self.process, self.told = None, ""

    def start(self, *options, **settings):
        self.process = subprocess.Popen([BINARY, "--json", "serve", "vad", *options], text=True,
                                        env=self.server.environment(**settings), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=open(self.server.home / "log", "w"))
        line = self.process.stdout.readline()
        assert line, (self.server.home / "log").read_text()
        self.told = json.loads(line)
        return self

    def fails(self, *options, **settings):
        """Starts a server that must refuse to. @return exit code and what it says"""
        done = subprocess.run([BINARY, "serve", "vad", *options], env=self.server.environment(**settings), text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=START_LIMIT, check=False)
        return done.returncode, done.stderr

    def log(self):
        return (self.server.home / "log").read_text()

    def run(self, *arguments):
        done = subprocess.run([BINARY, *arguments], env=self.server.environment(), capture_output=True, text=True,
                              timeout=60, stdin=subprocess.DEVNULL, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=30)
            self.process.stdout.close()


@contextlib.contextmanager
def one_service(home):
    made = OneService(home)
    try:
        yield made
    finally:
        made.stop()


