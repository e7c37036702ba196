#!/usr/bin/env python3
"""Measures what Morgan claims, beside the peers that are installed, in one run; docs/benchmarks.md holds a run's table.

    run.py [--runs N] [--only PART...] [--json FILE]

Parts: size, startup, ask, stt, long, llm, tts, tools. Runs of Morgan and of a peer alternate, so that whatever else
the machine does touches both alike. Build first (`make build`), and `bench/peers.sh` for the peers.
"""

import argparse
import json
import os
import pathlib
import platform
import sys

import measure
from morgan_server import MorganServer
from peers import Peers

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEPS = pathlib.Path(os.environ.get("MORGAN_DEPS", ROOT / ".deps"))
PARTS = ("size", "startup", "ask", "stt", "long", "llm", "tts", "tools")


def find_audio():
    override = os.environ.get("MORGAN_TEST_AUDIO")
    folder = pathlib.Path(override) if override else DEPS / "test-audio"
    clips = [folder / "jfk.wav", *sorted((folder / "librivox").glob("*.wav"))]
    if len(clips) < 6 or not clips[0].exists():
        sys.exit("bench: the recordings are not there; `make test` fetches them")
    return clips


def find_models():
    for home in (os.environ.get("MORGAN_HOME"), DEPS / "test-home", pathlib.Path.home() / ".local/share/morgan"):
        if home and (pathlib.Path(home) / "models/whisper-base").is_dir():
            return pathlib.Path(home) / "models"
    sys.exit("bench: the models are not there; `build/release/bin/morgan models pull` fetches them")


def machine():
    names = [line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
             if line.startswith("model name")]
    load = os.getloadavg()[0]
    return f"{len(names)} x {names[0] if names else platform.machine()}, Linux {platform.release()}, load before {load:.2f}"


def print_table(rows):
    head = ("measure", "Morgan", "peer", "ratio", "goal")
    table = [head, *[(row["measure"], row["morgan"], row.get("peer", ""), row.get("ratio", ""), row.get("goal", "")) for row in rows]]
    widths = [max(len(line[column]) for line in table) for column in range(len(head))]
    for number, line in enumerate(table):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--binary", default=str(ROOT / "build/release/bin/morgan"))
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    models, threads = find_models(), os.cpu_count()
    peers = Peers(ROOT, DEPS, threads)
    print(machine())
    for name in peers.missing():
        print(f"not installed, so not compared: {name} (bench/peers.sh installs it)")
    rows = []
    if "size" in arguments.only:
        rows += measure.sizes(arguments.binary)
    if "startup" in arguments.only:
        rows += measure.startup(arguments.binary, models, arguments.runs)
    with MorganServer(arguments.binary, models) as server:
        bench = measure.Bench(server, peers, models, find_audio(), arguments.runs, threads)
        for part in ("ask", "stt", "long", "llm", "tts"):
            if part in arguments.only:
                rows += getattr(bench, part)()
    if "tools" in arguments.only:
        rows += measure.tools_part(arguments.binary, models)
    print()
    print_table(rows)
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
