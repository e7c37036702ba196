"""The benchmark of real-time conversations, and turns that are recorded and replayed."""

import csv
import json
import stat
import wave

import pytest
import requests

from conftest import AUDIO, resampled, samples_of, wait_until, word_error_rate
from live_client import RATE, Live

CLIP = AUDIO / "librivox" / "sense_and_sensibility_01_austen_64kb-0880.wav"
STAGES = {"pause_seen", "transcript", "first_token", "first_clause", "first_audio", "decision", "sent"}


def result_of(done):
    assert done.returncode == 0, f"exit code {done.returncode}: {done.stdout}{done.stderr}"
    return json.loads(done.stdout)


def test_a_round_reports_the_latency_and_its_stages(server, tmp_path):
    rows = tmp_path / "turns.csv"
    told = result_of(server.cli("--json", "bench", "voice", CLIP, "--conversations", "1", "--listen", "0.5",
                                "--csv", rows))
    [run] = told["runs"]
    assert told["recordings"] == 1 and run["conversations"] == 1 and run["turns"] == 1
    assert run["unanswered"] == 0 and run["cut_off"] == 0 and run["measured"] == 1, run
    first = run["first_voiced_ms"]
    assert first["count"] == 1 and 0 < first["p50"] == first["p95"] == first["max"]
    assert run["final_transcript_ms"]["p50"] <= first["p50"] <= run["audible_ms"]["p50"]
    assert set(run["stages_ms"]) == STAGES and run["stages_not_adding_up"] == 0
    parts = sum(stage["p50"] for stage in run["stages_ms"].values()) + run["outside_ms"]["p50"]
    assert parts == pytest.approx(first["p50"], abs=1), "the parts of one turn make the whole"
    assert run["word_error_rate"] < 0.5
    assert run["frames"]["sent"] > 150 and run["frames"]["dropped"] == 0
    with open(rows, newline="") as file:
        [row] = csv.DictReader(file)
    assert float(row["first_voiced_ms"]) == first["p50"] and row["answered"] == "true" and row["answer"]
    assert word_error_rate(CLIP.with_suffix(".txt").read_text(), row["transcript"]) < 0.5
    assert "bench_" not in server.get("core", "/api/conversations").text, "its conversation is deleted"


def test_conversations_at_once_are_all_measured(server):
    told = result_of(server.cli("--json", "bench", "voice", CLIP, "--conversations", "2", "--at-once", "--listen",
                                "0.5"))
    [run] = told["runs"]
    assert run["mode"] == "at once" and run["turns"] == 2 and run["unanswered"] == 0


def test_pauses_are_counted_by_their_length(server):
    told = result_of(server.cli("--json", "bench", "voice", "--pauses", CLIP, "--cases", "1"))
    assert told["cases"] >= 1 and told["cut_off"] >= told["taken_back_unheard"]
    assert sum(length["cases"] for length in told["by_pause"]) == told["cases"]


def test_no_words_are_heard_in_silence(server):
    told = result_of(server.cli("--json", "bench", "voice", "--silence", "0.1"))
    assert set(told["kinds"]) == {"silence", "fan", "music"}
    assert told["kinds"]["silence"]["words"] == 0 and told["kinds"]["fan"]["words"] == 0


@pytest.mark.parametrize("arguments, code, reason", [
    (("no-such-file.wav",), 3, "no-such-file.wav"),
    (("--conversations", "0"), 4, "--conversations"),
    (("--conversations", "two"), 4, "--conversations"),
    (("--pauses", "--noise"), 4, "--pauses"),
])
def test_what_cannot_be_measured_is_refused(server, arguments, code, reason):
    done = server.cli("bench", "voice", *arguments)
    assert done.returncode == code and reason in done.stderr


def test_a_recording_without_sound_is_refused(server, tmp_path):
    silent = tmp_path / "silent.wav"
    with wave.open(str(silent), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(bytes(32000))
    done = server.cli("bench", "voice", silent)
    assert done.returncode == 4 and "silent.wav" in done.stderr


def test_a_recorded_turn_can_be_replayed(own_server):
    own_server.start(MORGAN_LIVE_RECORD_TURNS="true", MORGAN_DIALOGUE_TEMPERATURE="0")
    with Live(own_server, user_id="recorded") as client:
        samples, rate = samples_of(CLIP.read_bytes())
        client.say(resampled(samples, rate, RATE))
        client.wait_for_audio(client.wait_for("response_start")["response"], 0.5)
    folder = own_server.home / "turns"
    wait_until(lambda: list(folder.glob("*.json")), 20, "the recording of the turn")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    [turn] = result_of(own_server.cli("--json", "replay"))
    with wave.open(str(folder / f"{turn['recording']}.wav")) as audio:
        assert audio.getframerate() == 16000 and audio.getnframes() > 2 * 16000
    assert turn["outcome"] == "cancelled" and turn["transcript"] and turn["total_ms"] > 0

    told = result_of(own_server.cli("--json", "replay", turn["recording"]))
    assert told["transcript"]["before"] == turn["transcript"]
    assert word_error_rate(turn["transcript"], told["transcript"]["now"]) < 0.5
    assert told["answer"]["before"] and told["answer"]["now"] and told["outcome_before"] == "cancelled"
    assert set(told["stages_ms"]) == STAGES
    for values in [told["answer_start_ms"], *told["stages_ms"].values()]:
        assert values["change"] == pytest.approx(values["now"] - values["before"], abs=0.11)
    assert turn["recording"] in own_server.cli("replay").stdout
    assert requests.delete(own_server.url("core", "/api/conversations/recorded"), timeout=30).status_code == 200
    assert not list(folder.iterdir()), "what was recorded of a user is erased with the rest"


def test_replay_of_an_unknown_turn_says_so(server):
    assert "live.record_turns" in server.cli("replay").stdout
    done = server.cli("replay", "turn_missing")
    assert done.returncode == 3 and "turn_missing" in done.stderr
