#!/usr/bin/env bash
# Builds Morgan's images and pushes them to a registry.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'END'
scripts/registry-build.sh -b|-p|-l [options]

  -b          build
  -p          push
  -l          pull
  -c          after a push, remove the images here
  -s NAME     only this service (again for another): core, llm-service, tts-service, stt-service, vad-service
  -t TAG      tag; the profile's name when absent
  -r HOST     registry, with its path if it has one; MORGAN_REGISTRY when absent, and localhost without both
  -P PROFILE  profile of versions.toml: cpu, cuda-12.4, ...; MORGAN_PROFILE when absent, and cpu without both
  -n          dry run: print the commands, run none
  -h          this text

One image serves all five services; each name is a tag of it, so five names take the place of one.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no container engine or no registry.
END
}

readonly all="core llm-service tts-service stt-service vad-service"
build="" push="" pull="" clean="" dry="" services=""
registry=${MORGAN_REGISTRY:-}
profile=${MORGAN_PROFILE:-cpu}
tag=""

fail() {  # exit code, message
  printf 'morgan: %s\n' "$2" >&2
  exit "$1"
}

while getopts ":bplcnhs:t:r:P:" option; do
  case $option in
    b) build=1 ;;
    p) push=1 ;;
    l) pull=1 ;;
    c) clean=1 ;;
    n) dry=1 ;;
    s) services="$services $OPTARG" ;;
    t) tag=$OPTARG ;;
    r) registry=$OPTARG ;;
    P) profile=$OPTARG ;;
    h) usage; exit 0 ;;
    :) fail 2 "option -$OPTARG needs a value; -h shows how" ;;
    *) fail 2 "there is no option -$OPTARG; -h lists them" ;;
  esac
done
shift $((OPTIND - 1))
[ $# -eq 0 ] || fail 2 "'$1' is no option; services are named with -s"
[ -n "$build$push$pull" ] || fail 2 "nothing to do: give -b, -p or -l (-h explains)"

python3 scripts/align.py --profile "$profile" libraries >/dev/null || exit 2
for service in $services; do
  case " $all " in *" $service "*) ;; *) fail 2 "there is no service '$service'; there are: $all" ;; esac
done
services=${services:-$all}
tag=${tag:-$profile}
[[ $tag =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$ ]] || fail 2 "'$tag' cannot be a tag: letters, digits, '.', '_' and '-', at most 128"
registry=${registry%/}
if [ -n "$push$pull" ] && [ -z "$registry" ]; then
  fail 2 "to push or pull name the registry: -r HOST, or MORGAN_REGISTRY"
fi
registry=${registry:-localhost}

run() {
  if [ -n "$dry" ]; then
    printf '%q ' "$@"
    echo
  else
    "$@"
  fi
}

image_of() { echo "$registry/morgan/$1:$tag"; }

if [ -z "$dry" ]; then
  command -v docker >/dev/null 2>&1 || fail 3 "docker is missing; install a container engine"
  docker info >/dev/null 2>&1 || fail 3 "no container engine answers (docker info says why); start it, or join the group docker"
fi

if [ -n "$build" ]; then
  names=()
  for service in $services; do
    names+=(-t "$(image_of "$service")")
  done
  arguments=()
  # Only what is set is passed on: the Dockerfile has the profile's own values.
  for name in MORGAN_CPU $(sed -n 's/^ARG \([A-Z0-9_]*_IMAGE\)=.*/\1/p' Dockerfile); do
    [ -z "${!name:-}" ] || arguments+=(--build-arg "$name=${!name}")
  done
  commit=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
  DOCKER_BUILDKIT=1 run docker build ${MORGAN_BUILD_NETWORK:+--network "$MORGAN_BUILD_NETWORK"} --target "$profile" \
    --build-arg "MORGAN_COMMIT=$commit" ${arguments[@]+"${arguments[@]}"} "${names[@]}" . || fail 1 "the image did not build; the engine's words are above"
fi

transfer() {  # push|pull image
  local output
  if [ -n "$dry" ]; then
    run docker "$1" "$2"
  elif output=$(docker "$1" "$2" 2>&1); then
    echo "morgan: ${1}ed $2"
  else
    printf '%s\n' "$output" | tail -5 >&2
    case $output in
      *denied* | *unauthorized* | *"no basic auth"* | *"authentication required"*)
        fail 3 "the registry $registry refused to $1 $2: log in with 'docker login ${registry%%/*}', or ask for the right to $1" ;;
      *"no such host"* | *"connection refused"* | *"i/o timeout"* | *"dial tcp"*)
        fail 3 "the registry $registry does not answer; is its name right, and the network up?" ;;
      *"does not exist locally"*) fail 1 "$2 is not here; build it first (-b)" ;;
      *) fail 1 "could not $1 $2; the engine's words are above" ;;
    esac
  fi
}

for service in $services; do
  image=$(image_of "$service")
  [ -z "$push" ] || transfer push "$image"
  [ -z "$pull" ] || transfer pull "$image"
  [ -z "$push" ] || [ -z "$clean" ] || run docker image rm "$image"
done
