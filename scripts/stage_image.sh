#!/usr/bin/env bash
# Lays out what an image holds, after scripts/build.sh release: stage_image.sh FOLDER
#   FOLDER/morgan/          bin/morgan without symbols, lib/, the licences
#   FOLDER/packages.txt     the Debian packages whose libraries it needs, found with ldd
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:?"stage_image.sh FOLDER"}
build=build/release

mkdir -p "$out/morgan/bin" "$out/morgan/lib"
install -s -m 755 "$build/bin/morgan" "$out/morgan/bin/morgan"
cp -L "$build"/lib/*.so* "$out/morgan/lib/"
install -m 644 LICENSE NOTICE.md versions.toml "$out/morgan/"

# What Morgan opens itself, and what stands behind the libraries that it links.
named="espeak-ng-data ca-certificates"
found=$(ldd "$build/bin/morgan" "$build"/lib/*.so* | awk '/=> \// {print $3}' | sort -u | xargs -r realpath | sort -u)
# A file of no package is one of the profile's own libraries, and lies in lib/ already.
packages=$(for file in $found; do dpkg-query -S "$file" "${file#/usr}" 2>/dev/null || true; done | awk -F: '{print $1}' | sort -u)
printf '%s\n' $named $packages | sort -u >"$out/packages.txt"
