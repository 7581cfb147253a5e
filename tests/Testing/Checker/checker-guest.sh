#!/bin/bash
# Makes the initial RAM disk of the checker guest: the small Linux of the tests, with the checker in it (checker.c says what that does).
#
#   checker-guest.sh OUTPUT INITRD      OUTPUT: a folder to fill with initrd.gz; INITRD: the small Linux's
#
# The kernel takes RAM disks that lie one behind another as one.
# Needs: clang, libc6-dev (zlib1g-dev brings it), cpio.
set -euo pipefail
export LC_ALL=C.UTF-8

HERE=$(dirname "$(realpath "$0")")
ROOT=$(mktemp -d "${TMPDIR:-/tmp}/lamina-checker.XXXXXX")
trap 'rm -rf "$ROOT"' EXIT
mkdir "$ROOT/bin"
clang -O2 -static -pthread -Wall -Wextra -Wno-unused-parameter -Werror -o "$ROOT/bin/checker" "$HERE/checker.c"
strip "$ROOT/bin/checker"
cp "$2" "$1/initrd.gz"
(cd "$ROOT" && printf 'bin/checker\n' | cpio -o -H newc --quiet -R 0:0) | gzip -1 >> "$1/initrd.gz"
