"""What the fault runs start: Morgan, PostgreSQL and Redis, each real, on free ports, in folders that go with them."""

import collections
import json
import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("MORGAN_BINARY", ROOT / "build/release/bin/morgan"))
# The smallest model and two tokens an answer: what is measured is the store, and turns come in quick succession.
LIGHT = {"MORGAN_LLM_MODEL": "smollm2-135m", "MORGAN_DIALOGUE_MAX_TOKENS": "2", "MORGAN_DIALOGUE_SYSTEM_PROMPT": "Hi.",
         "MORGAN_DIALOGUE_MAX_HISTORY_MESSAGES": "4", "MORGAN_WYOMING_ENABLED": "false", "MORGAN_LOG_LEVEL": "warn"}
START_LIMIT_S = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, limit, what):
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"faults: {what} did not happen within {limit} s")
        time.sleep(0.01)


class Process:
    """A Morgan with some of its services; start() again after kill()."""

    def __init__(self, home, services, **settings):
        self.home = pathlib.Path(home)
        self.home.mkdir(parents=True, exist_ok=True)
        if not (self.home / "models").exists():
            (self.home / "models").symlink_to(pathlib.Path(os.environ["MORGAN_HOME"]).resolve() / "models")
        self.services = services
        self.ports = {name: free_port() for name in services}
        self.settings = settings
        self.process = None

    def start(self):
        environment = dict(os.environ, MORGAN_HOME=str(self.home), **LIGHT, **self.settings)
        for name, port in self.ports.items():
            environment[f"MORGAN_SERVER_{name.upper()}_PORT"] = str(port)
        log = open(self.home / "server.log", "ab")
        self.process = subprocess.Popen([BINARY, "serve", *self.services], env=environment, stdout=log, stderr=log)
        log.close()
        wait_until(lambda: all(self.answers(name) for name in self.services), START_LIMIT_S, "the start of Morgan")
        return self

    def answers(self, name):
        if self.process.poll() is not None:
            raise SystemExit(f"faults: Morgan ended: {(self.home / 'server.log').read_text()[-2000:]}")
        try:
            self.health(name)
        except OSError:
            return False
        return True

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)

    def url(self, name, path=""):
        return f"http://127.0.0.1:{self.ports[name]}{path}"

    def get(self, name, path):
        with urllib.request.urlopen(self.url(name, path), timeout=30) as answer:
            return json.load(answer)

    def health(self, name):
        try:
            return self.get(name, "/health")
        except urllib.error.HTTPError as error:
            return json.load(error)

    def part(self, name):
        """The state of one of core's parts: healthy, degraded, unhealthy."""
        return self.health("core")["dependencies"].get(name)

    def messages(self, user):
        """All of a user's messages, as the API shows them."""
        found = []
        while True:
            page = self.get("core", f"/api/conversations/{user}?limit=1000&offset={len(found)}")
            found += page["messages"]
            if len(found) >= page["total_messages"]:
                return found


class Postgres:
    def __init__(self):
        versions = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not versions:
            raise SystemExit("faults: PostgreSQL is not installed; Debian: apt-get install postgresql")
        self.programs = versions[-1].parent
        self.port = free_port()
        self.folder = tempfile.mkdtemp(prefix="morgan-faults-postgres-")
        if os.getuid() == 0:  # PostgreSQL does not run as root
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        self.run("initdb", "-D", f"{self.folder}/data", "-U", "morgan", "-A", "trust", "-E", "UTF8")
        self.start()
        self.run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "morgan", "morgan")
        self.url = f"postgresql://morgan@127.0.0.1:{self.port}/morgan"

    def run(self, program, *arguments):
        command = [self.programs / program, *arguments]
        if os.getuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        subprocess.run(command, cwd=self.folder, check=True, stdout=subprocess.DEVNULL)

    def start(self):
        self.run("pg_ctl", "start", "-w", "-s", "-D", f"{self.folder}/data", "-l", f"{self.folder}/log", "-o",
                 f"-p {self.port} -k '' -c listen_addresses=127.0.0.1")

    def stop(self, mode="fast"):
        self.run("pg_ctl", "stop", "-w", "-s", "-D", f"{self.folder}/data", "-m", mode)

    def close(self):
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)


class Redis:
    def __init__(self):
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        self.process = subprocess.Popen(["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""],
                                        stdout=subprocess.DEVNULL)
        wait_until(self.answers, 10, "the start of Redis")

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def stop(self):
        self.process.kill()
        self.process.wait()

    close = stop


class Talkers:
    """Users who talk without pause; what was acknowledged to them is kept here."""

    def __init__(self, morgan, count):
        self.morgan = morgan
        self.turns = {f"user{number}": [] for number in range(count)}  # acknowledged: (said, answered)
        self.said = collections.Counter()
        self.failures = []
        self.seconds = []

    def __enter__(self):
        self.talking = True
        self.threads = [threading.Thread(target=self.talk, args=(user,)) for user in self.turns]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.talking = False
        for thread in self.threads:
            thread.join()

    def talk(self, user):
        while self.talking:
            self.said[user] += 1
            text = f"Message {self.said[user]}."
            began = time.perf_counter()
            request = urllib.request.Request(self.morgan.url("core", "/api/text"),
                                             json.dumps({"text": text, "user_id": user}).encode(),
                                             {"Content-Type": "application/json"})
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    self.turns[user].append((text, json.load(answer)["text"]))
                self.seconds.append(time.perf_counter() - began)
            except urllib.error.HTTPError as error:
                self.failures.append(f"{error.code} {error.read()[:300]!r}")
            except (OSError, ValueError) as error:
                if not self.talking:
                    return
                self.failures.append(repr(error))
                time.sleep(0.02)

    def acknowledged(self):
        return sum(map(len, self.turns.values()))

    def check(self):
        """Every acknowledged turn is stored once and in order. @return the messages stored"""
        stored = 0
        for user, turns in self.turns.items():
            messages = self.morgan.messages(user)
            stored += len(messages)
            if [message["sequence"] for message in messages] != list(range(1, len(messages) + 1)):
                raise SystemExit(f"faults: the messages of {user} are not numbered without gaps")
            said = [message["content"] for message in messages if message["role"] == "user"]
            if len(set(said)) != len(said):
                raise SystemExit(f"faults: {user} has a message twice")
            if [int(text.split()[1][:-1]) for text in said] != sorted(int(text.split()[1][:-1]) for text in said):
                raise SystemExit(f"faults: the messages of {user} are out of order")
            roles = [message["role"] for message in messages]
            if ("assistant", "assistant") in zip(roles, roles[1:]):
                raise SystemExit(f"faults: {user} has an answer twice")
            pairs = [(one["content"], other["content"]) for one, other in zip(messages, messages[1:])
                     if (one["role"], other["role"]) == ("user", "assistant")]
            lost = set(turns) - set(pairs)
            if lost:
                raise SystemExit(f"faults: {user} lost {len(lost)} acknowledged turns, the first {min(lost)}")
        return stored


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def random_of(seed):
    return random.Random(seed)
