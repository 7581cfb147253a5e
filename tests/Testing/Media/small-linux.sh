#!/bin/bash
# Makes the small guest of the tests: Debian's cloud kernel with a busybox initial RAM disk, ready within seconds even under TCG.
#
#   small-linux.sh OUTPUT      OUTPUT: a folder to fill with vmlinuz, initrd.gz and disk.qcow2 (the same system, boots on BIOS and UEFI)
#
# What the guest does, for those who test with it:
#   serial     on ttyS0: a line `GUEST-READY boot=BOOT-ID`, then a root shell without log-in (prompt `guest# `)
#   network    DHCP on eth0; a line `GUEST-ADDRESS A.B.C.D` on the serial line. `ip4=A.B.C.D/N` on the kernel's command line sets it instead
#   commands   `run64=BASE64` on the kernel's command line: a shell script run after GUEST-READY; then a line `RUN-EXIT STATUS`
#   power      the ACPI power button powers off; so does the agent's guest-shutdown
#   agent      the real qemu-guest-agent, where the VM has the port org.qemu.guest_agent.0; a line `GUEST-AGENT` when it was started
#   cidata     a CD labelled cidata is mounted on /cidata; user-data that begins with `#!` is run, as cloud-init would, and `RUN-EXIT STATUS` follows
# Packages come from the host's own apt sources, downloaded and unpacked, not installed.
# Needs: apt, dpkg, busybox-static, kmod, cpio, and what boot-disk.sh needs.
set -euo pipefail
export LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin

HERE=$(dirname "$(realpath "$0")")
WORK=$(mktemp -d "${TMPDIR:-/tmp}/lamina-small-linux.XXXXXX")
. "$HERE/../../../src/Server/Images/Builders/boot-disk.sh"

readonly MODULES=(
  virtio_pci virtio_mmio virtio_net virtio_blk virtio_scsi sd_mod sr_mod virtio_console virtio_balloon virtio-rng virtio_mem
  button evdev isofs vfat pvpanic-mmio
)

download() {
  local kernel
  kernel=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '$1 == "Depends:" && /linux-image-/ {print $2; exit}')
  [ -n "$kernel" ] || return 1
  (cd "$WORK" && apt-get -q -o APT::Sandbox::User=root download "$kernel" qemu-guest-agent) >&2
}

unpack() {
  if ! download; then
    step "apt-get update" apt-get -q update
    download || fail "Debian's kernel or qemu-guest-agent could not be downloaded. Check the host's apt sources"
  fi
  step "unpacking the kernel" dpkg -x "$WORK"/linux-image-*.deb "$WORK/kernel"
  step "unpacking the agent" dpkg -x "$WORK"/qemu-guest-agent_*.deb "$WORK/agent"
  VERSION=$(basename "$WORK"/kernel/lib/modules/*)
  step "depmod" depmod -b "$WORK/kernel" "$VERSION"
}

# modules.dep lists what a module needs, the first to load last.
copy_modules() {
  local from=$WORK/kernel/lib/modules/$VERSION name file
  for name in "${MODULES[@]}"; do
    awk -F: -v name="${name//-/_}" '
      { file = $1; sub(/.*\//, "", file); sub(/\.ko.*/, "", file); gsub(/-/, "_", file) }
      file == name { n = split($2, needs, " "); for (i = n; i > 0; i--) print needs[i]; print $1; exit }' "$from/modules.dep"
  done | awk '!seen[$0]++' > "$WORK/order"
  while read -r file; do
    cp "$from/$file" "$ROOT/lib/modules/"
    basename "$file" >> "$ROOT/etc/modules"
  done < "$WORK/order"
}

copy_agent() {
  local library
  install -m755 "$WORK/agent/usr/sbin/qemu-ga" "$ROOT/bin/qemu-ga"
  ldd "$WORK/agent/usr/sbin/qemu-ga" | grep -q 'not found' && fail "the host lacks a library of qemu-ga. Install qemu-system-x86"
  for library in $(ldd "$WORK/agent/usr/sbin/qemu-ga" | grep -o '/[^ ]*'); do
    mkdir -p "$ROOT/$(dirname "$library")"; cp -L "$library" "$ROOT/$library"
  done
}

make_root() {
  local applet
  ROOT=$WORK/root
  mkdir -p "$ROOT"/{bin,dev,proc,sys,run,tmp,mnt,cidata,etc/acpi/PWRF,lib/modules}
  ln -s bin "$ROOT/sbin"; mkdir "$ROOT/usr"; ln -s ../bin "$ROOT/usr/bin"; ln -s ../bin "$ROOT/usr/sbin"
  cp /bin/busybox "$ROOT/bin/busybox"
  for applet in $(busybox --list | grep -vx busybox); do ln -s busybox "$ROOT/bin/$applet"; done
  copy_modules
  copy_agent
  cp -r "$HERE/small-linux/." "$ROOT/"
  printf '#!/bin/sh\nexec poweroff -f\n' > "$ROOT/etc/acpi/PWRF/00000080"
  chmod 755 "$ROOT"/init "$ROOT"/etc/*.sh "$ROOT/bin/shutdown" "$ROOT/etc/acpi/PWRF/00000080"
}

make_boot_files() {
  install -m644 "$WORK/kernel/boot/vmlinuz-$VERSION" "$OUT/vmlinuz"
  (cd "$ROOT" && find . | cpio -o -H newc --quiet -R 0:0) | gzip -1 > "$OUT/initrd.gz"
}

make_disk() {
  local raw=$WORK/disk.raw
  partition "$raw" 67
  printf 'search --no-floppy --file --set=root /vmlinuz\nset prefix=($root)/grub\nlinux /vmlinuz console=ttyS0 quiet\ninitrd /initrd.gz\nboot\n' > "$WORK/early.cfg"
  make_efi_partition "$raw" "$WORK/early.cfg" "$OUT/vmlinuz" "$OUT/initrd.gz"
  embed_grub "$raw" "$WORK/early.cfg"
  step "qemu-img convert" qemu-img convert -O qcow2 -c "$raw" "$OUT/disk.qcow2"
}

main() {
  [ $# = 1 ] || { echo "usage: ${0##*/} OUTPUT" >&2; exit 2; }
  mkdir -p "$1"; OUT=$(realpath "$1")
  trap 'exit 143' TERM; trap 'exit 130' INT HUP; trap cleanup EXIT
  unpack
  make_root
  make_boot_files
  make_disk
}

main "$@"
