#!/usr/bin/env python3
"""Kills Morgan with SIGKILL at random moments under load, and checks that nothing acknowledged was lost or doubled.

    kill_morgan.py --store sqlite|postgres [--kills 200] [--talkers 4] [--whole] [--seed 1]

`morgan serve core` is killed: the process that has the store. The language model is a Morgan of its own, as in a cluster,
so that a start takes a second; --whole kills all five services in one process instead. With postgres, in every fourth
round the database is stopped first, so that what was acknowledged is in the journal alone, and started after the kill.
Needs MORGAN_HOME with models/.
"""

import argparse
import pathlib
import sys
import tempfile
import time

import fault_servers as servers

CHECK_EVERY = 20


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", choices=("sqlite", "postgres"), required=True)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--talkers", type=int, default=4)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def make_morgan(folder, asked, postgres):
    """@return (what is killed, what only has to be there)"""
    settings = {"MORGAN_STORE_URL": postgres.url} if postgres else {}
    if asked.whole:
        return servers.Process(folder / "home", ("core", "llm", "tts", "stt", "vad"), MORGAN_TTS_KOKORO="false",
                               **settings), None
    model = servers.Process(folder / "model", ("llm",)).start()
    settings["MORGAN_CORE_LLM_URL"] = model.url("llm", "/v1")
    return servers.Process(folder / "home", ("core",), **settings), model


def run(asked, folder, postgres):
    morgan, model = make_morgan(folder, asked, postgres)
    chance = servers.random_of(asked.seed)
    talkers = servers.Talkers(morgan, asked.talkers)
    starts, outages = [], 0
    for number in range(1, asked.kills + 1):
        began = time.perf_counter()
        morgan.start()
        starts.append(time.perf_counter() - began)
        away = postgres is not None and number % 4 == 0
        with talkers:
            time.sleep(chance.uniform(0.05, 0.5))
            if away:
                postgres.stop(chance.choice(("fast", "immediate")))
                time.sleep(chance.uniform(0.1, 0.6))
            time.sleep(chance.uniform(0.0, 0.7))
            talkers.talking = False
            morgan.kill()
        if away:
            outages += 1
            postgres.start()
        if number % CHECK_EVERY == 0 or number == asked.kills:
            morgan.start()
            servers.wait_until(lambda: morgan.part("store") == "healthy", 10, "a healthy store")
            stored = talkers.check()
            morgan.kill()
            print(f"{number} kills: {talkers.acknowledged()} turns acknowledged, all there, in order, once; "
                  f"{stored} messages stored", flush=True)
    if model:
        model.stop()
    print(f"{asked.store}: {asked.kills} kills, {outages} of them while the database was away; "
          f"start of core with its store p50 {servers.percentile(starts, 0.5):.2f} s, longest {max(starts):.2f} s")


def main():
    asked = options()
    postgres = servers.Postgres() if asked.store == "postgres" else None
    try:
        with tempfile.TemporaryDirectory(prefix="morgan-faults-") as folder:
            run(asked, pathlib.Path(folder), postgres)
    finally:
        if postgres:
            postgres.close()


if __name__ == "__main__":
    sys.exit(main())
