#!/usr/bin/env bash
# The unit tests under ASan+UBSan and then under TSan. Long (two more builds); CI does not run it.
set -euo pipefail
cd "$(dirname "$0")/.."
deps=${MORGAN_DEPS:-$PWD/.deps}
export MORGAN_HOME=${MORGAN_TEST_HOME:-$deps/test-home} MORGAN_TEST_AUDIO=${MORGAN_TEST_AUDIO:-$deps/test-audio}
[ -d "$MORGAN_HOME/models" ] || {
  echo "morgan: the models of the tests are not there; 'make test' fetches them" >&2
  exit 1
}
# OpenMP and ONNX Runtime are not instrumented: what TSan sees of them is noise.
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1 LSAN_OPTIONS=suppressions=$PWD/scripts/lsan.supp
export TSAN_OPTIONS=suppressions=$PWD/scripts/tsan.supp UBSAN_OPTIONS=print_stacktrace=1 OMP_NUM_THREADS=1
for preset in dev tsan; do
  echo "morgan: building with the $preset preset"
  scripts/build.sh "$preset" unit_tests
  MORGAN_BUILD=build/$preset .venv/bin/python scripts/run_tests.py unit
done
