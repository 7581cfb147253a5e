#!/bin/bash
# Makes the disk of the nested host: Debian 12 with systemd, its generic kernel (KVM for AMD-V, watchdogs, VLANs) and everything that the package
# lamina depends on, but not the package.
#
#   nested-host.sh OUTPUT      OUTPUT: a folder to fill with vmlinuz, initrd.img and disk.qcow2 (its root file system, without partitions)
#
# Started with `-kernel vmlinuz -initrd initrd.img -append root=/dev/vda`. Root has no password; the guest agent takes commands.
# Packages come from the host's own apt sources. No loop device and no mount. Needs root, mmdebstrap, e2fsprogs and qemu-utils.
set -euo pipefail
export LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin

REPOSITORY=$(realpath "$(dirname "$0")/../../..")
BUILDERS=$REPOSITORY/src/Server/Images/Builders
readonly SUITE=bookworm DISK_SIZE=12G
. "$BUILDERS/boot-disk.sh"
. "$BUILDERS/debian-sources.sh"
. "$REPOSITORY/dev.d/packages.sh"

readonly PACKAGES=(
  systemd-sysv udev dbus linux-image-amd64 initramfs-tools zstd kmod qemu-guest-agent
  iproute2 procps iputils-ping curl jq bash-completion
  "${RUN_PACKAGES[@]}" "${RECOMMENDED_PACKAGES[@]}" "${CLUSTER_PACKAGES[@]}"
  nfs-kernel-server nfs-common # a pool that two hosts share
)

bootstrap() {
  local options=()
  mapfile -t options < <(host_apt_options)
  # INITRD=No: the kernel package would make the initial RAM disk before its configuration is there.
  INITRD=No step "installing Debian's packages" mmdebstrap --mode=root --variant=minbase --format=directory \
    --include="$(IFS=,; echo "${PACKAGES[*]}")" \
    "${options[@]}" --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='force-unsafe-io' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    "$SUITE" "$ROOT" "${SOURCES[@]}"
}

put() { mkdir -p "$(dirname "$ROOT/$1")"; cat > "$ROOT/$1"; }

configure() {
  put etc/fstab <<< '/dev/vda / ext4 defaults,discard 0 1'
  put etc/hostname <<< nested
  put etc/hosts <<< $'127.0.0.1 localhost nested\n::1 localhost'
  put etc/systemd/network/10-lan.network <<< $'[Match]\nName=en*\n[Network]\nDHCP=yes'
  put etc/systemd/journald.conf.d/keep.conf <<< $'[Journal]\nStorage=persistent'
  put etc/initramfs-tools/conf.d/small <<< $'MODULES=list\nRESUME=none\nFSTYPE=ext4'
  put etc/initramfs-tools/modules <<< $'virtio_pci\nvirtio_blk\next4'
  : > "$ROOT/etc/machine-id"
  ln -sf /lib/systemd/system/systemd-networkd.service "$ROOT/etc/systemd/system/multi-user.target.wants/"
  # Timers that would compete with the first minutes.
  rm -f "$ROOT"/etc/systemd/system/timers.target.wants/{apt-daily,apt-daily-upgrade,e2scrub_all,dpkg-db-backup,fstrim}.timer
  step "masking e2scrub_reap" systemctl --root="$ROOT" disable e2scrub_reap.service
  # Started by the steps that want them.
  step "disabling servers" systemctl --root="$ROOT" disable etcd.service nfs-server.service nfs-blkmap.service rpcbind.service rpcbind.socket nfs-client.target
}

make_boot_files() {
  local version
  version=$(basename "$ROOT"/lib/modules/*)
  step "making the initial RAM disk" chroot "$ROOT" update-initramfs -c -k "$version"
  install -m644 "$ROOT/boot/vmlinuz-$version" "$OUT/vmlinuz"
  install -m644 "$ROOT/boot/initrd.img-$version" "$OUT/initrd.img"
}

make_disk() {
  step "filling the root file system" mke2fs -q -t ext4 -L root -d "$ROOT" "$WORK/disk.raw" "$DISK_SIZE"
  step "qemu-img convert" qemu-img convert -O qcow2 "$WORK/disk.raw" "$OUT/disk.qcow2"
}

main() {
  [ $# = 1 ] || { echo "usage: ${0##*/} OUTPUT" >&2; exit 2; }
  mkdir -p "$1"; OUT=$(realpath "$1") WORK=$OUT/.work ROOT=$OUT/.work/root
  mkdir "$WORK"
  trap 'exit 143' TERM; trap 'exit 130' INT HUP; trap cleanup EXIT
  read_sources
  bootstrap
  configure
  make_boot_files
  make_disk
}

main "$@"
