#!/usr/bin/env bash
# What scripts can say about the tree: check.sh [--format]. The first rewrites nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
formatter=clang-format-$(sed -n 's/^clang_format = "\(.*\)"/\1/p' versions.toml)
command -v "$formatter" >/dev/null 2>&1 || {
  echo "morgan: $formatter is missing; 'make test' installs it" >&2
  exit 1
}
mapfile -t sources < <(git ls-files --cached --others --exclude-standard 'src/*.cpp' 'src/*.h' 'tests/*.cpp' 'tests/*.h' | sort -u)
if [ "${1:-}" = --format ]; then
  "$formatter" -i "${sources[@]}"
else
  "$formatter" --dry-run -Werror "${sources[@]}" || {
    echo "morgan: the files above are not in the house format; run 'make format'" >&2
    exit 1
  }
fi
command -v shellcheck >/dev/null 2>&1 || {
  echo "morgan: shellcheck is missing; 'make test' installs it" >&2
  exit 1
}
shellcheck --severity=warning scripts/*.sh bench/*.sh .ci/run
python3 scripts/check_layers.py
python3 scripts/align.py --check
python3 scripts/check_versions.py
python3 scripts/check_tree.py
# With Debian's prometheus installed, the alerts are played through, too.
! command -v promtool >/dev/null 2>&1 || {
  promtool check config deploy/prometheus/prometheus.yml >/dev/null
  promtool test rules deploy/prometheus/alerts_test.yml >/dev/null
  echo "alerts: every rule is valid and fires when it should"
}
