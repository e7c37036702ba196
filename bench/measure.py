"""The measurements of run.py; each gives rows {measure, morgan, peer, ratio, goal} of text."""

import base64
import json
import os
import pathlib
import re
import statistics
import tempfile
import time
import wave

import tool_calls
from morgan_server import MorganServer, multipart
from peers import run_text

SENTENCE = "The old lighthouse keeper climbed the winding stairs every evening to light the great lamp above the harbour."
TWO_SENTENCES = "The weather is clear today. You can expect a light breeze from the west in the afternoon."
# OpenMP and ONNX Runtime wait busily for more work after a run, up to 200 ms: whoever is next would share the cores.
SETTLE_SECONDS = 0.3
QUESTION = "Could you please tell me what the capital of France is?"
LONG_SECONDS = 600


def ms(seconds):
    return f"{seconds * 1000:.0f} ms"


def row(measure, morgan, peer="", ratio="", goal=""):
    return {"measure": measure, "morgan": morgan, "peer": peer, "ratio": ratio, "goal": goal}


def words(text):
    return re.sub(r"[^a-z0-9' ]", "", text.lower().replace("-", " ")).split()


def sizes(binary):
    own = [pathlib.Path(binary), *pathlib.Path(binary).parent.parent.glob("lib/*")]
    linked = re.findall(r"=> (/\S+)", run_text(["ldd", binary]))
    own_mb = sum(path.stat().st_size for path in own) / 1e6
    all_mb = own_mb + sum(pathlib.Path(path).stat().st_size for path in set(linked)) / 1e6
    return [row("own files: binary, ONNX Runtime", f"{own_mb:.0f} MB", goal="100 MB"),
            row("with every library that it loads", f"{all_mb:.0f} MB", goal="300 MB")]


def startup(binary, models, runs):
    times, memory = [], 0.0
    with tempfile.TemporaryDirectory() as cache:
        for _ in range(min(runs, 5) + 1):
            with MorganServer(binary, models, cache) as server:
                times.append(server.startup_s)
                memory = max(memory, server.memory_mb())
    return [row("first start ever, models in page cache", ms(times[0])),
            row("start to healthy on all five, models in page cache", ms(statistics.median(times[1:])), goal="1500 ms"),
            row("resident memory, all five idle", f"{memory:.0f} MB", goal="1200 MB")]


