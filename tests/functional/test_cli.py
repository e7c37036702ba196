"""The program as a person at a terminal uses it, and as another program does."""

import json
import signal
import subprocess

import numpy
import pytest

from conftest import BINARY, samples_of, wait_until, wav_of, word_error_rate

COMMANDS = ["serve", "ask", "say", "transcribe", "chat", "models", "models list", "models pull", "models verify",
            "models rm",
            "models import", "config", "config init", "doctor", "health", "bench", "bench voice", "replay", "completion"]
DONE, WRONG_USAGE, NOT_THERE, BAD_INPUT, INTERRUPTED = 0, 2, 3, 4, 130
QUESTION = "What is the capital of France?"


def good(done):
    assert done.returncode == DONE, f"exit code {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


def failed(done, code):
    """Checks the exit code, and that the reason stands where it belongs. @return the reason"""
    assert done.returncode == code, f"exit code {done.returncode}: {done.stdout}{done.stderr}"
    assert done.stderr.strip() and "terminate called" not in done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def question(server, tmp_path_factory):
    file = tmp_path_factory.mktemp("cli") / "question.wav"
    good(server.cli("say", QUESTION, "-o", file))
    return file


def test_version_and_help():
    def run(*arguments):
        return good(subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=20, check=False))

    assert run("--version").startswith("morgan ")
    for word in ("serve", "ask", "transcribe", "Exit codes: 0 done, 1 failed, 2 wrong usage"):
        assert word in run("--help")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(server, command):
    told = good(server.cli(*command.split(), "--help"))
    assert f"Usage: morgan {command}" in told and len(told.splitlines()) > 4


@pytest.mark.parametrize("name, magic", [("a.wav", b"RIFF"), ("a.mp3", (b"ID3", b"\xff")), ("a.opus", b"OggS"),
                                         ("a.flac", b"fLaC"), ("a.aac", b"\xff")])
def test_say_writes_what_the_name_says(server, tmp_path, name, magic):
    told = good(server.cli("say", "Hello there.", "-o", tmp_path / name))
    assert str(tmp_path / name) in told and (tmp_path / name).read_bytes().startswith(magic)


def test_say_takes_standard_input_a_voice_and_a_speed(server, tmp_path):
    def spoken(*options, **more):
        good(server.cli("say", "-o", tmp_path / "b.wav", *options, **more))
        samples, rate = samples_of((tmp_path / "b.wav").read_bytes())
        return len(samples) / rate, rate

    text = "The weather is very fine today, is it not?"
    length, rate = spoken("-", input=text)
    assert rate == 22050 and length > 1
    assert spoken("-s", "2", text)[0] < 0.75 * length
    assert spoken("-v", "af_heart", text)[1] == 24000
    piped = server.cli("say", "Hello.", "-o", "-", text=False)
    assert piped.returncode == DONE and piped.stdout.startswith(b"RIFF")
    voices = good(server.cli("say", "--voices"))
    assert "joe" in voices and "af_heart" in voices


def test_ask_answers_aloud_and_tells_where_the_time_went(server, question, tmp_path):
    told = good(server.cli("ask", question, "-o", tmp_path / "answer.wav", "-u", "cli1"))
    assert "capital of France" in told and "Paris" in told
    for stage in ("transcript", "first word of answer", "first audio", "answer complete"):
        assert stage in told
    samples, rate = samples_of((tmp_path / "answer.wav").read_bytes())
    assert 0.5 < len(samples) / rate < 30 and abs(samples).max() > 0.05


def test_ask_for_text_only(server, question):
    told = good(server.cli("ask", question, "--text-only", "-u", "cli2"))
    assert "Paris" in told and "answer complete" in told and "first audio" not in told


def test_ask_without_words(server, tmp_path):
    (tmp_path / "silence.wav").write_bytes(wav_of(numpy.zeros(32000)))
    assert "no words" in good(server.cli("ask", tmp_path / "silence.wav"))


def test_transcribe_to_text(server, jfk):
    done = server.cli("transcribe", jfk.path)
    assert word_error_rate(jfk.text, good(done)) <= 0.1


