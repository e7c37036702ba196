"""A start that cannot work says why, and ends."""

import os
import shutil
import socket
import subprocess

import pytest

from conftest import BINARY, MODELS


def copy_models(home, without=()):
    """A models folder of links, so that one of them can be missing or broken."""
    (home / "models").unlink()
    (home / "models").mkdir()
    for model in MODELS.iterdir():
        if model.is_dir() and model.name not in without:
            (home / "models" / model.name).symlink_to(model)


def start_failing(server, **settings):
    done = subprocess.run([BINARY, "serve"], env=server.environment(**settings), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode not in (0, -6, -11), done.stderr
    return done


def test_port_in_use(own_server):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", own_server.ports["tts"]))
        taken.listen()
        done = start_failing(own_server)
    assert str(own_server.ports["tts"]) in done.stderr and "in use" in done.stderr


@pytest.mark.parametrize("model", ["whisper-base", "qwen2.5-coder-0.5b", "silero-vad"])
def test_missing_model(own_server, model):
    copy_models(own_server.home, without=[model])
    done = start_failing(own_server)
    assert model in done.stderr and "morgan models pull" in done.stderr and done.returncode == 3


@pytest.mark.parametrize("model", ["whisper-base", "qwen2.5-coder-0.5b", "silero-vad"])
@pytest.mark.parametrize("damage", ["truncated", "garbage"])
def test_damaged_model(own_server, model, damage):
    copy_models(own_server.home, without=[model])
    folder = own_server.home / "models" / model
    shutil.copytree(MODELS / model, folder)
    file = max(folder.iterdir(), key=lambda path: path.stat().st_size)
    if damage == "truncated":
        os.truncate(file, file.stat().st_size // 2)
    else:
        file.write_bytes(os.urandom(1_000_000))
    done = start_failing(own_server)
    assert file.name in done.stderr and "morgan models" in done.stderr, done.stderr


def test_a_missing_voice_family_only_degrades(own_server):
    copy_models(own_server.home, without=["kokoro", "smart-turn"])
    own_server.start()
    assert own_server.get("tts", "/health").json()["status"] == "degraded"
    assert own_server.synthesize(text="Still here.").status_code == 200


@pytest.mark.parametrize("text, expected", [
    ("[tts]\nvoise = \"joe\"\n", "tts.voice"), ("[server]\ncore_port = \"many\"\n", "server.core_port"),
    ("[tts\n", "morgan.toml"), ("[tts]\nvoice = \"nobody\"\n", "nobody")])
def test_wrong_configuration(own_server, text, expected):
    (own_server.home / "morgan.toml").write_text(text)
    assert expected in start_failing(own_server).stderr


def test_only_some_services(own_server):
    own_server.log = open(own_server.home / "server.log", "ab")
    own_server.process = subprocess.Popen([BINARY, "serve", "vad"], env=own_server.environment(), stdout=subprocess.PIPE,
                                          stderr=own_server.log, text=True)
    assert "listening" in own_server.process.stdout.readline()
    assert own_server.get("vad", "/health").json()["status"] == "healthy"
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", own_server.ports["llm"])) != 0
