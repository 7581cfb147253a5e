#!/bin/bash
# The bare script that Lamina is measured against: one VM, made by hand, as lean as a person would sensibly write it. What depends on nothing is
# made at the same time; QMP goes over named pipes, which bash speaks by itself. It ends when QEMU says that the guest runs.
# bare-start.sh FOLDER new|again: `new` also makes the disk and the packet rules, which outlive a stop.
set -eu
cd "$1"
. ./settings
if [ "$2" = new ]; then
  qemu-img create -q -f qcow2 -F qcow2 -b base.qcow2 disk.qcow2 & making=$!
  nft -f - <<< "$RULES" & ruling=$!
fi
ip -batch - <<< "tuntap add dev $TAP mode tap user $USER_ID
link set dev $TAP alias $TAP mtu $MTU master $BRIDGE up" & plugging=$!
mkdir "${GROUPS_OF_VM[@]}"
for ((i = 0; i < ${#LIMITS[@]}; i += 2)); do echo "${LIMITS[i + 1]}" > "${LIMITS[i]}"; done
mapfile -t arguments < qemu-arguments
[ "$2" != new ] || { wait $making; wait $ruling; }
wait $plugging
eval "exec 30<>qmp.in 31<>qmp.out $DISK_FD<>disk.qcow2 $BASE_FD<base.qcow2"
(
  ulimit -c 0
  for group in "${ENTRIES[@]}"; do echo $BASHPID > "$group"; done
  exec setpriv --reuid="$USER_ID" --regid="$USER_ID" --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all -- "${arguments[@]}" \
    30>&- 31>&- < /dev/null > qemu.log 2>&1
) &
echo $! > pid
echo '{"execute":"qmp_capabilities"}{"execute":"cont"}{"execute":"query-status"}' >&30
while read -r -t 10 line <&31; do
  [[ $line != *'"status": "running"'* ]] || exit 0
done
cat qemu.log >&2
exit 1
