"""Programs that nobody here wrote, unchanged: only the address and the key are Morgan's."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from realtime_client import LIMIT

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture(scope="module")
def samples():
    """OpenAI's own sample programs, as versions.toml pins them."""
    told = subprocess.run([sys.executable, ROOT / "scripts/fetch.py", "--path", "openai-examples"], check=True,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    folder = pathlib.Path(told.stdout.strip())
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there; scripts/fetch.py openai-examples fetches it")
    return folder


@pytest.fixture
def run_sample(samples, live_server, tmp_path):
    def run(name, typed=""):
        settings = {"OPENAI_BASE_URL": live_server.url("core", "/v1"), "OPENAI_API_KEY": "none"}
        done = subprocess.run([sys.executable, samples / name], input=typed, env={**os.environ, **settings}, text=True,
                              capture_output=True, timeout=LIMIT, cwd=tmp_path, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    return run


def test_the_realtime_sample_converses(run_sample):
    said = run_sample("realtime/realtime.py", "What is the capital of France?\nAnd what is the capital of Italy?\nq\n")
    assert "Paris" in said and "Rome" in said and said.count("Enter a message: ") == 3, said


@pytest.mark.parametrize("kind, question, expected", [
    ("TEXT", "What is the capital of France?", "Paris"), ("TOOL", "What is the weather in Rome?", "snow")])
def test_an_agent_in_javascript(live_server, kind, question, expected):
    modules = os.environ.get("MORGAN_TEST_NODE", ROOT / ".deps/node")
    address = f"127.0.0.1:{live_server.ports['core']}"
    done = subprocess.run(["node", HERE / "realtime_agents.mjs", modules, address, kind, question], text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT, check=False)
    assert done.stdout, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0 and expected.lower() in told["text"].lower(), told
    assert told["called"] == (["Rome"] if kind == "TOOL" else []) and "response.done" in told["seen"]
