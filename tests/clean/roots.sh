# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# roots - fresh Debian roots with nothing but the base system. Sourced by the scripts beside it,
# which set CHECKOUT. Needs root, debootstrap and unshare.

# shellcheck disable=SC2034 # used by who sources it
PLACE=${TMPDIR:-/tmp}/ringload-clean
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

say() { printf 'clean: %s\n' "$*"; }
die() { printf 'clean: %s\n' "$*" >&2; exit 1; }

need() {
    [ "$(id -u)" = 0 ] || die 'needs root'
    for tool in "$@"; do
        command -v "$tool" >/dev/null || die "needs $tool"
    done
}

# The mirror of this machine, and how its apt reaches it (proxies, checks of the date).
# shellcheck disable=SC2016 # apt expands it
mirror() {
    apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' |
        sed -n 's/^Debian|Debian|//p' | head -n 1
}

apt_access() {
    apt-config dump --format '%F "%v";%n' Acquire |
        grep -E '^Acquire::(http|https|Retries|Check-)[^ ]* "[^"]+"' || :
}

remove_root() {
    [ -d "$1" ] || return 0
    ! grep -q " $1/" /proc/self/mounts || die "something is mounted below $1"
    rm -rf --one-file-system "$1"
}

# make_root SUITE ROOT. Debian 12 gets the list of one-line sources that debootstrap writes, the
# others what Debian's images of release 13 have.
make_root() {
    from=$(mirror)
    [ -n "$from" ] || die "no Debian mirror in this machine's apt configuration (apt-get update?)"
    say "$1: debootstrap from $from"
    remove_root "$2"
    mkdir -p "$2"
    debootstrap --variant=minbase "$1" "$2" "$from" >"$2.log" 2>&1 ||
        { tail -n 20 "$2.log" >&2; die "debootstrap $1 failed"; }
    apt_access >"$2/etc/apt/apt.conf.d/90mirror"
    # As installers and containers write it; debootstrap leaves it to them in Debian 12.
    [ -e "$2/etc/hosts" ] || printf '127.0.0.1\tlocalhost\n::1\t\tlocalhost\n' >"$2/etc/hosts"
    if [ "$1" != bookworm ]; then
        rm "$2/etc/apt/sources.list"
        printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "$from" "$1" \
            "$KEYRING" >"$2/etc/apt/sources.list.d/debian.sources"
    fi
}

# in_root ROOT FOLDER COMMAND...: with an empty environment and no standard input, in namespaces of
# its own, so that its mounts and what it may leave running go when it ends.
in_root() (
    # shellcheck disable=SC2016 # the inner shell expands it
    exec unshare --mount --pid --fork --kill-child sh -c '
        set -e
        root=$1 folder=$2
        shift 2
        mount --bind "$root" "$root" # a root of which unshare --mount makes another view
        mount -t proc proc "$root/proc"
        mount -t sysfs -o ro sysfs "$root/sys"
        mount --rbind /dev "$root/dev"
        exec chroot "$root" /usr/bin/env -i \
            PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
            HOME=/root LANG=C.UTF-8 CI="$CI" \
            sh -c "cd \"\$1\" && shift && exec \"\$@\"" sh "$folder" "$@"
    ' sh "$@" </dev/null
)

CI=${CI:-}
export CI
