#!/usr/bin/env bash
# Installs the Debian packages that are missing: bootstrap.sh build|test|fuzz|image. Quiet when nothing is missing.
# image: inside a container build, which fetches no models.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=${1:-build}

fail() {
  printf '\nmorgan: %s\n' "$1" >&2
  exit 1
}

packages() {  # section
  awk -v section="[$1]" '/^#/ || NF == 0 {next} /^\[/ {on = ($0 == section); next} on' scripts/packages.txt
}

names=$(packages build)
case $wanted in test | fuzz) names="$names $(packages "$wanted")" ;; esac
# Kokoro's voices come from the npm registry; any npm will do, Debian's only where there is none.
[ "$wanted" = image ] || command -v npm >/dev/null 2>&1 || names="$names npm"

if ! command -v dpkg-query >/dev/null 2>&1; then
  fail "this is not a Debian system. Install the equivalents of the packages in scripts/packages.txt, then run 'make build' and 'make serve'."
fi
mapfile -t missing < <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' 2>/dev/null |
  awk -v names="$names" '$2 == "installed" {have[$1]} END {split(names, wanted); for (i = 1; i in wanted; i++) if (!(wanted[i] in have)) print wanted[i]}')
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null 2>&1 || fail "these packages are missing and there is no sudo; as root run: apt-get install ${missing[*]}"
  as_root=(sudo)
  # Without a terminal sudo could only wait for ever.
  [ -t 0 ] || as_root=(sudo -n)
fi

echo "morgan: installing ${#missing[@]} Debian packages: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
install_all() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
    install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1
}
# A fresh machine has no package lists, an old one stale ones.
"${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 update >"$log" 2>&1 || {
  tail -5 "$log" >&2
  grep -qi "password is required\|a terminal is required" "$log" && fail "sudo needs a password: run 'sudo apt-get install ${missing[*]}' once, then this command again."
  fail "apt-get update failed. Is the network up? Run this command again when it is."
}
install_all || {
  tail -15 "$log" >&2
  grep -q "No space left\|enough free space" "$log" && fail "the disk is full: $(df -h / | awk 'NR==2 {print $4}') free on /. Free some space and run this command again."
  fail "apt-get could not install the packages (its last lines are above). Run this command again when that is mended."
}
