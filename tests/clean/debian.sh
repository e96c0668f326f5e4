#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The README's commands on clean machines: fresh Debian 12 and Debian 13 roots with nothing but
# the base system, made with debootstrap from the mirror that this machine uses.
#
#   tests/clean/debian.sh                      ./bootstrap demo and ./bootstrap test, in both
#   tests/clean/debian.sh -s trixie demo       one suite, one command
#
# What is tested is the last commit of this checkout, cloned. The roots are made below
# ${TMPDIR:-/tmp}/ringload-clean, anew at each run, and stay there to be looked at (-d: removed).
set -eu

SUITES='bookworm trixie'
REMOVE=no
while getopts s:d option; do
    case $option in
        s) SUITES=$OPTARG ;;
        d) REMOVE=yes ;;
        *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- demo test

CHECKOUT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
# shellcheck source=tests/clean/roots.sh
. "$CHECKOUT/tests/clean/roots.sh"
need debootstrap unshare git

for suite in $SUITES; do
    root=$PLACE/$suite
    make_root "$suite" "$root"
    git clone -q --no-local "$CHECKOUT" "$root/root/ringload"
    for command in "$@"; do
        say "$suite: ./bootstrap $command"
        in_root "$root" /root/ringload ./bootstrap "$command" ||
            die "$suite: ./bootstrap $command failed"
    done
    say "$suite: ./bootstrap deps again does nothing"
    again=$(in_root "$root" /root/ringload ./bootstrap deps)
    [ -z "$again" ] || die "$suite: a second run is not silent: $again"
    [ ! -e "$root/usr/sbin/policy-rc.d" ] || die "$suite: policy-rc.d is left behind"
    say "$suite: passed"
    [ "$REMOVE" = no ] || remove_root "$root"
done
say "passed: $SUITES"
