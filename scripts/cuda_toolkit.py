#!/usr/bin/env python3
"""Prints the folder of a CUDA toolkit that fits a profile of versions.toml: cuda_toolkit.py PROFILE

Looked for, in this order: $CUDA_HOME, /usr/local/cuda-VERSION, /usr/local/cuda, the folder of the nvcc in PATH. Where none
of the profile's version is there and the registries have the compiler, one is put together in .deps/ from pinned packages:
Debian's compiler, NVIDIA's wheels for headers and libraries. Nothing of the machine is changed.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib

import fetch
from align import AlignError, find_profile


def release_of(prefix):
    """"12.4" of a toolkit, "" when there is none in this folder."""
    nvcc = prefix / "bin/nvcc"
    if not nvcc.exists():
        return ""
    told = subprocess.run([nvcc, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"release (\d+\.\d+)", told)
    return match.group(1) if match else ""


def installed(version):
    places = [os.environ.get("CUDA_HOME"), f"/usr/local/cuda-{version}", "/usr/local/cuda"]
    found = shutil.which("nvcc")
    if found:
        places.append(pathlib.Path(found).resolve().parent.parent)
    seen = []
    for place in filter(None, places):
        release = release_of(pathlib.Path(place))
        if release == version:
            return pathlib.Path(place), seen
        if release:
            seen.append(f"{place} has {release}")
    return None, seen


def copy_into(source, target):
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)


def assemble(name, sources, target):
    """Lays the packages out as NVIDIA's own toolkit does: bin, include, lib64, nvvm."""
    def part(short):
        source = f"{name}-{short}"
        return fetch.destination(source, sources[source]) / sources[source]["folder"]

    compiler = part("nvcc")
    inner = compiler / "lib/nvidia-cuda-toolkit"
    for folder in ("bin", "include", "lib64", "nvvm/bin", "nvvm/lib64", "nvvm/libdevice"):
        (target / folder).mkdir(parents=True)
    for tool in ("bin2c", "cudafe++", "cuobjdump", "fatbinary", "nvdisasm", "nvlink", "nvprune", "ptxas"):
        shutil.copy2(compiler / "bin" / tool, target / "bin")
    shutil.copy2(inner / "bin/nvcc", target / "bin")
    copy_into(inner / "bin/crt", target / "bin/crt")
    shutil.copy2(inner / "bin/cicc", target / "nvvm/bin")
    copy_into(inner / "libdevice", target / "nvvm/libdevice")
    for library in part("libnvvm").glob("lib/*/libnvvm.so*"):
        shutil.copy2(library, target / "nvvm/lib64", follow_symlinks=False)
    for short in ("libcu++", "thrust", "cub"):
        copy_into(part(short) / "include", target / "include")
    for short in ("crt", "cudart", "cublas"):
        copy_into(part(short) / "include", target / "include")
    for short in ("cudart", "cublas"):
        for library in (part(short) / "lib").glob("lib*.so.*"):
            (target / "lib64" / library.name).symlink_to(library)
            (target / "lib64" / (library.name.split(".so.")[0] + ".so")).symlink_to(library.name)
    # The wheels have no static libraries. nvcc names these two whenever it links, if only to try the compiler: the one is
    # the shared library by another name (a linker script), the other holds what nothing here uses.
    (target / "lib64/libcudart_static.a").write_text("INPUT(libcudart.so)\n")
    (target / "lib64/libcudadevrt.a").write_text("!<arch>\n")
    # Where nvcc finds its parts: relative to itself, so the folder may be moved.
    (target / "bin/nvcc.profile").write_text(
        "TOP              = $(_HERE_)/..\n"
        "CICC_PATH        = $(TOP)/nvvm/bin\n"
        "NVVMIR_LIBRARY_DIR = $(TOP)/nvvm/libdevice\n"
        "LD_LIBRARY_PATH += $(TOP)/nvvm/lib64:$(TOP)/lib64:\n"
        "PATH            += $(CICC_PATH):$(_HERE_):\n"
        'INCLUDES        +=  "-I$(TOP)/include" $(_SPACE_)\n'
        'LIBRARIES        =+ $(_SPACE_) "-L$(TOP)/lib64"\n'
        "CUDAFE_FLAGS    +=\n"
        "PTXAS_FLAGS     +=\n")


def assembled(name, profile, sources):
    names = profile["toolkit_sources"]
    final = fetch.DEPS / f"toolkit-{name}-{sources[names[0]]['sha256'][:12]}"
    if final.is_dir():
        return final
    print(f"morgan: there is no CUDA {profile['cuda']} toolkit here; putting one together (about 600 MB)", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=fetch.DEPS) as scratch:
        target = pathlib.Path(scratch) / "toolkit"
        assemble(name, sources, target)
        if release_of(target) != profile["cuda"]:
            raise AlignError(f"the toolkit that was put together is not CUDA {profile['cuda']}; remove {fetch.DEPS}/src/{name}-* and try again")
        target.rename(final)
    return final


def main():
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    with open(fetch.ROOT / "versions.toml", "rb") as stream:
        versions = tomllib.load(stream)
    try:
        profile = find_profile(versions, name)
        prefix, seen = installed(profile["cuda"])
        if prefix is None and "toolkit_sources" in profile:
            for source in profile["toolkit_sources"]:
                fetch.fetch(source, versions["sources"][source])
            prefix = assembled(name, profile, versions["sources"])
        if prefix is None:
            raise AlignError(f"profile {name} needs a CUDA {profile['cuda']} toolkit; " + ("; ".join(seen) + "; " if seen else "") +
                             f"install {profile['toolkit']} and set CUDA_HOME, or build the image of this profile")
    except (AlignError, fetch.FetchError) as error:
        sys.exit(f"\nmorgan: {error}")
    print(prefix)


if __name__ == "__main__":
    main()