@pytest.mark.parametrize("form", ["srt", "vtt", "json"])
def test_transcribe_to_subtitles_and_json(server, jfk, tmp_path, form):
    file = tmp_path / ("out." + form)
    good(server.cli("transcribe", jfk.path, "-f", form, "-w", "-o", file))
    text = file.read_text()
    if form == "json":
        parsed = json.loads(text)
        assert len(parsed["words"]) == 22 and parsed["segments"] and "country" in parsed["text"]
    else:
        assert text.startswith({"srt": "1\n00:00:0", "vtt": "WEBVTT\n\n"}[form])
        assert text.count(" --> ") >= 1 and "country" in text


def test_transcribe_several_into_a_folder(server, clips, tmp_path):
    good(server.cli("transcribe", clips[0].path, clips[1].path, "-o", tmp_path))
    for clip in clips[:2]:
        assert word_error_rate(clip.text, (tmp_path / (clip.path.stem + ".txt")).read_text()) <= 0.25


def test_one_bad_file_among_several_spoils_only_itself(server, jfk, tmp_path):
    (tmp_path / "wrong.wav").write_text("this is no audio")
    done = server.cli("transcribe", tmp_path / "wrong.wav", jfk.path)
    assert "wrong.wav" in failed(done, BAD_INPUT) and "country" in done.stdout


def test_chat_reads_lines_and_remembers(server):
    lines = "My dog is called Rex.\n\nWhat is my dog called?\n/reset\n/quit\nnever read\n"
    told = good(server.cli("chat", "-u", "cli3", input=lines))
    assert "Rex" in told and "A new conversation." in told
    assert server.get("core", "/api/conversations/cli3").json()["messages"] == []
    assert "Paris" in good(server.cli("chat", "-u", "cli3", "-m", QUESTION))


def test_models_are_listed_and_verified(server):
    table = good(server.cli("models", "list"))
    assert "whisper-base" in table and "ready" in table and "MIT" in table
    assert "silero-vad" in good(server.cli("models", "verify", "silero-vad", "smart-turn"))


def test_a_damaged_model_does_not_verify(own_server):
    model = own_server.home.resolve() / "models"
    model.unlink()
    (model / "silero-vad").mkdir(parents=True)
    (model / "silero-vad" / "silero_vad.onnx").write_bytes(bytes(1000))
    assert "silero-vad" in failed(own_server.cli("models", "verify", "silero-vad"), NOT_THERE)


def test_config_is_shown_and_written(own_server):
    shown = good(own_server.cli("config"))
    assert "tts.voice" in shown and "MORGAN_SERVER_CORE_PORT" in shown
    good(own_server.cli("config", "init"))
    assert "[tts]" in (own_server.home / "morgan.toml").read_text()
    (own_server.home / "morgan.toml").write_text("[tts]\nvoice = \"af_heart\"\n")
    setting = json.loads(good(own_server.cli("config", "--json")))["tts.voice"]
    assert setting["value"] == "af_heart" and setting["origin"] == "file"
    failed(own_server.cli("config", "init"), NOT_THERE)  # never over what somebody wrote
    assert "af_heart" in (own_server.home / "morgan.toml").read_text()


def test_doctor_finds_what_is_missing_and_tells_the_cure(server, own_server):
    assert "Morgan can run" in good(server.cli("doctor"))
    (own_server.home / "models").unlink()
    done = own_server.cli("doctor")
    assert done.returncode == NOT_THERE and "morgan models pull whisper-base" in done.stdout


@pytest.mark.parametrize("arguments", [
    ["say", "Hello.", "-o", "{tmp}/a.wav"], ["say", "--voices"], ["ask", "{question}", "-u", "cli4"],
    ["transcribe", "{question}"],
    ["chat", "-u", "cli4", "-m", "Hi"], ["models", "list"], ["config"], ["doctor"], ["bench", "-n", "1"]],
    ids=lambda words: words[0])
def test_json_output_is_json(server, question, tmp_path, arguments):
    words = [word.format(tmp=tmp_path, question=question) for word in arguments]
    for placed in (["--json", *words], [*words, "--json"]):
        assert json.loads(good(server.cli(*placed)))


def test_errors_are_json_too(server, tmp_path):
    for arguments, code in ((["transcribe", tmp_path / "missing.wav"], NOT_THERE), (["say", ""], BAD_INPUT),
                            (["say", "Hi", "-v", "nobody", "-o", tmp_path / "a.wav"], NOT_THERE)):
        told = json.loads(failed(server.cli("--json", *arguments), code))
        assert told["error"] and told["message"]


