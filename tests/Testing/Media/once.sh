#!/bin/bash
# once.sh FOLDER SCRIPT ARGUMENT...: has SCRIPT fill FOLDER, unless it is there. The caller holds a lock; FOLDER appears only when complete.
set -euo pipefail
[ ! -d "$1" ] || exit 0
rm -rf "$1.tmp"
mkdir -p "$1.tmp"
bash "$2" "$1.tmp" "${@:3}"
mv -T "$1.tmp" "$1"
