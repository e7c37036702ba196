"""The program as a person at a terminal uses it."""

import json
import subprocess

import pytest

from conftest import BINARY, samples_of, word_error_rate

COMMANDS = ["serve", "ask", "say", "transcribe", "chat", "models", "config", "doctor", "bench", "completion"]


def good(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(server, command):
    assert "Usage" in good(server.cli(command, "--help"))


def test_say_and_ask(server, tmp_path):
    question, answer = tmp_path / "question.wav", tmp_path / "answer.wav"
    good(server.cli("say", "What is the capital of France?", "-o", question))
    told = good(server.cli("ask", question, "-o", answer))
    assert "Paris" in told and "first audio" in told
    samples, rate = samples_of(answer.read_bytes())
    assert 0.5 < len(samples) / rate < 30
    asked = json.loads(good(server.cli("ask", question, "--json")))
    assert "Paris" in json.dumps(asked)


@pytest.mark.parametrize("form, mark", [("txt", "country"), ("srt", "-->"), ("vtt", "WEBVTT"), ("json", '"segments"')])
def test_transcribe(server, jfk, form, mark):
    assert mark in good(server.cli("transcribe", jfk.path, "-f", form))


def test_transcribe_several_into_a_folder(server, clips, tmp_path):
    good(server.cli("transcribe", clips[0].path, clips[1].path, "-o", tmp_path))
    written = sorted(tmp_path.glob("*.txt"))
    assert len(written) == 2
    assert word_error_rate(clips[0].text, (tmp_path / (clips[0].path.stem + ".txt")).read_text()) <= 0.1


def test_chat_reads_lines(server):
    done = server.cli("chat", input="What is the capital of France?\n")
    assert "Paris" in good(done)


def test_models_config_doctor(server):
    models = json.loads(good(server.cli("models", "list", "--json")))
    assert {entry["id"] for entry in models} >= {"whisper-base", "piper-joe"} and all(entry["license"] for entry in models)
    assert "tts.voice" in good(server.cli("config"))
    assert json.loads(good(server.cli("config", "--json")))
    assert "whisper-base" in server.cli("doctor").stdout


def test_verify_tells_sound_models(server):
    assert "whisper-base" in good(server.cli("models", "verify", "whisper-base", "silero-vad"))


def test_exit_codes(server, tmp_path):
    wrong = tmp_path / "wrong.wav"
    wrong.write_text("this is no audio")
    assert server.cli("nonsense").returncode == 2
    assert server.cli("say").returncode in (2, 4)
    assert server.cli("transcribe", tmp_path / "missing.wav").returncode == 3
    refused = server.cli("transcribe", wrong)
    assert refused.returncode == 4 and "audio" in refused.stderr
    assert server.cli("--server", "127.0.0.9", "say", "hello", "-o", tmp_path / "x.wav").returncode == 3
    assert server.cli("models", "pull", "no-such-model").returncode in (3, 4)


def test_works_without_a_server(own_server, tmp_path):
    spoken = tmp_path / "hello.wav"
    good(own_server.cli("say", "Hello there.", "-o", spoken))
    assert spoken.read_bytes().startswith(b"RIFF")


def test_completion_is_a_script(server):
    script = good(server.cli("completion", "bash"))
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0 and "transcribe" in script


def test_version():
    assert subprocess.run([BINARY, "--version"], capture_output=True, text=True, check=True).stdout.startswith("morgan ")
