#!/bin/bash
# Builds the model server's image and prints its digest as the last line.
#
#   serving/image/build.sh                      keep the image in .modelctl/image/registry
#   PUSH=registry.example.com/modelserver ...   push it there too (buildah login comes first)
#   REQUIREMENTS=requirements-gpu.lock          the image for NVIDIA GPUs
#   BASE=IMAGE@DIGEST BUILD_BASE=IMAGE@DIGEST   stand on these instead of Debian's packages
#   BUILD_FLAGS='--volume FROM:TO:ro'           more flags for buildah, for proxies and certificates
#
# .modelctl/image/modelserver.cdx.json says what the image consists of (CycloneDX).
# The same Debian packages, lock file, sources and release of buildah give the same digest.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
serving=$(dirname "$here")
work=$(dirname "$serving")/.modelctl/image
export CONTAINERS_STORAGE_CONF=$work/storage.conf

require() {
  command -v "$1" >/dev/null || {
    echo "image: $1 is missing: install it (Debian: apt-get install $1)" >&2
    exit 1
  }
}

# A store of its own, so that nothing on this machine changes the result. The vfs driver copies
# files instead of mounting layers: slower, but it works inside containers, and always writes a
# layer's files in the same order.
new_store() {
  rm -rf "$work/storage" "$work/run"
  mkdir -p "$work"
  printf '[storage]\ndriver = "vfs"\ngraphroot = "%s"\nrunroot = "%s"\n' \
    "$work/storage" "$work/run" >"$CONTAINERS_STORAGE_CONF"
}

# Imports Debian's packages as localhost/debian-python:<kind>.
import_root() {
  require mmdebstrap
  echo "image: making the $1 root file system from Debian's packages" >&2
  "$here/root.sh" "$1" "$work/$1.tar"
  container=$(buildah from scratch)
  buildah add --quiet "$container" "$work/$1.tar" / >/dev/null
  buildah commit --quiet --identity-label=false --timestamp 0 --rm "$container" "localhost/debian-python:$1" >/dev/null
}

# Starts Debian's registry on a free port of the loopback interface; sets `local`.
start_registry() {
  require docker-registry
  cat >"$work/registry.yml" <<-CONFIG
	version: 0.1
	storage: {filesystem: {rootdirectory: $work/registry}}
	http: {addr: "127.0.0.1:0"}
	CONFIG
  docker-registry serve "$work/registry.yml" >"$work/registry.log" 2>&1 &
  registry=$!
  trap 'kill "$registry"' EXIT
  for _ in $(seq 100); do
    address=$(sed -n 's/.*listening on \(127\.0\.0\.1:[0-9]*\).*/\1/p' "$work/registry.log")
    [ -z "$address" ] || break
    sleep 0.1
  done
  local=${address:?docker-registry did not start: read $work/registry.log}/modelserver
}

require buildah
new_store
[ -n "${BASE:-}" ] || { import_root run && BASE=localhost/debian-python:run; }
[ -n "${BUILD_BASE:-}" ] || { import_root build && BUILD_BASE=localhost/debian-python:build; }
start_registry

echo "image: building serving/Dockerfile on $BASE" >&2
# shellcheck disable=SC2086  # BUILD_FLAGS holds several words or none
buildah bud --quiet --layers --isolation chroot --timestamp 0 --identity-label=false ${BUILD_FLAGS:-} \
  --build-arg BASE="$BASE" --build-arg BUILD_BASE="$BUILD_BASE" \
  --build-arg REQUIREMENTS="${REQUIREMENTS:-requirements.lock}" \
  --tag localhost/modelserver "$serving" >/dev/null
buildah push --quiet --tls-verify=false --digestfile "$work/digest" localhost/modelserver "docker://$local"
digest=$(cat "$work/digest")
buildah pull --quiet --tls-verify=false "$local@$digest" >/dev/null
container=$(buildah from --pull-never localhost/modelserver)
cp "$(buildah mount "$container")/usr/share/sbom/modelserver.cdx.json" "$work/"
buildah rm "$container" >/dev/null
echo "image: pushed to $work/registry and pulled again by its digest" >&2
if [ -n "${PUSH:-}" ]; then
  buildah push --quiet localhost/modelserver "docker://$PUSH"
  echo "image: pushed to $PUSH" >&2
fi
echo "$digest"
