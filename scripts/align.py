#!/usr/bin/env python3
"""Writes everything that is derived from versions.toml: one place states a version, every other file inherits it.

    align.py              rewrite what differs
    align.py --check      rewrite nothing; fail when something differs
    align.py --profile NAME FIELD   print one field of a profile, lists by line (for the scripts of the build)

Derived are the blocks between "align: begin NAME" and "align: end" in the files below, and src/cli/doctor/profiles.h.
"""

import argparse
import difflib
import pathlib
import re
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent


class AlignError(Exception):
    """What happened, and what to do."""


def cuda_profiles(versions):
    return {name: profile for name, profile in versions["profiles"].items() if "cuda" in profile}


def find_profile(versions, name):
    known = versions["profiles"]
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, 1, 0.5)
    hint = f" (did you mean '{near[0]}'?)" if near else ""
    raise AlignError(f"there is no profile '{name}'{hint}; versions.toml has {', '.join(known)}")


def stage_variable(name):
    return re.sub(r"[^A-Z0-9]", "_", name.upper()) + "_IMAGE"


def docker_arguments(versions):
    lines = [f"ARG DEBIAN_IMAGE={versions['images']['debian']}"]
    lines += [f"ARG {stage_variable(name)}={profile['toolkit_image']}" for name, profile in cuda_profiles(versions).items()]
    return lines


def docker_target(name, profile):
    """The stages of one profile; see the head of the Dockerfile."""
    lines = [f"FROM engine-sources AS engines-{name}",
             f"ENV MORGAN_PROFILE={name}"]
    if "cuda" in profile:
        lines = [f"FROM ${{{stage_variable(name)}}} AS toolkit-{name}", *lines,
                 "ENV CUDA_HOME=/usr/local/cuda",
                 f"COPY --from=toolkit-{name} /usr/local/cuda/ /usr/local/cuda/"]
    gpu = [] if "cuda" not in profile else ["ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility"]
    return [*lines,
            f"RUN python3 scripts/fetch.py --profile {name}",
            "# The processors that the image is for; \"native\" is the one that builds it.",
            "ARG MORGAN_CPU=x86-64-v3",
            "ENV MORGAN_CPU=${MORGAN_CPU}",
            "COPY scripts/build.sh scripts/",
            "COPY deps deps",
            "RUN --mount=type=cache,target=/src/.deps/ccache scripts/build.sh engines",
            "",
            f"FROM engines-{name} AS built-{name}",
            "COPY . .",
            "ARG MORGAN_COMMIT=unknown",
            "RUN --mount=type=cache,target=/src/.deps/ccache scripts/build.sh release && scripts/stage_image.sh /out",
            "",
            f"FROM runtime AS packages-{name}",
            f"COPY --from=built-{name} /out/packages.txt /opt/morgan/",
            "RUN --mount=type=tmpfs,target=/var/lib/apt/lists --mount=type=tmpfs,target=/var/cache/apt apt-get update -qq \\",
            "    && xargs -a /opt/morgan/packages.txt apt-get install -qq -y --no-install-recommends >/dev/null",
            "",
            f"FROM built-{name} AS bill-{name}",
            f"COPY --from=packages-{name} /var/lib/dpkg/status /out/dpkg-status",
            f"RUN python3 scripts/sbom.py --profile {name} --packages /out/dpkg-status >/out/morgan/sbom.cdx.json",
            "",
            f"FROM packages-{name} AS {name}",
            f"ENV MORGAN_PROFILE={name}",
            *gpu,
            f"COPY --from=bill-{name} /out/morgan/ /opt/morgan/",
            "USER 10001:10001",
            ""]


def docker_targets(versions):
    lines = [line for name, profile in versions["profiles"].items() for line in docker_target(name, profile)]
    return lines[:-1]


def compose_images(versions):
    return [f"x-{name}-image: &{name}-image ${{MORGAN_{name.upper()}_IMAGE:-{image}}}"
            for name, image in versions["images"].items() if name != "debian"]


def architecture(text):
    return f"{text[:-1]}.{text[-1]}"


