#!/usr/bin/env python3
"""Checks every #include of src/ against docs/layers.toml; prints the line and the rule that it breaks."""

import pathlib
import re
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')


def longest(prefixes, folder):
    return max((p for p in prefixes if folder == p or folder.startswith(p + "/")), key=len, default=None)


def main():
    with open(ROOT / "docs/layers.toml", "rb") as stream:
        rules = tomllib.load(stream)
    uses, third_party = rules["uses"], rules["third_party"]
    problems, count = [], 0
    for path in sorted([*SRC.rglob("*.h"), *SRC.rglob("*.cpp")]):
        relative = path.relative_to(SRC).as_posix()
        folder = path.relative_to(SRC).parent.as_posix()
        layer = longest(uses, folder)
        if layer is None:
            problems.append(f"{relative}: docs/layers.toml does not name the folder {folder}")
            continue
        allowed = uses[layer]
        is_test = relative.endswith("_test.cpp") or "_test_" in path.name
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            count += 1
            ours, theirs = match.groups()
            if ours and (SRC / ours).exists():
                target = longest(uses, pathlib.PurePosixPath(ours).parent.as_posix())
                same = target == layer
                # A test may use any part: it builds the real thing around the piece under test.
                if not (same or is_test or "*" in allowed or any(target == a or target.startswith(a + "/") for a in allowed)):
                    problems.append(f"{relative}:{number}: {layer} may not use {target} (allowed: {', '.join(allowed) or 'nothing'})")
            for prefix, users in third_party.items():
                header = theirs or ours or ""
                if header.startswith(prefix) and not is_test and not any(relative.startswith(user) for user in users):
                    problems.append(f"{relative}:{number}: only {', '.join(users)} may include <{prefix}...>")
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 1
    print(f"layers: {count} includes obey docs/layers.toml")
    return 0


if __name__ == "__main__":
    sys.exit(main())
