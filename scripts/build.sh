#!/usr/bin/env bash
# From a fresh clone to build/release/bin/morgan: build.sh [release|dev|tsan] [extra target...]
# Everything that is done already is skipped; a second run takes a moment.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
shift || true
deps=${MORGAN_DEPS:-$PWD/.deps}

fail() {
  printf '\nmorgan: %s\n' "$1" >&2
  exit 1
}

for tool in python3 cmake ninja g++; do
  command -v "$tool" >/dev/null 2>&1 || fail "$tool is missing. 'make run' installs it on Debian 12; elsewhere install it and try again."
done
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "python3 is older than 3.11, which Debian 12 has."
python3 -c 'import pip' 2>/dev/null || fail "python3 has no pip. Debian: apt-get install python3-pip"

python3 scripts/fetch.py llama-cpp whisper-cpp onnxruntime onnxruntime-headers
mapfile -t path < <(python3 scripts/fetch.py --path llama-cpp whisper-cpp onnxruntime onnxruntime-headers)

export CCACHE_DIR=${CCACHE_DIR:-$deps/ccache}
# Precompiled headers are cached only with these; the base folder lets another clone share the cache.
export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

# Compiling takes up to 1.5 GB a job.
jobs=${MORGAN_JOBS:-$(awk -v cores="$(nproc)" '/MemAvailable/ {by_memory = int($2 / 1500000); if (by_memory < 1) by_memory = 1
  print (by_memory < cores) ? by_memory : cores}' /proc/meminfo)}

free_kb=$(df -Pk "$deps" 2>/dev/null | awk 'NR==2 {print $4}')

run_build() {  # folder log target...
  local folder=$1 log=$2
  shift 2
  if [ -t 1 ]; then
    cmake --build "$folder" -j "$jobs" --target "$@" 2>&1 | tee "$log" | awk '{printf "\r\033[K%.100s", $0; fflush()} END {print ""}'
  else
    cmake --build "$folder" -j "$jobs" --target "$@" >"$log" 2>&1
  fi
}

engines=$deps/engines
# The sources' folders are named after their hashes.
stamp=$({ cat deps/*; printf '%s\n' "${path[@]:0:2}"; } | sha256sum | cut -c1-16)-$(awk '/^flags/ {print; exit}' /proc/cpuinfo | sha256sum | cut -c1-8)
if [ "$(cat "$engines/stamp" 2>/dev/null)" != "$stamp" ]; then
  [ "${free_kb:-9999999}" -gt 3000000 ] || fail "only $((free_kb / 1000)) MB free at $deps; building the engines needs 3 GB."
  echo "morgan: building the engines (llama.cpp, whisper.cpp): about 6 minutes on 2 cores, once"
  cmake -S deps -B "$engines" -G Ninja -DCMAKE_BUILD_TYPE=Release -DMORGAN_LLAMA_DIR="${path[0]}" \
    -DMORGAN_WHISPER_DIR="${path[1]}" >"$deps/engines-configure.log" 2>&1 || {
    tail -20 "$deps/engines-configure.log" >&2
    fail "CMake could not configure the engines; the whole log is $deps/engines-configure.log"
  }
  run_build "$engines" "$deps/engines-build.log" engines || {
    grep -E "error|Error|FAILED|Killed|No space" "$deps/engines-build.log" | head -20 >&2 || tail -20 "$deps/engines-build.log" >&2
    fail "the engines did not build; the whole log is $deps/engines-build.log. Running the command again goes on where it stopped."
  }
  echo "$stamp" >"$engines/stamp"
fi

build=build/$preset
# Who only runs Morgan has no test packages.
tests=OFF
! pkg-config --exists gtest gmock || tests=ON
configured=$(cat CMakePresets.json versions.toml | sha256sum | cut -c1-16)-$stamp-tests-$tests
if [ "$(cat "$build/configured" 2>/dev/null)" != "$configured" ] || [ ! -f "$build/build.ninja" ]; then
  mkdir -p "$build"
  cmake --preset "$preset" -DMORGAN_DEPS_FILE="$engines/morgan-deps.cmake" -DMORGAN_ONNXRUNTIME_INCLUDE="${path[3]}" -DMORGAN_BUILD_TESTS=$tests \
    -DMORGAN_ONNXRUNTIME_LIBRARY="$(echo "${path[2]}"/libonnxruntime.so.*)" >"$build/configure.log" 2>&1 || {
    tail -20 "$build/configure.log" >&2
    fail "CMake could not configure Morgan; the whole log is $build/configure.log"
  }
  echo "$configured" >"$build/configured"
fi
[ -x "$build/bin/morgan" ] || echo "morgan: building Morgan: about 8 minutes on 2 cores, once"
run_build "$build" "$build/build.log" morgan "$@" || {
  grep -E "error|Error|FAILED|Killed|No space" "$build/build.log" | head -30 >&2 || tail -30 "$build/build.log" >&2
  fail "Morgan did not build; the whole log is $build/build.log. Running the command again goes on where it stopped."
}
# The library that the binary loads lies beside it, so the folder can be moved as a whole.
library=$(echo "${path[2]}"/libonnxruntime.so.*)
mkdir -p "$build/lib"
cmp -s "$library" "$build/lib/$(basename "$library")" || cp "$library" "$build/lib/"
