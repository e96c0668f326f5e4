#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# docker/Dockerfile, built and run without a Docker engine: buildah builds it, from the last commit
# of this checkout, on a fresh Debian 13 root that stands for debian:trixie-slim; podman runs the
# demo in it under docker/seccomp.json, and under Docker's default profile, where it must say that
# io_uring is not allowed.
#
# Everything is made below ${TMPDIR:-/tmp}/ringload-clean, and the containers' network has only
# loopback. Packages: debootstrap buildah podman crun.
set -eu

CHECKOUT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
# shellcheck source=tests/clean/roots.sh
. "$CHECKOUT/tests/clean/roots.sh"
need debootstrap unshare git buildah podman crun python3

STORE=$PLACE/containers
CONTEXT=$PLACE/context
export TMPDIR="$PLACE"

with_store() {
    tool=$1
    shift
    "$tool" --storage-driver vfs --root "$STORE/root" --runroot "$STORE/run" "$@"
}

# run PROFILE ARGUMENT...: the image's entry point. On a machine with both kinds of cgroups crun
# wants to see only the second.
run() (
    profile=$1
    shift
    files=$(awk '/^Max open files/ {print $5}' /proc/self/limits)
    # shellcheck disable=SC2016 # the inner shell expands it
    exec unshare --mount sh -c 'mount -t cgroup2 none /sys/fs/cgroup && exec "$@"' sh \
        podman --storage-driver vfs --root "$STORE/root" --runroot "$STORE/run" \
        run --rm --network none --cgroups disabled \
        --ulimit "nofile=$files:$files" --ulimit nproc=32768:32768 \
        --security-opt "seccomp=$profile" ringload "$@" </dev/null
)

remove_root "$STORE"
remove_root "$CONTEXT"
make_root trixie "$PLACE/slim"
git clone -q --no-local "$CHECKOUT" "$CONTEXT"

say 'building the image'
tar -C "$PLACE/slim" -c . | with_store podman import -q - docker.io/library/debian:trixie-slim
with_store buildah build --isolation chroot --pull=never -f "$CONTEXT/docker/Dockerfile" \
    -t ringload "$CONTEXT"

set -- run --serve echo --vus 100 --duration 5s /usr/local/share/ringload/examples/echo.lua
say "running: k6 $* (docker/seccomp.json)"
run "$CONTEXT/docker/seccomp.json" "$@"

say "running: k6 $* (Docker's default profile)"
default=$PLACE/default.json
python3 -c 'import json, sys
profile = json.load(open(sys.argv[1]))
profile["syscalls"].pop()
json.dump(profile, open(sys.argv[2], "w"))' "$CONTEXT/docker/seccomp.json" "$default"
if output=$(run "$default" "$@" 2>&1); then
    die "a run without io_uring did not fail: $output"
fi
printf '%s\n' "$output"
printf '%s\n' "$output" | grep -q io_uring || die 'it does not say that io_uring is missing'

remove_root "$STORE"
say 'passed: the image'
