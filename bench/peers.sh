#!/usr/bin/env bash
# Installs what bench/run.py compares with: faster-whisper and piper in .venv-bench, llama-bench and
# whisper-cli from the very sources that Morgan is built on. Needs `make build` first.
set -euo pipefail
cd "$(dirname "$0")/.."
deps=${MORGAN_DEPS:-$PWD/.deps}
[ -f "$deps/engines/build.ninja" ] || {
  echo "morgan: the engines are not built yet; run 'make build' first" >&2
  exit 1
}
if [ ! -x .venv-bench/bin/piper ]; then
  python3 -m venv .venv-bench
  python3 scripts/check_versions.py --requirements bench >.venv-bench/requirements.txt
  .venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r .venv-bench/requirements.txt
fi
export CCACHE_DIR=${CCACHE_DIR:-$deps/ccache}
[ -f "$deps/bench/faster-whisper-base/model.bin" ] || python3 bench/fetch_faster_whisper.py "$deps/bench/faster-whisper-base"
cmake --build "$deps/engines" --target peers
python3 scripts/fetch.py test-audio whisper-cpp
echo "the peers are in place; now: make bench"
