#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# precommit.sh BUILD_DIR: what is changed since the last commit is formatted and tidy, everything
# builds, and the unit tests pass. Run by the cmake target "precommit".
set -eu

build=$1
cd "$(dirname "$0")/.."

changed() {
    {
        git diff --name-only --diff-filter=d HEAD -- "$@"
        git ls-files --others --exclude-standard -- "$@"
    } | sort -u
}

formatted=$(changed 'engine/*.[ch]' 'include/*.h' 'tests/*.[ch]' 'perf/*.[ch]')
# shellcheck disable=SC2086 # paths of this tree have no spaces
[ -z "$formatted" ] || clang-format --dry-run -Werror $formatted

cmake --build "$build"
ctest --test-dir "$build" --output-on-failure -L 'unit|arch'

tidied=$(changed 'engine/*.c')
# shellcheck disable=SC2086
[ -z "$tidied" ] || clang-tidy --quiet -p "$build" $tidied
