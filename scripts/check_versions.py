#!/usr/bin/env python3
"""Fails when a file states a version that versions.toml does not, or a range where a pin belongs.

    check_versions.py                 check the tree
    check_versions.py --requirements [test|bench]  print a group of Python packages for pip
    check_versions.py --node          print the Node packages for npm
"""

import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Prose, and the catalogue, whose packages are pinned by hash in it and nowhere else.
EXEMPT = re.compile(r"^(versions\.toml|models/catalog\.toml|CHANGELOG\.md|docs/|LICENSE|NOTICE)|\.md$")
# What is about versions themselves.
SELF = ("scripts/check_versions.py", "tests/functional/test_operations.py")
# The languages' and formats' own words for a version: not a dependency's.
ALLOWED_LINE = re.compile(r"cmake_minimum_required|CMAKE_CXX_STANDARD|openapi|HTTP/1\.|<\?xml|jsonrpc|\"version\": 6|127\.0\.0\.1|0\.0\.0\.0|version 0\.0\.4")
PIN_PATTERNS = [
    re.compile(r"(?P<name>[A-Za-z][\w.-]+)(?P<operator>==|>=|~=|<=)(?P<version>\d+\.\d+[\w.+-]*)"),
    re.compile(r"VERSION[ =]+(?P<version>\d+\.\d+\.\d+)"),
    re.compile(r"(?P<name>lib[a-z0-9+-]+|[a-z][a-z0-9-]+)-(?P<version>\d+\.\d+\.\d+)(?:\.tar|-cp|_amd64)"),
    re.compile(r"find_package\((?P<name>\w+) (?P<version>\d+\.\d+[.\d]*)"),
]
# What leaves it to a registry which version comes: pip's and npm's ranges, floating tags of images.
RANGE_PATTERNS = [
    re.compile(r"[A-Za-z][\w.-]+(?:\[[\w,-]+\])?(?:>=|<=|~=|!=)\d+(?:\.\d+)*"),
    re.compile(r"[\"'@][\^~]\d+\.\d+"),
    re.compile(r"^\s*(?:FROM|image:)\s+\S+:(?:latest|stable|edge)\b"),
    re.compile(r"^\s*(?:FROM|image:)\s+[\w./-]+\s*(?:$|AS\b)"),
]
# Lines that name an image, and stages of the same Dockerfile, which have no version.
IMAGE_LINE = re.compile(r"^\s*(?:FROM|image:|ARG [A-Z0-9_]+_IMAGE=)\s*(?P<image>[\w./-]+:[\w.-]+)")


def known_versions(versions):
    known = {versions["morgan"]["version"]}
    known |= {source["version"] for source in versions["sources"].values()}
    for group in (*versions["python"].values(), *versions["node"].values()):
        known |= set(group.values())
    known |= {str(value) for value in versions["platform"].values()}
    for profile in versions["profiles"].values():
        known |= {str(value) for value in profile.values()}
    return known


def known_images(versions):
    return set(versions["images"].values()) | {profile["toolkit_image"] for profile in versions["profiles"].values() if "toolkit_image" in profile}


def range_of(line, stages):
    """The part of a line that states a range, or None."""
    for pattern in RANGE_PATTERNS:
        match = pattern.search(line)
        if match and not stages.intersection(match.group(0).split()):
            return match.group(0).strip()
    return None


def pin_problems(versions):
    """What versions.toml itself states loosely."""
    for name, source in versions["sources"].items():
        if not re.fullmatch(r"[0-9a-f]{64}", source["sha256"]):
            yield f"source {name} has no sha256"
        # In a version of Debian's, '~' is a character like another.
        if re.search(r"[<>*^]" if source["registry"] == "debian" else r"[<>~*^]", source["version"]):
            yield f"source {name} states a range, not a version"
    for name, image in versions["images"].items():
        if not re.search(r":\S*\d", image) or image.endswith(":latest"):
            yield f"image {name} has no exact tag"
    for group, packages in versions["python"].items():
        for name, version in packages.items():
            if not re.fullmatch(r"\d+(\.\d+)*([.+-]?\w+)*", version):
                yield f"python.{group}: {name} states '{version}', not a version"
    for name, profile in versions["profiles"].items():
        for source in profile["libraries"] + profile.get("toolkit_sources", []):
            if source not in versions["sources"]:
                yield f"profile {name} names the source {source}, which is not there"
        if "onnxruntime_gpu" in profile and versions["sources"][profile["libraries"][0]]["version"] != profile["onnxruntime_gpu"]:
            yield f"profile {name} states another onnxruntime_gpu than its first library"


def main():
    with open(ROOT / "versions.toml", "rb") as stream:
        versions = tomllib.load(stream)
    if "--requirements" in sys.argv[1:]:
        group = sys.argv[-1] if sys.argv[-1] in versions["python"] else "test"
        for name, version in versions["python"][group].items():
            print(f"{name}=={version}")
        return 0

    if "--node" in sys.argv[1:]:
        for name, version in versions["node"]["test"].items():
            print(f"{name}@{version}")
        return 0

    problems = [f"versions.toml: {problem}" for problem in pin_problems(versions)]
    known, images = known_versions(versions), known_images(versions)
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    checked = 0
    for path in sorted(set(listed.stdout.split("\0")) - {""}):
        if EXEMPT.search(path) or path in SELF or not (ROOT / path).is_file():
            continue
        text = (ROOT / path).read_text(errors="replace")
        checked += 1
        stages = set(re.findall(r"^FROM \S+ AS (\S+)", text, re.M))
        for number, line in enumerate(text.splitlines(), 1):
            if ALLOWED_LINE.search(line):
                continue
            loose = range_of(line, stages)
            if loose:
                problems.append(f"{path}:{number}: '{loose}' is a range; name one version, in versions.toml")
            image = IMAGE_LINE.search(line)
            if image and image["image"] not in images:
                problems.append(f"{path}:{number}: names the image {image['image']}; versions.toml does not know it")
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
