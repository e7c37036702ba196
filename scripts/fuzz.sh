#!/usr/bin/env bash
# Hostile input, under ASan and UBSan: fuzz.sh [SECONDS [TARGET...]]. Long (600 s a target when unset, one after another);
# `make test` runs a few thousand inputs of each instead. Writes one line a target, and ends with 1 when any crashed,
# leaked or hung. What it learns stays in build/fuzz/corpus, what it finds in build/fuzz/findings:
#   build/fuzz/bin/http_fuzz build/fuzz/findings/http/crash-...
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-600}
shift || true
case $seconds in '' | *[!0-9]*)
  echo "morgan: fuzz.sh takes the seconds for each target, then names: fuzz.sh 60 http json" >&2
  exit 2
  ;;
esac
scripts/bootstrap.sh fuzz
build=build/fuzz
clang=$(sed -n 's/^clang = "\(.*\)"/\1/p' versions.toml)
deps=${MORGAN_DEPS:-$PWD/.deps}
# Precompiled headers are cached only with these, see build.sh.
export CCACHE_DIR=${CCACHE_DIR:-$deps/ccache} CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

mkdir -p "$build"
[ -f "$build/build.ninja" ] || cmake --preset fuzz -DCMAKE_C_COMPILER="clang-$clang" -DCMAKE_CXX_COMPILER="clang++-$clang" >"$build/configure.log" 2>&1 || {
  tail -20 "$build/configure.log" >&2
  echo "morgan: CMake could not configure the fuzz targets; the whole log is $build/configure.log" >&2
  exit 1
}
mapfile -t names < <(sed -n 's/^set(morgan_fuzz_targets \(.*\))/\1/p' tests/fuzz/CMakeLists.txt | tr ' ' '\n')
[ $# -eq 0 ] || names=("$@")
[ -d "$build/bin" ] || echo "morgan: building the fuzz targets: about 10 minutes on 2 cores, once"
cmake --build "$build" -j "${MORGAN_JOBS:-$(nproc)}" --target "${names[@]/%/_fuzz}" >"$build/build.log" 2>&1 || {
  grep -E "error|unknown target|Killed|No space" "$build/build.log" | head -20 >&2 || tail -20 "$build/build.log" >&2
  echo "morgan: the fuzz targets did not build; the whole log is $build/build.log" >&2
  exit 1
}

# Without it a report has addresses instead of lines.
ASAN_SYMBOLIZER_PATH=$(command -v "llvm-symbolizer-$clang" || true)
export ASAN_SYMBOLIZER_PATH ASAN_OPTIONS=detect_leaks=1 LSAN_OPTIONS=suppressions=$PWD/scripts/lsan.supp:print_suppressions=0 UBSAN_OPTIONS=print_stacktrace=1
failed=0
printf '%-14s %8s %12s %8s %8s %9s\n' target seconds runs runs/s edges findings
for name in "${names[@]}"; do
  corpus=$build/corpus/$name findings=$build/findings/$name log=$build/$name.log
  mkdir -p "$corpus" "$findings"
  "$build/bin/${name}_fuzz" --seeds "$corpus"
  before=$(find "$findings" -type f | wc -l)
  code=0
  "$build/bin/${name}_fuzz" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$findings/" "$corpus" >"$log" 2>&1 || code=$?
  found=$(($(find "$findings" -type f | wc -l) - before))
  # A crash may leave no input behind; it is one all the same.
  [ "$code" -eq 0 ] || [ "$found" -gt 0 ] || found=1
  awk -v name="$name" -v found="$found" -v limit="$seconds" '
    /^#[0-9]/ {for (i = 1; i < NF; i++) if ($i == "cov:") edges = $(i + 1)}
    /^Done / {took = $(NF - 1)}
    /^stat::number_of_executed_units:/ {runs = $2}
    /^stat::average_exec_per_sec:/ {rate = $2}
    END {printf "%-14s %8s %12s %8s %8s %9d\n", name, took == "" ? "-" : took, runs, rate, edges, found}' "$log"
  if [ "$code" -ne 0 ]; then
    failed=1
    grep -E "this does not hold|ERROR|runtime error|SUMMARY|Test unit written" "$log" | head -8 >&2
    echo "morgan: $name found something; the whole log is $log" >&2
  fi
done
exit $failed
