"""The peers that bench/peers.sh put in place; each is None when it is not there."""

import json
import pathlib
import subprocess
import sys


class PipedPeer:
    """A peer that stays loaded and answers a line of JSON for a line of text."""

    def __init__(self, command):
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if not self._process.stdout.readline():
            raise SystemExit(f"bench: {command[1]} did not start; run it by hand to see why")

    def ask(self, line):
        self._process.stdin.write(str(line) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self):
        self._process.stdin.close()
        self._process.wait(timeout=30)


class Peers:
    def __init__(self, root, deps, threads):
        here = pathlib.Path(__file__).parent
        python = root / ".venv-bench/bin/python"
        tools = deps / "engines/bin"
        self.whisper_model = deps / "bench/faster-whisper-base"
        self._python = python if python.exists() else None
        self._here, self._threads = here, threads
        self.llama_bench = tools / "llama-bench" if (tools / "llama-bench").exists() else None
        self.whisper_cli = tools / "whisper-cli" if (tools / "whisper-cli").exists() else None

    def faster_whisper(self, beam_size):
        if self._python is None or not (self.whisper_model / "model.bin").exists():
            return None
        return PipedPeer([str(self._python), str(self._here / "peer_whisper.py"), str(self.whisper_model), str(self._threads),
                          str(beam_size)])

    def piper(self, model):
        return PipedPeer([str(self._python), str(self._here / "peer_piper.py"), str(model)]) if self._python else None

    def missing(self):
        names = {"faster-whisper, piper": self._python, "llama-bench": self.llama_bench, "whisper-cli": self.whisper_cli}
        return [name for name, there in names.items() if there is None]


def run_text(command):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        sys.exit(f"bench: {command[0]} failed:\n{result.stderr[-800:]}")
    return result.stdout
