#!/bin/sh
# Makes a root file system from Debian's packages, as a tar file.
#
#   root.sh build OUT.tar   Python with pip and a shell: where the Dockerfile installs packages
#   root.sh run   OUT.tar   Python alone, without shell and package manager: what is shipped
#
# The same package versions give the same bytes. Which ones they are is in the file system itself:
# /var/lib/dpkg/status (build) and /var/lib/dpkg/status.d/ (run), where scanners look for them.
set -eu

suite=trixie
kind=${1:?usage: root.sh build|run OUT.tar}
out=${2:?usage: root.sh build|run OUT.tar}
seal=$(dirname "$(readlink -f "$0")")/seal.sh
export SOURCE_DATE_EPOCH=0

case $kind in
build)
  mmdebstrap --quiet --format=tar --variant=essential --include=python3,python3-venv,ca-certificates \
    "$suite" "$out.part"
  ;;
run)
  # `extract` unpacks without running the packages' own scripts; seal.sh does what they would do.
  mmdebstrap --quiet --format=tar --variant=extract \
    --include=base-files,ca-certificates,libstdc++6,python3,tzdata \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/sbin/start-stop-daemon' \
    --extract-hook="sh '$seal' \"\$1\"" "$suite" "$out.part"
  ;;
*)
  echo "root.sh: found kind '$kind', expected build or run" >&2
  exit 2
  ;;
esac
mv "$out.part" "$out"
