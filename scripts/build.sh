#!/usr/bin/env bash
# From a fresh clone to build/release/bin/morgan: build.sh [release|dev|tsan|engines] [extra target...]
# Everything that is done already is skipped; a second run takes a moment. `engines` stops before Morgan itself.
#   MORGAN_PROFILE   a profile of versions.toml: cpu (when unset), cuda-12.4, ...
#   MORGAN_CPU       native (when unset): the processor that builds; x86-64-v3: any with AVX2
#   MORGAN_CUDA_ARCHITECTURES   instead of the profile's, such as 86, for a build on the machine that has that GPU
#   MORGAN_JOBS, MORGAN_DEPS    compilers at once; folder of downloads and engines
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
shift || true
deps=${MORGAN_DEPS:-$PWD/.deps}
profile=${MORGAN_PROFILE:-cpu}
cpu=${MORGAN_CPU:-native}

fail() {
  printf '\nmorgan: %s\n' "$1" >&2
  exit 1
}

for tool in python3 cmake ninja g++; do
  command -v "$tool" >/dev/null 2>&1 || fail "$tool is missing. 'make run' installs it on Debian 12; elsewhere install it and try again."
done
case $cpu in native | x86-64-v3) ;; *) fail "MORGAN_CPU is '$cpu'; it may be native or x86-64-v3." ;; esac

