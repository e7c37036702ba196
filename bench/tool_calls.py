#!/usr/bin/env python3
"""How often Morgan calls the right tool, and how often one where none is needed.

    tool_calls.py [--binary FILE] [--half dev|held] [--verbose]

The requests are tool_requests.jsonl: spoken ones, half of them needing no tool. `dev` may be looked at while rules are
written, `held` is there for its score alone. Nothing is called but the calculator and the converter, to compare results.
"""

import argparse
import http.client
import json
import os
import pathlib
import time

from morgan_server import MorganServer

HERE = pathlib.Path(__file__).resolve().parent
NOW = "2026-03-11T15:10:00"  # a Wednesday; what "tomorrow" means in the expected arguments
# Never asked: they only make the tools that would ask them exist.
NOWHERE = "http://127.0.0.1:9"
SETTINGS = {
    "MORGAN_TOOLS_TIME_ZONE": "Europe/Berlin",
    "MORGAN_TOOLS_WEATHER_URL": NOWHERE,
    "MORGAN_TOOLS_GEOCODING_URL": NOWHERE,
    "MORGAN_TOOLS_WEATHER_PLACE": "52.5,13.4",
    "MORGAN_TOOLS_SEARCH_URL": NOWHERE,
    "MORGAN_TOOLS_HOME_ASSISTANT_URL": NOWHERE,
    "MORGAN_TOOLS_HOME_ASSISTANT_TOKEN": "none",
}
FREE = {"query"}  # any words will do
MAY_BE_ADDED = {"label"}


def read_requests(half=None):
    rows = [json.loads(line) for line in (HERE / "tool_requests.jsonl").read_text().splitlines()]
    return [row for row in rows if half in (None, row["half"])]


class Client:
    def __init__(self, server):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.ports["core"], timeout=120)

    def post(self, path, body):
        self.connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        text = answer.read()
        return json.loads(text) if answer.status == 200 else None

    def plan(self, text):
        return self.post("/api/tools", {"text": text, "at": NOW})

    def result(self, tool, arguments):
        called = self.post(f"/api/tools/{tool}", {"arguments": arguments})
        return None if called is None else called["data"].get("result")


def same_text(wanted, given):
    def plain(value):
        kept = "".join(c if c.isalnum() else " " for c in str(value).lower()).split()
        return [word for word in kept if word not in ("the", "a", "my", "to", "that")]
    return plain(wanted) == plain(given)


def near(one, other):
    return one is not None and other is not None and abs(one - other) <= 1e-6 * max(1, abs(one))


def is_right(client, row, calls):
    """@return whether the one call that was wanted would be made, with the arguments that were said"""
    if row["tool"] is None:
        return not calls
    if len(calls) != 1 or calls[0]["tool"] != row["tool"]:
        return False
    wanted, given = dict(row["arguments"]), dict(calls[0]["arguments"])
    if row["tool"] == "calculate":
        return near(client.result("calculate", given), wanted["value"])
    if row["tool"] == "convert":
        return near(given.get("amount"), wanted["amount"]) and near(client.result("convert", wanted),
                                                                     client.result("convert", given))
    for name in FREE & given.keys():
        given.pop(name), wanted.pop(name, None)
    for name in MAY_BE_ADDED - wanted.keys():
        given.pop(name, None)
    if row["tool"].startswith("list_"):
        given.setdefault("list", "shopping")
    if wanted.keys() != given.keys():
        return False
    for name, value in wanted.items():
        if isinstance(value, list):
            if len(value) != len(given[name]) or not all(map(same_text, value, given[name])):
                return False
        elif isinstance(value, str):
            if not same_text(value, given[name]):
                return False
        elif value != given[name]:
            return False
    return True


def measure(server, half=None, verbose=False):
    """@return counts by half and by whether a tool is needed, and the milliseconds of each decision"""
    client = Client(server)
    client.plan("Is there a timer?")  # the model reads the list of tools once
    counts, took = {}, {"rules": [], "model": [], "none": []}
    for row in read_requests(half):
        began = time.perf_counter()
        plan = client.plan(row["text"])
        took[plan["decided_by"]].append((time.perf_counter() - began) * 1000)
        right = is_right(client, row, plan["calls"])
        kind = "tool" if row["tool"] else "talk"
        entry = counts.setdefault((row["half"], kind), {"right": 0, "of": 0, "rules": 0, "model": 0, "none": 0})
        entry["of"] += 1
        entry["right"] += right
        entry[plan["decided_by"]] += 1
        # The held-out half is never shown.
        if verbose and not right and row["half"] == "dev":
            print(f"  wrong: {row['text']!r}: {plan['calls']} by {plan['decided_by']}, wanted {row['tool']} {row.get('arguments')}")
    return counts, took


def share(counts, kind, halves=("dev", "held")):
    chosen = [entry for (half, of_kind), entry in counts.items() if of_kind == kind and half in halves]
    return sum(entry["right"] for entry in chosen), sum(entry["of"] for entry in chosen)


def middle(values):
    return sorted(values)[len(values) // 2] if values else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(HERE.parent / "build/release/bin/morgan"))
    parser.add_argument("--half", choices=("dev", "held"))
    parser.add_argument("--verbose", action="store_true", help="show what went wrong in the half that may be looked at")
    arguments = parser.parse_args()
    os.environ.update(SETTINGS)
    from run import find_models
    with MorganServer(arguments.binary, find_models()) as server:
        counts, took = measure(server, arguments.half, arguments.verbose)
    for (half, kind), entry in sorted(counts.items()):
        print(f"{half:5} {kind:5} {entry['right']:3} of {entry['of']:3} right ({100 * entry['right'] / entry['of']:.0f} %); "
              f"decided by rules {entry['rules']}, model {entry['model']}, nobody {entry['none']}")
    for by, values in took.items():
        if values:
            print(f"decided by {by:5}: {middle(values):.1f} ms at the median, {max(values):.1f} ms at most, {len(values)} requests")


if __name__ == "__main__":
    main()
