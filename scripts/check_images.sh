#!/usr/bin/env bash
# Builds the image, starts it as people do, and asks it a spoken question: check_images.sh [build] [run]
#
# Needs a container engine that answers (docker info), docker-compose, and for `run` the models in $MORGAN_HOME/models
# (make test has fetched them). Takes some 20 minutes at first, so it is not part of make test. An engine whose networks
# reach nothing outside may `run`; one without networks of its own may `build` (MORGAN_BUILD_NETWORK=host).
set -euo pipefail
cd "$(dirname "$0")/.."

readonly largest_mb=150  # compressed
home=${MORGAN_HOME:-$PWD/.deps/test-home}
export MORGAN_REGISTRY="" MORGAN_PROFILE=${MORGAN_PROFILE:-cpu}
image=localhost/morgan/core:$MORGAN_PROFILE
project=morgan-check
work=$(mktemp -d)

fail() {
  printf 'morgan: %s\n' "$1" >&2
  exit 1
}

step() { printf 'morgan: %s (%d s)\n' "$1" "$SECONDS"; }

if command -v docker-compose >/dev/null 2>&1; then compose=(docker-compose); else compose=(docker compose); fi
docker info >/dev/null 2>&1 || fail "no container engine answers; docker info says why"

tidy() {
  "${compose[@]}" -p "$project" down --volumes --timeout 20 >/dev/null 2>&1 || true
  [ -z "${registry:-}" ] || kill "$registry" 2>/dev/null || true
  rm -rf "$work"
}
trap tidy EXIT

build() {
  step "building"
  scripts/registry-build.sh -b
  step "built"
  local bytes
  bytes=$(docker save "$image" | gzip -6 | wc -c)
  echo "morgan: $image is $((bytes / 1000000)) MB compressed"
  [ "$MORGAN_PROFILE" != cpu ] || [ $((bytes / 1000000)) -le $largest_mb ] || fail "the image is larger than $largest_mb MB"
  docker run --rm --network none --entrypoint cat "$image" /opt/morgan/sbom.cdx.json >"$work/sbom.json"
  python3 - "$work/sbom.json" <<'END'
import json, sys
bill = json.load(open(sys.argv[1]))
names = {part["name"] for part in bill["components"]}
assert bill["bomFormat"] == "CycloneDX" and {"llama-cpp-python", "libc6", "espeak-ng-data"} <= names, sorted(names)
print(f"morgan: the bill of materials lists {len(names)} parts")
END
}

# What was promised of a container: no rights, nothing to write to but its volumes.
check_confinement() {
  local id
  id=$("${compose[@]}" -p "$project" ps -q core)
  [ "$(docker exec "$id" id -u)" = 10001 ] || fail "core does not run as user 10001"
  ! docker exec "$id" sh -c 'echo x >/opt/morgan/x' 2>/dev/null || fail "core may write to its root file system"
  ! docker exec "$id" sh -c 'echo x >/var/lib/morgan/models/x' 2>/dev/null || fail "core may write to the models"
  docker exec "$id" grep -q '^CapEff:[[:space:]]*0000000000000000$' /proc/self/status || fail "core has capabilities"
}

refused_push() {
  mkfifo "$work/port"
  python3 - >"$work/port" <<'END' &
# A registry that lets nobody in, as the API of registries says it.
import http.server
class Refuses(http.server.BaseHTTPRequestHandler):
    def refuse(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b'{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}'
        self.send_response(200 if self.path == "/v2/" else 403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = refuse
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refuses)
print(server.server_port, flush=True)
server.serve_forever()
END
  registry=$!
  local host port code=0
  read -r port <"$work/port"
  host=127.0.0.1:$port
  docker tag "$image" "$host/morgan/core:$MORGAN_PROFILE"
  scripts/registry-build.sh -p -s core -r "$host" 2>"$work/refused" || code=$?
  docker image rm "$host/morgan/core:$MORGAN_PROFILE" >/dev/null
  cat "$work/refused"
  [ $code -eq 3 ] && grep -q "refused to push" "$work/refused" || fail "a registry that refuses the push is not told as such (code $code)"
}

run() {
  [ -d "$home/models/silero-vad" ] || fail "no models in $home/models; make test fetches them"
  step "a registry that refuses the push"
  refused_push
  step "giving the containers the models"
  docker volume create "${project}_models" >/dev/null
  docker run --rm --network none --user 0 --entrypoint sh -v "${project}_models:/to" -v "$home/models:/from:ro" "$image" \
    -c 'cp -r /from/. /to/ && chown -R 10001:10001 /to'
  step "starting the five services"
  "${compose[@]}" -p "$project" up -d --wait --wait-timeout 300 || {
    "${compose[@]}" -p "$project" logs --tail 30
    fail "not all of the services became healthy"
  }
  "${compose[@]}" -p "$project" ps
  step "all five are healthy; asking"
  check_confinement
  ask_five
  "${compose[@]}" -p "$project" stop --timeout 20 >/dev/null
  step "stopped"
}

# A question that a voice of Morgan's speaks, the answer of core, and each service's own word.
ask_five() {
  local port
  curl --fail --silent --show-error http://127.0.0.1:8002/synthesize -H 'Content-Type: application/json' \
    -d '{"text":"What is the capital of France?","voice":"af_heart"}' -o "$work/question.wav"
  curl --fail --silent --show-error http://127.0.0.1:8000/api/audio -F "file=@$work/question.wav" -F user_id=check -o "$work/answer.json"
  python3 - "$work/answer.json" <<'END'
import base64, json, sys
answer = json.load(open(sys.argv[1]))
print("you    ", answer["transcription"])
print("morgan ", answer["text_response"])
assert "Paris" in answer["text_response"], answer["text_response"]
assert base64.b64decode(answer["audio_data"])[:4] == b"RIFF"
print("timings", json.dumps(answer.get("timings_ms") or answer["metadata"].get("timings_ms")))
END
  for port in 8000 8001 8002 8003 8004; do
    curl --fail --silent "http://127.0.0.1:$port/health" | python3 -c 'import json,sys; h = json.load(sys.stdin); print(" ", h.get("service", "?"), h["status"])'
  done
}

[ $# -gt 0 ] || set -- build run
for part in "$@"; do
  case $part in
    build) build ;;
    run) run ;;
    *) fail "there is no part '$part'; there are: build, run" ;;
  esac
done
