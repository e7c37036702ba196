#!/usr/bin/env python3
"""Memory of a server that has many turns behind it: conversations ask, hear the answer, ask again; VmRSS is read on the way.

    many_turns.py build/release/bin/morgan $MORGAN_HOME/models [--turns 2000] [--conversations 8] [--renew 25]

Written questions over /ws/audio with spoken answers, most of them answered by tools so that turns are quick, every
fourth by the model. A conversation reconnects after --renew turns, with its history. Needs the `websockets` package
(`make test` installs it into .venv). Prints VmRSS over the turns, and the slope of its second half.
"""

import argparse
import asyncio
import json
import time

from websockets.asyncio.client import connect

from morgan_server import MorganServer

QUESTIONS = ("What time is it?", "What is twelve times seven?", "How many feet are in a mile?", "Say yes.")
SAMPLES = 100


async def one_turn(socket, question):
    await socket.send(json.dumps({"type": "text", "text": question}))
    while True:
        message = await socket.recv()
        if isinstance(message, str) and json.loads(message)["type"] == "response_end":
            return


class Load:
    def __init__(self, url, turns, renew):
        self.url, self.left, self.renew, self.done = url, turns, renew, 0

    async def converse(self, number):
        while self.left > 0:
            async with connect(self.url, max_size=None) as socket:
                await socket.send(json.dumps({"type": "start", "output_format": "pcm16", "language": "en",
                                              "user_id": f"turns-{number}"}))
                for _ in range(self.renew):
                    if self.left <= 0:
                        return
                    self.left -= 1
                    await one_turn(socket, QUESTIONS[self.done % len(QUESTIONS)])
                    self.done += 1


def slope(points):
    """Kilobytes a turn, by least squares."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


async def measure(server, options):
    load = Load(f"ws://127.0.0.1:{server.ports['core']}/ws/audio", options.turns, options.renew)
    talking = asyncio.gather(*(load.converse(number) for number in range(options.conversations)))
    points, began = [(0, server.memory_mb() * 1024)], time.perf_counter()
    while not talking.done():
        await asyncio.sleep(0.2)
        if load.done >= points[-1][0] + max(1, options.turns // SAMPLES):
            points.append((load.done, server.memory_mb() * 1024))
    await talking
    return points, time.perf_counter() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("models")
    parser.add_argument("--turns", type=int, default=2000)
    parser.add_argument("--conversations", type=int, default=8)
    parser.add_argument("--renew", type=int, default=25)
    options = parser.parse_args()
    with MorganServer(options.binary, options.models) as server:
        points, seconds = asyncio.run(measure(server, options))
    for turns, kilobytes in points[::max(1, len(points) // 10)]:
        print(f"{turns:6} turns  {kilobytes / 1024:8.1f} MB")
    print(f"{points[-1][0]} turns in {seconds:.0f} s; second half: {slope(points[len(points) // 2:]):+.2f} kB a turn")


if __name__ == "__main__":
    main()
