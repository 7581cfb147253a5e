#!/bin/bash
# A libvirtd of one's own, in namespaces of its own (unshare -m -p -f --mount-proc): nothing of a libvirt that this machine may have is touched or
# seen, and this shell is the init that collects libvirt's orphans at once; libvirt waits for their end.
# libvirtd-private.sh FOLDER [NAME ADDRESS CERTIFICATES]: with them it is a host of that name (unshare --uts), listens there too, without asking who calls (only in a
# network of its own), and takes and sends guests by those certificates. Runs until it is killed. virsh reaches it through the same mounts (nsenter -t PID -m).
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
listen=()
if [ $# -gt 1 ]; then
  hostname "$2"
  printf 'listen_tls = 0\nlisten_tcp = 1\nauth_tcp = "none"\nlisten_addr = "%s"\n' "$3" >> /etc/libvirt/libvirtd.conf
  printf 'migrate_tls_x509_cert_dir = "%s"\nmigrate_tls_x509_verify = 1\nmigration_address = "%s"\n' "$4" "$3" >> /etc/libvirt/qemu.conf
  listen=(--listen)
fi
/usr/sbin/libvirtd "${listen[@]}" --pid-file "$folder/libvirtd.pid" &
wait $!
