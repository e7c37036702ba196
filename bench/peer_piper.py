"""Piper's own Python package behind a pipe: a text a line, answers {"seconds", "audio_seconds"}. Runs in .venv-bench.

    peer_piper.py MODEL.onnx
"""

import json
import sys
import time

from piper import PiperVoice


def main():
    voice = PiperVoice.load(sys.argv[1])
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        began = time.perf_counter()
        samples = rate = 0
        for chunk in voice.synthesize(line.strip()):
            samples += len(chunk.audio_int16_array)
            rate = chunk.sample_rate
        print(json.dumps({"seconds": time.perf_counter() - began, "audio_seconds": samples / max(rate, 1)}), flush=True)


if __name__ == "__main__":
    main()
