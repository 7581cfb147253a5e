#!/bin/bash
# Builds the guest image debian/12: Debian 12 with cloud-init and the QEMU guest agent, as one qcow2 that boots on BIOS and UEFI.
#
#   debian-12.sh OUTPUT WORK
#
#   OUTPUT  path of the qcow2 to write. It appears only when complete (written in WORK, then renamed: keep both on one file system).
#   WORK    folder for everything temporary. Made if absent, removed at the end, whatever the end is. If the script was killed
#           with SIGKILL the caller removes it; nothing outside of WORK is touched and nothing stays mounted.
#
#   stdout  lines `progress PERCENT TEXT` (PERCENT is a whole number from 0 to 100), nothing else
#   stderr  the tools' own words; the last line of a failure is `error: WHAT. REMEDY`
#   exit    0 done, 1 failed, 2 wrong arguments, 143 or 130 ended by SIGTERM or SIGINT
#
# Cancelling: start it in a process group (or session) of its own and send SIGTERM to the group.
# Packages come from the host's own Debian sources, as `apt-get indextargets` lists them: main, updates and security.
# Needs root, and: mmdebstrap, e2fsprogs, fdisk, mtools, grub-common, grub-pc-bin, grub-efi-amd64-bin, qemu-utils.
# No loop device and no mount: mke2fs fills the root file system from a folder, boot-disk.sh does the boot loaders.
set -euo pipefail
export LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin

readonly SUITE=bookworm
readonly DISK_MIB=2048
readonly PACKAGES=(
  systemd-sysv udev dbus linux-image-cloud-amd64 initramfs-tools zstd kmod
  cloud-init cloud-guest-utils fdisk e2fsprogs qemu-guest-agent
  systemd-resolved systemd-timesyncd iproute2 iputils-ping netbase openssh-server ca-certificates
  sudo procps less nano bash-completion
)

. "$(dirname "$(realpath "$0")")/boot-disk.sh"
. "$(dirname "$(realpath "$0")")/debian-sources.sh"

check_host() {
  [ "$(id -u)" = 0 ] || fail "building an image needs root. Run it through laminad, or with sudo"
  local missing=() pair
  for pair in mmdebstrap:mmdebstrap mke2fs:e2fsprogs sfdisk:fdisk mformat:mtools grub-mkimage:grub-common \
              qemu-img:qemu-utils apt-get:apt; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
  done
  [ -e /usr/lib/grub/i386-pc/boot.img ] || missing+=(grub-pc-bin)
  [ -e /usr/lib/grub/x86_64-efi/linux.mod ] || missing+=(grub-efi-amd64-bin)
  [ ${#missing[@]} = 0 ] || fail "this host lacks ${missing[*]}. Install with: apt-get install ${missing[*]}"
  local free_mib; free_mib=$(df -Pm "$WORK" | awk 'NR==2 {print $4}')
  [ "$free_mib" -ge 3072 ] || fail "$WORK has $free_mib MiB free, and the build needs 3072 MiB. Free some space there"
}

# mmdebstrap tells what it does as `I: …`; its steps become percents. Everything it says goes to stderr too.
watch_bootstrap() {
  local line
  while IFS= read -r line; do
    printf '%s\n' "$line" >&2
    case $line in
      *'downloading packages with apt'*) progress 5 'downloading packages' ;;
      *'extracting archives'*) progress 14 'unpacking the base system' ;;
      *'installing essential packages'*) progress 18 'installing the base system' ;;
      *'installing remaining packages'*) progress 25 "installing ${#PACKAGES[@]} packages and what they need" ;;
      *'Unpacking linux-image'*) progress 35 'unpacking the kernel' ;;
      'Setting up linux-image'*|*'Setting up cloud-init'*) progress 50 'configuring packages' ;;
      *'update-initramfs: Generating'*) progress 60 'making the initial RAM disk' ;;
      *'cleaning package lists'*) progress 70 'tidying up' ;;
    esac
  done
}