class Bench:
    def __init__(self, server, peers, models, clips, runs, threads):
        self.server, self.peers, self.models, self.clips = server, peers, models, clips
        self.runs, self.threads = runs, threads

    def speak(self, text, voice, form="pcm", stream=True):
        """@return (seconds to the first byte of audio, seconds in all, audio)"""
        time.sleep(SETTLE_SECONDS)
        began = time.perf_counter()
        connection, response = self.server.post("tts", "/synthesize", {"text": text, "voice": voice, "format": form, "stream": stream})
        first = response.read1(65536)
        first_s = time.perf_counter() - began
        audio = first + response.read()
        connection.close()
        return first_s, time.perf_counter() - began, audio

    def transcribe(self, name, content):
        """@return (seconds, text)"""
        body, content_type = multipart({"language": "en"}, "audio", name, content)
        time.sleep(SETTLE_SECONDS)
        began = time.perf_counter()
        answer = json.loads(self.server.post_whole("stt", "/transcribe", body, content_type))
        return time.perf_counter() - began, answer["text"]

    def ask(self):
        question = self.speak(QUESTION, "joe", "wav")[2]
        seconds = (len(question) - 44) / 2 / 22050
        first_audio, transcripts = [], set()
        for number in range(self.runs):
            body, content_type = multipart({"user_id": f"bench-{number}"}, "file", "question.wav", question)
            began = time.perf_counter()
            connection, response = self.server.post("core", "/api/audio", body, content_type, accept="text/event-stream")
            event = ""
            for line in response:
                if line.startswith(b"event: "):
                    event = line[7:].strip().decode()
                elif line.startswith(b"data: ") and event == "transcript":
                    transcripts.add(json.loads(line[6:])["text"])
                elif line.startswith(b"data: ") and event == "audio":
                    if len(base64.b64decode(json.loads(line[6:])["audio_data"])) > 0 and len(first_audio) == number:
                        first_audio.append(time.perf_counter() - began)
            connection.close()
        print(f"  ask heard: {transcripts}")
        return [row(f"spoken question ({seconds:.1f} s) in, first audio of the answer out", ms(statistics.median(first_audio)),
                    goal="450 ms")]

    def stt(self):
        ours = {clip: [] for clip in self.clips}
        theirs = {beam: {clip: [] for clip in self.clips} for beam in (1, 5)}
        texts = {}
        piped = {beam: self.peers.faster_whisper(beam) for beam in (1, 5)}
        for number in range(self.runs + 1):
            for clip in self.clips:
                seconds, texts[clip] = self.transcribe(clip.name, clip.read_bytes())
                if number > 0:  # the first is for warming up, on both sides
                    ours[clip].append(seconds)
                for beam, peer in piped.items():
                    if peer is not None and (beam == 1 or number < 3):
                        time.sleep(SETTLE_SECONDS)
                        answer = peer.ask(clip.resolve())
                        if number > 0:
                            theirs[beam][clip].append(answer["seconds"])
        for peer in piped.values():
            if peer is not None:
                peer.close()
        rows, ratios = [], {1: [], 5: []}
        for clip in self.clips:
            mine = statistics.median(ours[clip])
            peer_text = ratio_text = ""
            if theirs[1][clip]:
                medians = {beam: statistics.median(times[clip]) for beam, times in theirs.items()}
                for beam, median in medians.items():
                    ratios[beam].append(mine / median)
                peer_text = f"{ms(medians[1])} (beam 5: {ms(medians[5])})"
                ratio_text = f"{mine / medians[1]:.2f} ({mine / medians[5]:.2f})"
            with wave.open(str(clip)) as audio:
                length = audio.getnframes() / audio.getframerate()
            rows.append(row(f"transcribe {length:.1f} s, faster-whisper int8 beam 1", ms(mine), peer_text, ratio_text))
        if ratios[1]:
            rows.append(row("transcribe, median ratio of the six", "", "", f"{statistics.median(ratios[1]):.2f} "
                            f"({statistics.median(ratios[5]):.2f})", "0.30"))
        if self.peers.whisper_cli is not None:
            rows.append(self._same_words(texts))
        return rows

    def _whisper_cli(self, clip):
        # With timestamps, as Morgan: without them it leaves out a quarter of a long file's words.
        model = self.models / "whisper-base/ggml-base-q8_0.bin"
        said = run_text([self.peers.whisper_cli, "-m", model, "-f", clip, "-t", self.threads, "-bs", 1, "-bo", 1, "-l", "en", "-np"])
        return re.sub(r"\[[^]]*\]", "", said)

    def _same_words(self, texts):
        same = 0
        for clip, text in texts.items():
            full = self._whisper_cli(clip)
            if words(full) == words(text):
                same += 1
            else:
                print(f"  {clip.name}\n    Morgan:       {text}\n    full context: {' '.join(full.split())}")
        return row("clips with the very words of whisper-cli at full context", f"{same} of {len(texts)}", goal="6 of 6")

    def long(self):
        with tempfile.TemporaryDirectory() as folder:
            joined = pathlib.Path(folder) / "long.wav"
            seconds = self._join_clips(joined)
            before = self.server.memory_mb()
            mine, text = self.transcribe("long.wav", joined.read_bytes())
            grown = self.server.memory_mb("VmHWM") - before
            rows = []
            peer = ratio = ""
            if self.peers.whisper_cli is not None:
                began = time.perf_counter()
                their_text = self._whisper_cli(joined)
                theirs = time.perf_counter() - began
                peer, ratio = f"{theirs:.1f} s", f"{mine / theirs:.2f}"
            rows.append(row(f"transcribe {seconds / 60:.0f} minutes, whisper-cli", f"{mine:.1f} s", peer, ratio, "1.00"))
            rows.append(row("memory that it took on top", f"{grown:.0f} MB"))
            heard = [f"{len(words(text))} by Morgan"] + ([f"{len(words(their_text))} by whisper-cli"] if peer else [])
            print(f"  words heard in the long file: {', '.join(heard)}")
            return rows

    def _join_clips(self, target):
        frames = b""
        with wave.open(str(self.clips[1])) as first:
            parameters = first.getparams()
        pieces = []
        for clip in self.clips:
            with wave.open(str(clip)) as audio:
                if audio.getframerate() == parameters.framerate:
                    pieces.append(audio.readframes(audio.getnframes()))
        second = 2 * parameters.framerate
        while len(frames) < LONG_SECONDS * second:
            for piece in pieces:
                frames += piece + bytes(second // 2)
        with wave.open(str(target), "wb") as audio:
            audio.setparams(parameters)
            audio.writeframes(frames[:LONG_SECONDS * second])
        return LONG_SECONDS

    def llm(self):
        prompt = "Tell me about these words: " + " ".join(["river", "stone", "lamp", "window", "garden", "winter"] * 80)
        prefill, generation = [], []
        for number in range(self.runs):
            answer = json.loads(self.server.post_whole("llm", "/v1/chat/completions", {
                "messages": [{"role": "user", "content": f"{number}: {prompt}"}], "max_tokens": 8, "temperature": 0,
                "cache_prompt": False}))
            prefill.append((answer["timings"]["prompt_n"], answer["timings"]["prompt_per_second"]))
            answer = json.loads(self.server.post_whole("llm", "/v1/chat/completions", {
                "messages": [{"role": "user", "content": "Tell me a long story about a lighthouse."}], "max_tokens": 64, "temperature": 0}))
            generation.append((answer["timings"]["predicted_n"], answer["timings"]["predicted_per_second"]))
        peer = self._llama_bench(prefill[0][0], generation[0][0])
        rows = []
        for name, measured, theirs in (("prompt", prefill, peer.get("prompt")), ("generation", generation, peer.get("generation"))):
            mine = statistics.median(rate for _, rate in measured)
            rows.append(row(f"LLM {name}, {measured[0][0]} tokens, llama-bench", f"{mine:.0f} tok/s",
                            f"{theirs:.0f} tok/s" if theirs else "", f"{mine / theirs:.2f}" if theirs else "", "0.97"))
        return rows

    def _llama_bench(self, prompt_tokens, generated_tokens):
        if self.peers.llama_bench is None:
            return {}
        model = next((self.models / "qwen2.5-coder-0.5b").glob("*.gguf"))
        measured = json.loads(run_text([self.peers.llama_bench, "-m", model, "-t", self.threads, "-p", prompt_tokens, "-n", generated_tokens,
                                        "-r", self.runs, "-o", "json"]))
        result = {}
        for entry in measured:
            result["prompt" if entry["n_prompt"] else "generation"] = statistics.median(entry["samples_ts"])
        return result

    def tts(self):
        piper_first, piper_total, kokoro_first, peer_total = [], [], [], []
        peer = self.peers.piper(next((self.models / "piper-joe").glob("*.onnx")))
        audio_seconds = 0.0
        for number in range(self.runs + 1):
            first, _, audio = self.speak(SENTENCE, "joe")
            total = self.speak(SENTENCE, "joe", stream=False)[1]
            audio_seconds = len(audio) / 2 / 22050
            kokoro = self.speak(TWO_SENTENCES, "af_heart")[0]
            time.sleep(SETTLE_SECONDS)
            theirs = peer.ask(SENTENCE)["seconds"] if peer else 0.0
            if number > 0:
                piper_first.append(first)
                piper_total.append(total)
                kokoro_first.append(kokoro)
                peer_total.append(theirs)
        if peer:
            peer.close()
        mine, theirs = statistics.median(piper_total), statistics.median(peer_total)
        return [row(f"Piper, first audio of a {audio_seconds:.1f} s sentence", ms(statistics.median(piper_first)),
                    ms(theirs) + " (whole)" if theirs else "", goal="60 ms"),
                row("Piper, the whole sentence, piper-tts", ms(mine), ms(theirs) if theirs else "",
                    f"{mine / theirs:.2f}" if theirs else "", "1.10"),
                row("Kokoro, first audio of two sentences", ms(statistics.median(kokoro_first)), goal="350 ms")]


def tools_part(binary, models):
    os.environ.update(tool_calls.SETTINGS)
    with MorganServer(binary, models) as server:
        counts, took = tool_calls.measure(server)
    rows = []
    for kind, what, goal in (("tool", "requests that need a tool: right tool and arguments", "80 %"),
                             ("talk", "requests that need none: a tool called all the same", "5 % at most")):
        for halves, name in ((("dev", "held"), ""), (("held",), ", held-out half")):
            right, of = tool_calls.share(counts, kind, halves)
            count = right if kind == "tool" else of - right
            rows.append(row(what + name, f"{count} of {of} ({100 * count / of:.0f} %)", goal=goal))
    rows.append(row("a decision by rules; by the model", f"{tool_calls.middle(took['rules']):.1f} ms; {ms(tool_calls.middle(took['model']) / 1000)}"))
    return rows
