#!/usr/bin/env python3
"""Writes an image's software bill of materials (CycloneDX, JSON) to standard output.

    sbom.py --profile NAME --packages FILE    FILE: the image's /var/lib/dpkg/status

Listed are the Debian packages that are installed and the pinned sources of versions.toml that are in the binary or beside
it, each with version, licence where versions.toml states it, and sha256. The same input gives the same output.
"""

import argparse
import hashlib
import json
import pathlib
import re
import sys
import tomllib
import urllib.parse
import uuid

from align import AlignError, find_profile

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Of the pinned sources, what every image has in its binary; the profile adds the libraries beside it.
COMPILED_IN = ["llama-cpp", "whisper-cpp", "libdatachannel", "onnxruntime-headers"]
# Package URLs name the registry's kind, not its host.
KINDS = {"pypi": "pkg:pypi/", "debian": "pkg:deb/debian/"}


def debian_components(status):
    for stanza in status.split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", stanza, re.M))
        if not fields.get("Status", "").endswith(" installed"):
            continue
        name, version, machine = fields["Package"], fields["Version"], fields["Architecture"]
        address = f"pkg:deb/debian/{name}@{urllib.parse.quote(version, safe='.-~')}?arch={machine}"
        yield {"type": "library", "bom-ref": address, "name": name, "version": version, "purl": address}


def source_component(source):
    address = KINDS[source["registry"]] + f"{source['package']}@{urllib.parse.quote(source['version'], safe='.-~')}"
    return {"type": "library", "bom-ref": f"{address}#{source['sha256'][:12]}", "name": source["package"], "version": source["version"],
            "purl": address, "hashes": [{"alg": "SHA-256", "content": source["sha256"]}],
            "licenses": [{"license": {"name": source["license"]}}]}


def bill(versions, profile_name, status):
    names = COMPILED_IN + find_profile(versions, profile_name)["libraries"]
    components = [source_component(versions["sources"][name]) for name in names]
    components += sorted(debian_components(status), key=lambda component: component["bom-ref"])
    if len(components) == len(names):
        raise AlignError("no installed package was found; --packages wants an image's /var/lib/dpkg/status")
    digest = hashlib.sha256(json.dumps(components, sort_keys=True).encode()).digest()
    version = versions["morgan"]["version"]
    return {"bomFormat": "CycloneDX", "specVersion": "1.5", "serialNumber": f"urn:uuid:{uuid.UUID(bytes=digest[:16], version=4)}", "version": 1,
            "metadata": {"component": {"type": "container", "bom-ref": "morgan", "name": f"morgan ({profile_name})", "version": version}},
            "components": components}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", required=True)
    parser.add_argument("--packages", required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    try:
        with open(ROOT / "versions.toml", "rb") as stream:
            versions = tomllib.load(stream)
        print(json.dumps(bill(versions, arguments.profile, arguments.packages.read_text()), indent=1))
    except (AlignError, OSError) as error:
        sys.exit(f"morgan: {error}")


if __name__ == "__main__":
    main()
