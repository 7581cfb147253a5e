#!/bin/bash
# Adds the guest's program to the small Linux of the tests: a second archive behind the first, which the kernel unpacks over it.
# media.sh FOLDER: has vmlinuz and initrd.gz of small-linux.sh; gets ticker.gz beside them.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d "${TMPDIR:-/tmp}/lamina-bench-guest.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
clang -static -O2 -o "$work/bin/ticker" "$here/ticker.c"
(cat "$1/initrd.gz"; cd "$work" && find bin/ticker | cpio -o -H newc --quiet -R 0:0 | gzip -1) > "$work/ticker.gz"
mv "$work/ticker.gz" "$1/ticker.gz"