bootstrap() {
  progress 1 'reading the package lists'
  local options=()
  mapfile -t options < <(host_apt_options)
  # INITRD=No: the kernel package would make the initial RAM disk once, and a trigger again; the hook makes it once, at the end.
  INITRD=No mmdebstrap --mode=root --variant=minbase --format=directory --verbose \
    --include="$(IFS=,; echo "${PACKAGES[*]}")" \
    "${options[@]}" --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='force-unsafe-io' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d"; echo RESUME=none > "$1/etc/initramfs-tools/conf.d/resume"' \
    --customize-hook='v=$(basename "$1"/lib/modules/*); chroot "$1" update-initramfs -c -k "$v"; INITRD=Yes chroot "$1" linux-update-symlinks upgrade "$v" "/boot/vmlinuz-$v"' \
    "$SUITE" "$WORK/root" "${SOURCES[@]}" 2>&1 | watch_bootstrap ||
    fail "installing Debian's packages failed. The lines above are apt's and dpkg's own words; check the mirrors and the network"
}

put() { mkdir -p "$(dirname "$ROOT/$1")"; cat > "$ROOT/$1"; }

configure() {
  progress 72 'configuring the system'
  ROOT=$WORK/root
  put etc/fstab <<< "UUID=$ROOT_UUID / ext4 defaults,discard,errors=remount-ro 0 1"
  put etc/hostname <<< debian
  put etc/hosts <<< $'127.0.0.1 localhost\n127.0.1.1 debian\n::1 localhost ip6-localhost ip6-loopback'
  put etc/default/locale <<< LANG=C.UTF-8
  configure_network
  configure_cloud_init
  configure_boot
  configure_memory
  # Each clone makes its own identity: machine id, SSH host keys, random seed.
  : > "$ROOT/etc/machine-id"
  rm -f "$ROOT"/var/lib/dbus/machine-id "$ROOT"/etc/ssh/ssh_host_*_key* "$ROOT/var/lib/systemd/random-seed"
  ln -sf /etc/machine-id "$ROOT/var/lib/dbus/machine-id"
  rm -f "$ROOT"/etc/apt/apt.conf.d/99mmdebstrap "$ROOT"/var/log/{apt/*,dpkg.log,bootstrap.log,alternatives.log}
  rm -rf "$ROOT"/var/cache/apt/* "$ROOT"/var/lib/apt/lists/*
  put etc/apt/apt.conf.d/90lamina <<< 'Acquire::Languages "none";'
  # Timers that would compete with the first minutes of a guest's life.
  rm -f "$ROOT"/etc/systemd/system/timers.target.wants/{apt-daily,apt-daily-upgrade,e2scrub_all,dpkg-db-backup}.timer
  step "masking e2scrub_reap" systemctl --root="$ROOT" disable e2scrub_reap.service
  chroot "$ROOT" passwd -q -l root
}

# cloud-init writes 10-cloud-init-*.network, which wins over this file; without cloud-init every NIC takes DHCP.
configure_network() {
  put etc/systemd/network/90-dhcp.network <<< $'[Match]\nType=ether\nKind=!*\n\n[Network]\nDHCP=yes\n\n[DHCPv4]\nClientIdentifier=mac\n\n[Link]\nRequiredForOnline=any'
  local unit
  for unit in systemd-networkd systemd-resolved ssh; do
    step "enabling $unit" systemctl --root="$ROOT" enable "$unit"
  done
  # A guest whose NIC has no address must still come up: do not hold the boot for two minutes.
  put etc/systemd/system/systemd-networkd-wait-online.service.d/lamina.conf \
    <<< $'[Service]\nExecStart=\nExecStart=/lib/systemd/systemd-networkd-wait-online --any --timeout=20'
  ln -sf ../run/systemd/resolve/stub-resolv.conf "$ROOT/etc/resolv.conf"
}

configure_cloud_init() {
  put etc/cloud/cloud.cfg.d/90_lamina.cfg <<'CFG'
# Seeds come on a CD labelled cidata; no other source is looked for (each costs seconds at every boot).
datasource_list: [ NoCloud, None ]
# The image carries its builder's mirrors; cloud-init would replace them by its own.
apt: { preserve_sources_list: true }
locale: false
# RSA keys take long on a machine without hardware virtualization, and no client needs them.
ssh_genkeytypes: [ ed25519, ecdsa ]
system_info:
  network:
    renderers: [ networkd ]
CFG
  # ds-identify would disable cloud-init where no seed is attached; the policy below lets NoCloud and None decide.
  put etc/cloud/ds-identify.cfg <<< $'policy: enabled'
}

# A guest tells its host which memory it no longer uses in pieces of 2 MiB, and keeps what lies in smaller ones, unless it is told otherwise. The
# driver of Linux 6.1 overwrites what the kernel's command line says of it, so it is written once the balloon is bound.
configure_memory() {
  put etc/udev/rules.d/90-lamina-memory.rules \
    <<< 'ACTION!="remove", SUBSYSTEM=="virtio", DRIVER=="virtio_balloon", ATTR{[module/page_reporting]parameters/page_reporting_order}="0"'
}

# The menu names the links that Debian's kernel packages keep, so a kernel upgrade in the guest needs no new menu.
configure_boot() {
  [ -e "$ROOT/vmlinuz" ] && [ -e "$ROOT/initrd.img" ] || fail "the kernel package left no /vmlinuz or /initrd.img. See the lines above"
  local args="root=UUID=$ROOT_UUID ro console=tty0 console=ttyS0,115200"
  put boot/grub/grub.cfg <<CFG
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
search --no-floppy --fs-uuid --set=root $ROOT_UUID
set timeout=1
set timeout_style=hidden
menuentry "Debian 12" { linux /vmlinuz $args quiet
 initrd /initrd.img }
menuentry "Debian 12, verbose" { linux /vmlinuz $args
 initrd /initrd.img }
menuentry "Debian 12, the kernel before" { linux /vmlinuz.old $args
 initrd /initrd.img.old }
menuentry "Debian 12, rescue" { linux /vmlinuz $args systemd.unit=rescue.target
 initrd /initrd.img }
CFG
}

make_disk() {
  progress 76 'writing the disk'
  local raw=$WORK/disk.raw
  partition "$raw" "$DISK_MIB"
  step "filling the root file system" mke2fs -q -t ext4 -L root -U "$ROOT_UUID" -E "offset=$((ROOT_LBA * 512))" \
    -d "$WORK/root" "$raw" "$(((DISK_MIB * 2048 - ROOT_LBA - 2048) / 2))k"
  progress 84 'writing the boot loaders'
  printf 'search --no-floppy --fs-uuid --set=root %s\nset prefix=($root)/boot/grub\n' "$ROOT_UUID" > "$WORK/early.cfg"
  make_efi_partition "$raw" "$WORK/early.cfg"
  embed_grub "$raw" "$WORK/early.cfg"
  rm -rf --one-file-system "$WORK/root"
}

compress() {
  progress 87 'compressing'
  step "qemu-img convert" qemu-img convert -m "$(nproc)" -W -O qcow2 -c -o compression_type=zstd,compat=1.1 "$WORK/disk.raw" "$WORK/image.qcow2"
  step "qemu-img check" qemu-img check -q "$WORK/image.qcow2"
  sync "$WORK/image.qcow2"
  mv -T "$WORK/image.qcow2" "$OUTPUT"
  progress 100 'done'
}

main() {
  [ $# = 2 ] || { echo "usage: ${0##*/} OUTPUT WORK" >&2; exit 2; }
  OUTPUT=$(realpath -m "$1") WORK=$(realpath -m "$2")
  readonly OUTPUT
  mkdir -p "$WORK"
  trap 'exit 143' TERM; trap 'exit 130' INT HUP
  trap cleanup EXIT
  ROOT_UUID=$(cat /proc/sys/kernel/random/uuid)
  check_host
  read_sources
  bootstrap
  configure
  make_disk
  compress
}

main "$@"
