#!/usr/bin/env python3
"""Small promises about the tree: file sizes, ASCII sources, no machine paths, no sleeping tests."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINE_LIMIT = {".cpp": 800, ".h": 800, ".py": 800, ".js": 800}
TEST_LINE_LIMIT = 1200
SIZE_LIMIT = 500_000
# Absolute folders that exist on somebody's machine only.
MACHINE_PATH = re.compile(r"(?<![\w.~$}/-])/(?:home|Users|root|work)/\w")
SLEEP = re.compile(r"sleep_for|sleep_until|\busleep\(|time\.sleep\(")


def main():
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    problems, largest = [], []
    for name in sorted(set(listed.stdout.split("\0")) - {""}):
        path = ROOT / name
        if not path.is_file():
            continue
        if path.stat().st_size > SIZE_LIMIT:
            problems.append(f"{name}: {path.stat().st_size // 1000} kB; models, audio and third-party sources are fetched, not committed")
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        lines = text.count("\n")
        test = "_test." in name or name.startswith("tests/")
        if path.suffix in LINE_LIMIT:
            largest.append((lines, name))
            if lines > (TEST_LINE_LIMIT if test else LINE_LIMIT[path.suffix]):
                problems.append(f"{name}: {lines} lines; split it by subject")
        if path.suffix in (".cpp", ".h") and not text.isascii():
            problems.append(f"{name}: holds characters outside ASCII; write \\u escapes")
        if name != "scripts/check_tree.py":
            for number, line in enumerate(text.splitlines(), 1):
                if MACHINE_PATH.search(line):
                    problems.append(f"{name}:{number}: names a path of one machine")
                if test and name.endswith((".cpp", ".py")) and SLEEP.search(line):
                    problems.append(f"{name}:{number}: a test sleeps; wait for an event with a deadline")
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 1
    top = ", ".join(f"{name} {lines}" for lines, name in sorted(largest, reverse=True)[:3])
    print(f"tree: sizes, characters and paths are right (longest: {top})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
