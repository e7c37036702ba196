"""faster-whisper behind a pipe: reads a file name a line, answers {"seconds", "text"}. Runs in .venv-bench.

    peer_whisper.py MODEL_FOLDER THREADS BEAM_SIZE
"""

import json
import sys
import time

from faster_whisper import WhisperModel


def main():
    model = WhisperModel(sys.argv[1], device="cpu", compute_type="int8", cpu_threads=int(sys.argv[2]))
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        began = time.perf_counter()
        segments, _ = model.transcribe(line.strip(), language="en", beam_size=int(sys.argv[3]))
        text = " ".join(segment.text.strip() for segment in segments)
        print(json.dumps({"seconds": time.perf_counter() - began, "text": text}), flush=True)


if __name__ == "__main__":
    main()