@pytest.mark.parametrize("arguments", [
    [], ["nonsense"], ["models"], ["models", "nonsense"], ["transcribe"], ["ask"], ["completion"],
    ["completion", "tcsh"],
    ["serve", "nonsense"], ["say", "a", "--nonsense"], ["say", "a", "-s", "fast"], ["transcribe", "a.wav", "-f", "pdf"],
    ["bench", "-n", "0"], ["config", "nonsense"]], ids=lambda words: " ".join(words) or "nothing")
def test_wrong_usage(server, arguments):
    reason = failed(server.cli(*arguments), WRONG_USAGE)
    assert "nonsense" in reason or "nonsense" not in " ".join(arguments)


@pytest.mark.parametrize("arguments", [
    ["transcribe", "{tmp}/missing.wav"], ["ask", "{tmp}/missing.wav"], ["ask", "{question}", "-v", "nobody"],
    ["say", "a", "-v", "nobody", "-o", "{tmp}/a.wav"], ["say", "a", "-o", "{tmp}/missing/a.wav"],
    ["models", "pull", "nonsense"], ["models", "verify", "nonsense"], ["models", "rm", "nonsense"],
    ["--config", "{tmp}/missing.toml", "config"], ["--server", "127.0.0.9", "say", "a", "-o", "{tmp}/a.wav"],
    ["--server", "127.0.0.9", "chat", "-m", "Hi"]], ids=lambda words: " ".join(words[:3]))
def test_what_is_not_there(server, question, tmp_path, arguments):
    failed(server.cli(*(word.format(tmp=tmp_path, question=question) for word in arguments)), NOT_THERE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [
    ["transcribe", "{wrong}"], ["ask", "{wrong}"], ["transcribe", "{question}", "-l", "xx"],
    ["ask", "{question}", "-u", "../x"],
    ["say"], ["say", "", "-o", "{tmp}/a.wav"], ["say", "a", "-s", "0", "-o", "{tmp}/a.wav"],
    ["say", "a", "-s", "nan", "-o", "{tmp}/a.wav"],
    ["say", "a", "-o", "{tmp}/a.xyz"], ["ask", "{question}", "-o", "{tmp}/a.xyz"], ["chat", "-u", "../x", "-m", "Hi"]],
    ids=lambda words: " ".join(words))
def test_bad_input(server, question, tmp_path, tmp_path_factory, arguments):
    wrong = tmp_path_factory.mktemp("wrong") / "wrong.wav"
    wrong.write_text("this is no audio")
    words = [word.format(tmp=tmp_path, question=question, wrong=wrong) for word in arguments]
    failed(server.cli(*words), BAD_INPUT)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_is_told_by_the_exit_code(server, clips, tmp_path):
    samples = numpy.concatenate([samples_of(clip.path.read_bytes())[0] for clip in clips])
    (tmp_path / "long.wav").write_bytes(wav_of(numpy.tile(samples, 3)))
    running = subprocess.Popen([BINARY, "transcribe", tmp_path / "long.wav"], env=server.environment(),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until(lambda: server.get("stt", "/health").json()["active_requests"] == 1, 20, "the beginning of the work")
    running.send_signal(signal.SIGINT)
    output, _ = running.communicate(timeout=20)
    assert running.returncode == INTERRUPTED and output == b""
    wait_until(lambda: server.get("stt", "/health").json()["active_requests"] == 0, 20, "the end of the work")


def test_works_without_a_server(own_server, tmp_path):
    good(own_server.cli("say", "The weather is lovely today.", "-o", tmp_path / "said.wav"))
    assert "weather" in good(own_server.cli("transcribe", tmp_path / "said.wav"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script(server, shell):
    script = good(server.cli("completion", shell))
    assert "transcribe" in script and "--voice" in script or shell == "fish" and "-l voice" in script
    if shell == "bash":
        assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
        line = "COMP_WORDS=(morgan tr); COMP_CWORD=1; _morgan; echo ${COMPREPLY[@]}"
        told = subprocess.run(["bash", "-c", script + "\n" + line], capture_output=True, text=True, timeout=20,
                              check=False)
        assert told.stdout.split() == ["transcribe"], told.stderr
