"""A start that cannot work says why, and ends."""

import os
import shutil
import socket
import subprocess

import pytest

from conftest import BINARY, MODELS, wait_until

NOT_THERE, BAD_INPUT = 3, 4  # exit codes
END_LIMIT = 20  # seconds


def link_models(home, without=()):
    """A models folder of links, so that one of them can be missing or broken."""
    (home / "models").unlink()
    (home / "models").mkdir()
    for model in MODELS.iterdir():
        if model.is_dir() and model.name not in without:
            (home / "models" / model.name).symlink_to(model)


def damage(home, model, how):
    """Puts a broken copy of the model's largest file in its place. @return the file"""
    link_models(home, without=[model])
    folder = home / "models" / model
    shutil.copytree(MODELS / model, folder, copy_function=os.symlink)
    file = max((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    whole = file.resolve()
    file.unlink()
    with open(whole, "rb") as source:
        file.write_bytes({"truncated": lambda: source.read(whole.stat().st_size // 2), "empty": bytes,
                          "garbage": lambda: os.urandom(1_000_000),
                          "other": lambda: (MODELS / "kokoro" / "vocab.json").read_bytes()}[how]())
    return file


def start_failing(server, code, *arguments, **settings):
    done = subprocess.run([BINARY, "serve", *arguments], env=server.environment(**settings), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=END_LIMIT, check=False)
    assert done.returncode == code, f"exit code {done.returncode}: {done.stdout}{done.stderr}"
    message = done.stderr.strip().splitlines()[-1]
    assert message.startswith("morgan: ") and "exception" not in message and len(message) < 500
    assert "is listening" not in done.stdout
    return message


def test_port_in_use(own_server):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", own_server.ports["tts"]))
        taken.listen()
        message = start_failing(own_server, NOT_THERE)
    assert str(own_server.ports["tts"]) in message and "in use" in message


def test_a_second_server_on_the_same_ports_leaves_the_first_alone(server):
    assert "in use" in start_failing(server, NOT_THERE)
    assert server.get("core", "/health").json()["status"] == "healthy"


def test_two_services_on_one_port(own_server):
    own_server.ports["vad"] = own_server.ports["core"]
    assert str(own_server.ports["core"]) in start_failing(own_server, NOT_THERE)


@pytest.mark.parametrize("model", ["whisper-base", "qwen2.5-coder-0.5b", "silero-vad"])
def test_missing_model(own_server, model):
    link_models(own_server.home, without=[model])
    assert f"morgan models pull {model}" in start_failing(own_server, NOT_THERE)


@pytest.mark.parametrize("model", ["whisper-base", "qwen2.5-coder-0.5b", "silero-vad"])
@pytest.mark.parametrize("how", ["truncated", "empty", "garbage", "other"])
def test_damaged_model(own_server, model, how):
    file = damage(own_server.home, model, how)
    message = start_failing(own_server, NOT_THERE)
    assert str(file) in message and "damaged" in message and "morgan models verify" in message


def test_no_models_at_all(own_server):
    (own_server.home / "models").unlink()
    assert "morgan models pull" in start_failing(own_server, NOT_THERE)


def test_no_voice_at_all(own_server):
    link_models(own_server.home, without=["kokoro", "piper-joe"])
    assert "morgan models pull" in start_failing(own_server, NOT_THERE)


def test_what_is_missing_only_degrades_when_there_is_another_way(own_server):
    link_models(own_server.home, without=["kokoro", "smart-turn", "minilm"])
    own_server.start()
    health = own_server.get("tts", "/health").json()
    assert health["status"] == "degraded"
    assert [part["name"] for part in health["parts"] if part["status"] != "healthy"] == ["kokoro"]
    assert own_server.synthesize(text="Still here.").status_code == 200
    for service, path, body in (("vad", "/turn", None), ("llm", "/v1/embeddings", {"input": "Hi"})):
        assert own_server.get(service, "/health").json()["status"] == "degraded"
        answer = own_server.post(service, path, body)
        assert answer.status_code == 503 and answer.json()["error"] and "Retry-After" in answer.headers


def test_damaged_voices_only_degrade(own_server):
    file = damage(own_server.home, "kokoro", "truncated")
    own_server.start()
    parts = {part["name"]: part for part in own_server.get("tts", "/health").json()["parts"]}
    assert parts["kokoro"]["status"] == "unhealthy" and file.name in parts["kokoro"]["detail"]
    assert own_server.synthesize(text="Still here.").status_code == 200
    assert own_server.synthesize(text="Hello", voice="af_heart").status_code == 404


@pytest.mark.parametrize("text, code, expected", [
    ("[tts]\nvoise = \"joe\"\n", BAD_INPUT, "tts.voice"),
    ("[server]\ncore_port = \"many\"\n", BAD_INPUT, "server.core_port"),
    ("[server]\ncore_port = 70000\n", BAD_INPUT, "server.core_port"), ("colour = 1\n", BAD_INPUT, "colour"),
    ("[weather]\nplace = \"Rome\"\n", BAD_INPUT, "weather.place"), ("[log]\nlevel = \"loud\"\n", BAD_INPUT, "debug"),
    ("[tts\n", BAD_INPUT, "morgan.toml:1"), ("\0\1\2", BAD_INPUT, "morgan.toml"),
    ("[tts]\nvoice = \"nobody\"\n", NOT_THERE, "nobody"),
    ("[llm]\nmodel = \"nothing\"\n", NOT_THERE, "nothing"), ("[stt]\nbackend = \"ear\"\n", BAD_INPUT, "whisper")],
    ids=lambda value: repr(value)[:40])
def test_wrong_configuration(own_server, text, code, expected):
    (own_server.home / "morgan.toml").write_text(text)
    assert expected in start_failing(own_server, code)


@pytest.mark.parametrize("variable, value, code, expected", [
    ("MORGAN_SERVER_CORE_PROT", "1", BAD_INPUT, "MORGAN_SERVER_CORE_PORT"),
    ("MORGAN_LLM_THREADS", "x", BAD_INPUT, "llm.threads"),
    ("MORGAN_LLM_MODEL", "missing.gguf", NOT_THERE, "missing.gguf"),
    ("MORGAN_CONFIG", "missing.toml", NOT_THERE, "missing.toml"),
    ("MORGAN_SERVER_HOST", "not a host", NOT_THERE, "not a host"),
    ("MORGAN_SERVER_HOST", "203.0.113.7", NOT_THERE, "203.0.113.7"),
    ("MORGAN_ONNXRUNTIME", "missing.so", NOT_THERE, "missing.so")])
def test_wrong_environment(own_server, variable, value, code, expected):
    done = subprocess.run([BINARY, "serve"], env=own_server.environment(**{variable: value}), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=END_LIMIT, check=False)
    assert done.returncode == code and expected in done.stderr and "morgan: " in done.stderr


@pytest.mark.parametrize("make", [lambda path: path.write_bytes(os.urandom(5000)), lambda path: path.mkdir()],
                         ids=["garbage", "folder"])
def test_damaged_database(own_server, make):
    make(own_server.home / "morgan.db")
    assert "morgan.db" in start_failing(own_server, NOT_THERE)


def test_only_some_services(own_server):
    own_server.log = open(own_server.home / "server.log", "ab")
    own_server.process = subprocess.Popen([BINARY, "serve", "vad"], env=own_server.environment(),
                                          stdin=subprocess.DEVNULL,
                                          stdout=subprocess.PIPE, stderr=own_server.log, text=True)
    assert "listening" in own_server.process.stdout.readline()
    assert own_server.get("vad", "/health").json()["status"] == "healthy"
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", own_server.ports["llm"])) != 0


def test_services_in_processes_of_their_own_work_together(own_server, server):
    """Core alone, with the engines of another process behind it."""
    upstream = {f"MORGAN_CORE_{name.upper()}_URL": server.url(name, "/v1") for name in ("llm", "tts", "stt")}
    own_server.log = open(own_server.home / "server.log", "ab")
    own_server.process = subprocess.Popen([BINARY, "serve", "core"], env=own_server.environment(**upstream),
                                          stdin=subprocess.DEVNULL, stdout=own_server.log, stderr=own_server.log)
    wait_until(lambda: "listening" in (own_server.home / "server.log").read_text(), END_LIMIT, "the start of core")
    question = server.speech("What is the capital of France?")
    answer = own_server.post("core", "/api/audio", files={"file": ("q.wav", question)}).json()
    assert "Paris" in answer["text"] and answer["audio_data"] and "capital" in answer["transcription"]
