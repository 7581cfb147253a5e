#!/bin/bash
# Takes back what bare-start.sh made. bare-stop.sh FOLDER keep|remove: `keep` leaves the disk and the rules.
set -u
cd "$1" || exit 1
. ./settings
if [ -e pid ]; then kill -KILL "$(<pid)" 2>/dev/null; rm -f pid; fi
for _ in {1..250}; do
  left=()
  for group in "${GROUPS_OF_VM[@]}"; do [ ! -d "$group" ] || rmdir "$group" 2>/dev/null || left+=("$group"); done
  [ ${#left[@]} != 0 ] || break
  sleep 0.02
done
ip link delete "$TAP" 2>/dev/null
[ "$2" = keep ] || { rm -f disk.qcow2; nft -f - <<< "${RULES//add element/delete element}" 2>/dev/null; }
rm -f ./*.sock
[ ${#left[@]} = 0 ]
