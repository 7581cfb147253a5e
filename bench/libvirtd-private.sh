#!/bin/bash
# A libvirtd of one's own, in namespaces of its own (unshare -m -p -f --mount-proc): nothing of a libvirt that this machine may have is touched or
# seen, and this shell is the init that collects libvirt's orphans at once; libvirt waits for their end.
# libvirtd-private.sh FOLDER: runs until it is killed. virsh reaches it through the same mounts (nsenter -t PID -m).
set -eu
folder=$1
for place in run lib cache etc log; do mkdir -p "$folder/$place"; done
mkdir -p /run/libvirt /var/lib/libvirt /var/cache/libvirt /etc/libvirt /var/log/libvirt
mount --make-rprivate /
mount --bind "$folder/run" /run/libvirt
mount --bind "$folder/lib" /var/lib/libvirt
mount --bind "$folder/cache" /var/cache/libvirt
mount --bind "$folder/etc" /etc/libvirt
mount --bind "$folder/log" /var/log/libvirt
printf 'host_uuid = "%s"\nauth_unix_rw = "none"\nauth_unix_ro = "none"\n' "$(cat /proc/sys/kernel/random/uuid)" > /etc/libvirt/libvirtd.conf
# As light as libvirt gets: no cgroups, no namespace per guest, no relabelling, and guests as root, so that Debian's accounts for it (made by
# libvirt-daemon-system, which wants systemd) are not needed.
cat > /etc/libvirt/qemu.conf <<'CONF'
user = "root"
group = "root"
dynamic_ownership = 0
security_driver = "none"
cgroup_controllers = [ ]
namespaces = [ ]
stdio_handler = "file"
CONF
/usr/sbin/libvirtd --pid-file "$folder/libvirtd.pid" &
wait $!
