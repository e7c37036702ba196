#!/usr/bin/env python3
"""Morgan's HTTP under load, and what it costs: requests per second, overhead of a chat, open WebSockets.

    http_load.py build/release/bin/morgan $MORGAN_HOME/models [--only PART...] [--seconds 10] [--json FILE]

Needs `scripts/build.sh release http_load chat_bench`; both are looked for beside the binary. The parts:

    health   GET /health of core, 64 connections
    cached   POST /synthesize of a text whose speech is kept (X-Cache: hit), 64 connections
    chat     POST /v1/chat/completions of llm, one token, the same prompt, --requests of them one after another; against
             the engine in a process without HTTP, in turns. And, request by request, against the times that the answer
             itself tells (`timings`: the model's computing only)
    sockets  --sessions open WebSockets (/ws/audio), --active of which talk for --talk seconds
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import idle_sessions
from morgan_server import MorganServer
from run import machine, print_table

PARTS = ("health", "cached", "chat", "sockets")
CHAT = {"messages": [{"role": "user", "content": "Is water wet? Say yes or no."}], "max_tokens": 1, "temperature": 0}
SPOKEN = {"text": "Yes.", "voice": "joe", "format": "mp3"}
ROUNDS = 4  # of HTTP and engine in turns


def row(measure, value, goal=""):
    return {"measure": measure, "morgan": value, "goal": goal}


def share(values, part):
    return sorted(values)[int(part * (len(values) - 1))]


class Bench:
    def __init__(self, options, server):
        self.options, self.server = options, server
        self.tools = pathlib.Path(options.binary).resolve().parent

    def load(self, service, path, *words):
        url = f"http://127.0.0.1:{self.server.ports[service]}{path}"
        done = subprocess.run([self.tools / "http_load", "--json", *words, url], stdout=subprocess.PIPE, text=True,
                              check=False)
        if not done.stdout:
            raise SystemExit("http_load: the client failed")
        return json.loads(done.stdout)

    def rate(self, what, figures):
        return [row(f"{what}, {figures['connections']} connections",
                    f"{figures['per_second']:,.0f} a second, {figures['failures']} failed", "30,000, none failed"),
                row(f"{what}, p50 and p99", f"{figures['p50_ms']:.2f} ms; {figures['p99_ms']:.2f} ms")]

    def health(self):
        return self.rate("GET /health", self.load("core", "/health", "--seconds", str(self.options.seconds)))

    def cached(self):
        size = len(self.server.post_whole("tts", "/synthesize", SPOKEN))
        figures = self.load("tts", "/synthesize", "--seconds", str(self.options.seconds), "--post", json.dumps(SPOKEN),
                            "--expect", "X-Cache: hit")
        return self.rate(f"POST /synthesize, kept speech of {size} bytes", figures)

    def chat_over_http(self, requests):
        """@return ([whole time], [without what the answer's timings tell]), in milliseconds"""
        with tempfile.NamedTemporaryFile() as answers:
            figures = self.load("llm", "/v1/chat/completions", "--connections", "1", "--requests", str(requests),
                                "--seconds", "900", "--post", json.dumps(CHAT), "--answers", answers.name)
            if figures["failures"]:
                raise SystemExit("http_load: a chat failed")
            whole, rest = [], []
            for line in pathlib.Path(answers.name).read_text().splitlines():
                took, body = line.split("\t", 1)
                timings = json.loads(body)["timings"]
                whole.append(float(took))
                rest.append(float(took) - timings["prompt_ms"] - timings["predicted_ms"])
            return whole, rest

    def chat_in_process(self, requests):
        model = json.loads(self.server.post_whole("llm", "/v1/chat/completions", CHAT))["model"]
        file = next((pathlib.Path(self.options.models) / model).glob("*.gguf"))
        done = subprocess.run([self.tools / "chat_bench", file, json.dumps(CHAT), str(requests)], check=True, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return [float(line) for line in done.stdout.splitlines()]

    def chat(self):
        whole, rest, alone = [], [], []
        for _ in range(ROUNDS):
            more_whole, more_rest = self.chat_over_http(self.options.requests // ROUNDS)
            whole += more_whole
            rest += more_rest
            alone += self.chat_in_process(self.options.requests // ROUNDS)
        (http50, alone50), (http99, alone99) = ((share(whole, part), share(alone, part)) for part in (0.5, 0.99))
        return [row(f"chat of one token over HTTP, p50 and p99 of {len(whole)}", f"{http50:.2f} ms; {http99:.2f} ms"),
                row("the engine alone, p50 and p99", f"{alone50:.2f} ms; {alone99:.2f} ms"),
                row("overhead of HTTP, p50 and p99", f"{http50 - alone50:+.2f} ms; {http99 - alone99:+.2f} ms",
                    "2 ms at p99"),
                row("a request without its own timings, p50 and p99",
                    f"{share(rest, 0.5):.2f} ms; {share(rest, 0.99):.2f} ms")]

    def sockets(self):
        idle_sessions.raise_descriptors(self.options.sessions)
        pid = self.server.process.pid
        url = f"ws://127.0.0.1:{self.server.ports['core']}/ws/audio"
        base, clients = idle_sessions.open_sessions(url, pid, [self.options.sessions], "")
        figures = idle_sessions.talk(pid, base, clients, self.options.active, self.options.talk, None)
        for client in clients:
            client.close()
        what = f"{figures['sessions']} WebSockets, {figures['active']} of them talking for {self.options.talk:.0f} s"
        pongs = f"{figures['pong_p50_ms']:.1f} ms; {figures['pong_p99_ms']:.1f} ms"
        return [row(what, f"{figures['failures']} failures, {figures['kb_each']:.0f} kB each", "no failure"),
                row("a ping's answer meanwhile, p50 and p99", pongs)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("models")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--requests", type=int, default=1200)
    parser.add_argument("--sessions", type=int, default=2000)
    parser.add_argument("--active", type=int, default=50)
    parser.add_argument("--talk", type=float, default=60)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    told = machine()
    print(told)
    rows = []
    settings = {"MORGAN_CACHE_SPEECH_MB": "64"}
    with MorganServer(options.binary, options.models, settings=settings) as server:
        bench = Bench(options, server)
        for part in PARTS:
            if part in options.only:
                rows += getattr(bench, part)()
    print()
    print_table(rows)
    if options.json:
        options.json.write_text(json.dumps({"machine": told, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
