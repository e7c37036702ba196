#!/usr/bin/env python3
"""Stops and starts PostgreSQL and Redis in turn under load: no turn may fail, no message be lost or doubled.

    stop_stores.py [--rounds 10] [--talkers 4] [--seed 1]

A round stops PostgreSQL (cleanly and as a crash in turn) for 1 to 4 s, then Redis. Printed: turns that failed, the time
from the server's return until /health says healthy, and how long turns took. Needs MORGAN_HOME with models/.
"""

import argparse
import pathlib
import sys
import tempfile
import time

import fault_servers as servers


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--talkers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def outage(morgan, server, part, seconds, **how):
    """@return seconds from the return of the server until the part is healthy again"""
    server.stop(**how)
    servers.wait_until(lambda: morgan.part(part) == "degraded", 10, f"{part} degraded")
    time.sleep(seconds)
    server.start()
    began = time.perf_counter()
    servers.wait_until(lambda: morgan.part(part) == "healthy", 30, f"{part} healthy again")
    return time.perf_counter() - began


def run(asked, folder, postgres, redis):
    model = servers.Process(folder / "model", ("llm",)).start()
    morgan = servers.Process(folder / "home", ("core",), MORGAN_CORE_LLM_URL=model.url("llm", "/v1"),
                             MORGAN_STORE_URL=postgres.url, MORGAN_CACHE_URL=redis.url).start()
    chance = servers.random_of(asked.seed)
    back = {"store": [], "cache": []}
    talkers = servers.Talkers(morgan, asked.talkers)
    with talkers:
        time.sleep(1)
        for number in range(asked.rounds):
            mode = ("fast", "immediate")[number % 2]
            back["store"].append(outage(morgan, postgres, "store", chance.uniform(1, 4), mode=mode))
            back["cache"].append(outage(morgan, redis, "cache", chance.uniform(0.5, 2)))
            print(f"round {number + 1}: {talkers.acknowledged()} turns, {len(talkers.failures)} failed; healthy again "
                  f"after {back['store'][-1]:.2f} s (PostgreSQL, {mode}), {back['cache'][-1]:.2f} s (Redis)", flush=True)
    stored = talkers.check()
    morgan.stop()
    model.stop()
    print(f"{asked.rounds} rounds: {talkers.acknowledged()} turns, {len(talkers.failures)} failed, {stored} messages "
          f"stored in order, once")
    print(f"healthy again, longest: PostgreSQL {max(back['store']):.2f} s, Redis {max(back['cache']):.2f} s; a turn p50 "
          f"{servers.percentile(talkers.seconds, 0.5) * 1000:.0f} ms, p99 "
          f"{servers.percentile(talkers.seconds, 0.99) * 1000:.0f} ms, longest {max(talkers.seconds) * 1000:.0f} ms")
    for failure in talkers.failures[:5]:
        print("failed:", failure)
    return 1 if talkers.failures or stored != 2 * talkers.acknowledged() else 0


def main():
    asked = options()
    postgres, redis = servers.Postgres(), servers.Redis()
    try:
        with tempfile.TemporaryDirectory(prefix="morgan-faults-") as folder:
            return run(asked, pathlib.Path(folder), postgres, redis)
    finally:
        redis.close()
        postgres.close()


if __name__ == "__main__":
    sys.exit(main())
