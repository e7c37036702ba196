#!/usr/bin/env bash
# The whole suite: test.sh [unit|all]. Closes with one line of counts.
set -euo pipefail
cd "$(dirname "$0")/.."
scope=${1:-all}
deps=${MORGAN_DEPS:-$PWD/.deps}

fail() {
  printf '\nmorgan: %s\n' "$1" >&2
  exit 1
}

step() { printf 'morgan: %s (%d s)\n' "$1" "$SECONDS"; }

step "checking formatting, layers, versions"
scripts/check.sh

step "building, with the tests"
scripts/build.sh release unit_tests
morgan=$PWD/build/release/bin/morgan

venv_stamp=$(python3 scripts/check_versions.py --requirements | sha256sum | cut -c1-16)
if [ "$(cat .venv/stamp 2>/dev/null)" != "$venv_stamp" ]; then
  step "installing the Python packages of the tests"
  rm -rf .venv
  python3 -m venv .venv || fail "python3 cannot make a virtual environment. Debian: apt-get install python3-venv"
  python3 scripts/check_versions.py --requirements >.venv/requirements.txt
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r .venv/requirements.txt ||
    fail "pip could not install the test packages. Is the network up? Run the command again when it is."
  echo "$venv_stamp" >.venv/stamp
fi

node_modules=$deps/node
node_packages=$(python3 scripts/check_versions.py --node)
if [ "$(cat "$node_modules/stamp" 2>/dev/null)" != "$node_packages" ]; then
  step "installing the Node packages of the tests"
  rm -rf "$node_modules"
  mkdir -p "$node_modules"
  # shellcheck disable=SC2086 # one word a package
  npm install --prefix "$node_modules" --no-save --no-audit --no-fund --ignore-scripts --omit=optional --loglevel error $node_packages ||
    fail "npm could not install the test packages. Is the network up? Run the command again when it is."
  echo "$node_packages" >"$node_modules/stamp"
fi

step "fetching test audio, sample programs and models"
python3 scripts/fetch.py test-audio whisper-cpp openai-examples
export MORGAN_HOME=${MORGAN_TEST_HOME:-$deps/test-home}
"$morgan" models pull
"$morgan" models pull smollm2-135m
"$morgan" models pull open-wake-word
audio=$deps/test-audio
mkdir -p "$audio/librivox"
cp -u "$(python3 scripts/fetch.py --path whisper-cpp)/samples/jfk.wav" "$audio/"
cp -u "$(python3 scripts/fetch.py --path test-audio)"/*.wav "$(python3 scripts/fetch.py --path test-audio)"/*.txt "$audio/librivox/"

step "running the tests"
export MORGAN_TEST_AUDIO=$audio MORGAN_BINARY=$morgan MORGAN_TEST_NODE=$node_modules
exec .venv/bin/python scripts/run_tests.py "$scope"
