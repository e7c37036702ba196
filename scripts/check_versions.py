#!/usr/bin/env python3
"""Fails when a file states a version that versions.toml does not, or a range where a pin belongs.

    check_versions.py                 check the tree
    check_versions.py --requirements [test|bench]  print a group of Python packages for pip
"""

import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Prose, and the catalogue, whose packages are pinned by hash in it and nowhere else.
EXEMPT = re.compile(r"^(versions\.toml|models/catalog\.toml|CHANGELOG\.md|docs/|LICENSE|NOTICE)|\.md$")
# The languages' and formats' own words for a version: not a dependency's.
ALLOWED_LINE = re.compile(r"cmake_minimum_required|CMAKE_CXX_STANDARD|openapi|HTTP/1\.|<\?xml|jsonrpc|\"version\": 6|127\.0\.0\.1|0\.0\.0\.0|version 0\.0\.4")
PIN_PATTERNS = [
    re.compile(r"(?P<name>[A-Za-z][\w.-]+)(?P<operator>==|>=|~=|<=)(?P<version>\d+\.\d+[\w.+-]*)"),
    re.compile(r"VERSION[ =]+(?P<version>\d+\.\d+\.\d+)"),
    re.compile(r"(?P<name>lib[a-z0-9+-]+|[a-z][a-z0-9-]+)-(?P<version>\d+\.\d+\.\d+)(?:\.tar|-cp|_amd64)"),
    re.compile(r"find_package\((?P<name>\w+) (?P<version>\d+\.\d+[.\d]*)"),
]


def known_versions(versions):
    known = {versions["morgan"]["version"]}
    known |= {source["version"] for source in versions["sources"].values()}
    for group in versions["python"].values():
        known |= set(group.values())
    known |= {str(value) for value in versions["platform"].values()}
    for profile in versions["profiles"].values():
        known |= {str(value) for value in profile.values()}
    return known


def main():
    with open(ROOT / "versions.toml", "rb") as stream:
        versions = tomllib.load(stream)
    if "--requirements" in sys.argv[1:]:
        group = sys.argv[-1] if sys.argv[-1] in versions["python"] else "test"
        for name, version in versions["python"][group].items():
            print(f"{name}=={version}")
        return 0

    problems = []
    for name, source in versions["sources"].items():
        if not re.fullmatch(r"[0-9a-f]{64}", source["sha256"]):
            problems.append(f"versions.toml: source {name} has no sha256")
        if re.search(r"[<>~*^]", source["version"]):
            problems.append(f"versions.toml: source {name} states a range, not a version")
    known = known_versions(versions)
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    checked = 0
    for path in sorted(set(listed.stdout.split("\0")) - {""}):
        if EXEMPT.search(path) or path == "scripts/check_versions.py" or not (ROOT / path).is_file():
            continue
        text = (ROOT / path).read_text(errors="replace")
        checked += 1
        for number, line in enumerate(text.splitlines(), 1):
            if ALLOWED_LINE.search(line):
                continue
            for pattern in PIN_PATTERNS:
                for match in pattern.finditer(line):
                    if match.group("version") not in known:
                        problems.append(f"{path}:{number}: states version {match.group('version')}; versions.toml does not know it")
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 1
    print(f"versions: {checked} files state none but those of versions.toml")
    return 0


if __name__ == "__main__":
    sys.exit(main())