# The folders of the sources, in the order of the names; the last ones are the profile's, ONNX Runtime's first. Kept, so
# that a build without a change does not start Python.
mkdir -p "$deps"
kept=$deps/paths-$profile-$(sha256sum <versions.toml | cut -c1-16)
mapfile -t path < <(cat "$kept" 2>/dev/null)
there=yes
for folder in "${path[@]}"; do [ -d "$folder" ] || there=""; done
if [ -z "$there" ] || [ ${#path[@]} -lt 5 ]; then
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "python3 is older than 3.11, which Debian 12 has."
  python3 -c 'import pip' 2>/dev/null || fail "python3 has no pip. Debian: apt-get install python3-pip"
  folders=$(python3 scripts/fetch.py --with-path --profile "$profile" llama-cpp whisper-cpp libdatachannel onnxruntime-headers) || exit 1
  mapfile -t path <<<"$folders"
  rm -f "$deps/paths-$profile-"*
  printf '%s\n' "${path[@]}" >"$kept"
fi
onnxruntime=${path[4]}
libraries=("${path[@]:5}")

export CCACHE_DIR=${CCACHE_DIR:-$deps/ccache}
# Precompiled headers are cached only with these; the base folder lets another clone share the cache.
export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

# Compiling takes up to 1.5 GB a job.
jobs=${MORGAN_JOBS:-$(awk -v cores="$(nproc)" '/MemAvailable/ {by_memory = int($2 / 1500000); if (by_memory < 1) by_memory = 1
  print (by_memory < cores) ? by_memory : cores}' /proc/meminfo)}

run_build() {  # folder log target...
  local folder=$1 log=$2
  shift 2
  if [ -t 1 ]; then
    cmake --build "$folder" -j "$jobs" --target "$@" 2>&1 | tee "$log" | awk '{printf "\r\033[K%.100s", $0; fflush()} END {print ""}'
  else
    cmake --build "$folder" -j "$jobs" --target "$@" >"$log" 2>&1
  fi
}

# A profile's engines lie in a folder of their own, so that going back and forth builds nothing anew.
engines=$deps/engines
[ "$profile-$cpu" = cpu-native ] || engines=$deps/engines-$profile-$cpu
processor=$cpu
[ "$cpu" != native ] || processor=$(awk '/^flags/ {print; exit}' /proc/cpuinfo | sha256sum | cut -c1-8)
# The sources' folders are named after their hashes.
stamp=$({ cat deps/*; printf '%s\n' "${path[@]:0:3}" "${libraries[@]}"; echo "${MORGAN_CUDA_ARCHITECTURES:-}"; } | sha256sum | cut -c1-16)-$processor
if [ "$(cat "$engines/stamp" 2>/dev/null)" != "$stamp" ]; then
  free_kb=$(df -Pk "$deps" 2>/dev/null | awk 'NR==2 {print $4}')
  [ "${free_kb:-9999999}" -gt 3000000 ] || fail "only $((free_kb / 1000)) MB free at $deps; building the engines needs 3 GB."
  options=(-DMORGAN_LLAMA_DIR="${path[0]}" -DMORGAN_WHISPER_DIR="${path[1]}" -DMORGAN_DATACHANNEL_DIR="${path[2]}" -DMORGAN_CPU="$cpu" -DMORGAN_CUDA=OFF)
  time="about 8 minutes on 2 cores"
  if [ "$profile" != cpu ]; then
    toolkit=$(python3 scripts/cuda_toolkit.py "$profile") || exit 1
    architectures=${MORGAN_CUDA_ARCHITECTURES:-$(python3 scripts/align.py --profile "$profile" architectures | sed 's/$/-real/' | paste -sd';');$(
      python3 scripts/align.py --profile "$profile" ptx)-virtual}
    options+=(-DMORGAN_CUDA=ON -DCMAKE_CUDA_COMPILER="$toolkit/bin/nvcc" -DCUDAToolkit_ROOT="$toolkit"
      -DCMAKE_CUDA_ARCHITECTURES="$architectures" -DMORGAN_CUDA_LIBRARY_FOLDERS="$(printf '%s/lib;' "${libraries[@]}")")
    time="about 15 minutes on 2 cores for each of $architectures"
  fi
  echo "morgan: building the engines (llama.cpp, whisper.cpp, libdatachannel; profile $profile): $time, once"
  cmake -S deps -B "$engines" -G Ninja -DCMAKE_BUILD_TYPE=Release "${options[@]}" >"$deps/engines-configure.log" 2>&1 || {
    tail -20 "$deps/engines-configure.log" >&2
    fail "CMake could not configure the engines; the whole log is $deps/engines-configure.log"
  }
  run_build "$engines" "$deps/engines-build.log" engines || {
    grep -E "error|Error|FAILED|Killed|No space" "$deps/engines-build.log" | head -20 >&2 || tail -20 "$deps/engines-build.log" >&2
    fail "the engines did not build; the whole log is $deps/engines-build.log. Running the command again goes on where it stopped."
  }
  echo "$stamp" >"$engines/stamp"
fi
[ "$preset" != engines ] || exit 0

build=build/$preset
# Who only runs Morgan has no test packages.
tests=OFF
! pkg-config --exists gtest gmock || tests=ON
configured=$(cat CMakePresets.json versions.toml | sha256sum | cut -c1-16)-$profile-$stamp-tests-$tests
if [ "$(cat "$build/configured" 2>/dev/null)" != "$configured" ] || [ ! -f "$build/build.ninja" ]; then
  mkdir -p "$build"
  cmake --preset "$preset" -DMORGAN_DEPS_FILE="$engines/morgan-deps.cmake" -DMORGAN_ONNXRUNTIME_INCLUDE="${path[3]}" -DMORGAN_BUILD_TESTS=$tests \
    -DMORGAN_ONNXRUNTIME_LIBRARY="$(echo "$onnxruntime"/libonnxruntime.so.*)" -DMORGAN_PROFILE="$profile" >"$build/configure.log" 2>&1 || {
    tail -20 "$build/configure.log" >&2
    fail "CMake could not configure Morgan; the whole log is $build/configure.log"
  }
  echo "$configured" >"$build/configured"
fi
[ -x "$build/bin/morgan" ] || echo "morgan: building Morgan: about 10 minutes on 2 cores, once"
run_build "$build" "$build/build.log" morgan "$@" || {
  grep -E "error|Error|FAILED|Killed|No space" "$build/build.log" | head -30 >&2 || tail -30 "$build/build.log" >&2
  fail "Morgan did not build; the whole log is $build/build.log. Running the command again goes on where it stopped."
}
# The libraries that the binary loads lie beside it, so the folder can be moved as a whole (NVIDIA's, which are large, as
# links). What another profile left there goes.
if [ "$(cat "$build/lib/profile" 2>/dev/null)" != "$configured" ]; then
  rm -rf "${build:?}/lib"
  mkdir -p "$build/lib"
  cp "$onnxruntime"/libonnxruntime*.so* "$build/lib/"
  for folder in "${libraries[@]}"; do
    find "$folder" -name 'lib*.so.*' -exec ln -sf -t "$build/lib" {} +
  done
  echo "$configured" >"$build/lib/profile"
fi