def matrix(versions):
    profiles = cuda_profiles(versions)
    default = versions["profile"]["default_gpu"]
    rows = [("", lambda name, profile: f"`{name}`" + (" (default)" if name == default else "")),
            ("CUDA toolkit", lambda _, profile: profile["toolkit"]),
            ("nvcc", lambda _, profile: profile["nvcc"]),
            ("driver, at least", lambda _, profile: profile["driver_minimum"]),
            ("driver, recommended", lambda _, profile: f"{profile['driver_recommended']} (series {profile['driver_series']})"),
            ("cuDNN", lambda _, profile: profile["cudnn"]),
            ("ONNX Runtime (GPU)", lambda _, profile: profile["onnxruntime_gpu"]),
            ("toolkit's image", lambda _, profile: f"`{profile['toolkit_image']}`"),
            ("machine code for", lambda _, profile: ", ".join(map(architecture, profile["architectures"]))),
            ("PTX for newer ones", lambda _, profile: architecture(profile["ptx"]))]
    lines = []
    for at, (title, cell) in enumerate(rows):
        lines.append("| " + " | ".join([title, *(str(cell(name, profile)) for name, profile in profiles.items())]) + " |")
        if at == 0:
            lines.append("| " + " | ".join(["---"] * (len(profiles) + 1)) + " |")
    return lines


def sources_table(versions):
    lines = ["| part | version | from | licence |", "| --- | --- | --- | --- |"]
    for name, source in versions["sources"].items():
        if name.startswith("cuda-"):
            continue
        lines.append(f"| {name} | {source['package']} {source['version']} | {source['registry']} | {source['license']} |")
    lines += [f"| image for {name} | `{image}` | image registry | |" for name, image in versions["images"].items()]
    return lines


def profiles_header(versions):
    profiles = cuda_profiles(versions)
    lines = ["// The CUDA profiles of versions.toml, for `morgan doctor`. Written by scripts/align.py: change versions.toml.",
             "#pragma once", "", '#include "cli/doctor/facts.h"', "", "#include <array>", "", "namespace morgan::cli {", "",
             "// clang-format off", f"inline constexpr std::array<CudaProfile, {len(profiles)}> kCudaProfiles{{{{"]
    for name, profile in profiles.items():
        fields = [name, profile["cuda"], profile["driver_minimum"], profile["driver_recommended"], profile["driver_series"],
                  profile["onnxruntime_gpu"], ",".join(profile["architectures"]), profile["ptx"]]
        lines.append("    {" + ", ".join(f'"{field}"' for field in fields) + "},")
    lines += ["}};", "// clang-format on", "", "}  // namespace morgan::cli"]
    return "\n".join(lines) + "\n"


# File, name of the block, what makes its lines.
BLOCKS = [("Dockerfile", "images", docker_arguments),
          ("Dockerfile", "targets", docker_targets),
          ("compose.yaml", "images", compose_images),
          ("docs/versions.md", "profiles", matrix),
          ("docs/versions.md", "sources", sources_table)]
WHOLE = [("src/cli/doctor/profiles.h", profiles_header)]


def with_block(path, text, name, lines):
    markers = re.compile(rf"(?P<begin>^[^\n]*align: begin {name}\b[^\n]*\n)(?P<old>.*?)(?P<end>^[^\n]*align: end\b)", re.M | re.S)
    if not markers.search(text):
        raise AlignError(f"{path} has no block 'align: begin {name}' ... 'align: end'; put the two lines back and run scripts/align.py")
    new = "".join(line + "\n" for line in lines)
    return markers.sub(lambda match: match["begin"] + new + match["end"], text, count=1)


def derived(versions):
    """@return path to the text that it should have"""
    texts = {path: make(versions) for path, make in WHOLE}
    for path, name, make in BLOCKS:
        if path not in texts:
            texts[path] = (ROOT / path).read_text()
        texts[path] = with_block(path, texts[path], name, make(versions))
    return texts


def print_field(versions, name, field):
    profile = find_profile(versions, name)
    value = profile.get(field, "")
    print("\n".join(value) if isinstance(value, list) else value)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="fail when something differs, and write nothing")
    parser.add_argument("--profile", nargs=2, metavar=("NAME", "FIELD"), help="print a field of a profile")
    arguments = parser.parse_args()
    try:
        with open(ROOT / "versions.toml", "rb") as stream:
            versions = tomllib.load(stream)
        if arguments.profile:
            return print_field(versions, *arguments.profile)
        different = {path: text for path, text in derived(versions).items()
                     if not (ROOT / path).exists() or (ROOT / path).read_text() != text}
    except (AlignError, OSError, tomllib.TOMLDecodeError) as error:
        sys.exit(f"morgan: {error}")
    for path, text in different.items():
        if arguments.check:
            print(f"{path}: differs from what versions.toml says; run scripts/align.py", file=sys.stderr)
        else:
            (ROOT / path).write_text(text)
            print(f"morgan: wrote {path}")
    if arguments.check and different:
        sys.exit(1)
    if not different:
        print(f"align: {len(BLOCKS) + len(WHOLE)} derived parts agree with versions.toml")
    return None


if __name__ == "__main__":
    main()
