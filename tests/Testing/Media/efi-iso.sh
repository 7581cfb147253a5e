#!/bin/bash
# Makes ISOs that boot by UEFI only, for tests of Secure Boot.
#
#   efi-iso.sh OUTPUT      OUTPUT: a folder to fill with unsigned.iso and signed.iso
#
# unsigned.iso   GRUB as grub-mkstandalone makes it; it says `UNSIGNED-GRUB` on the firmware's console
# signed.iso     Debian's shim, signed by Microsoft, and Debian's GRUB, signed by Debian; it says `SIGNED-GRUB`
# Needs: grub-common, grub-efi-amd64-bin, shim-signed, grub-efi-amd64-signed, mtools, xorriso.
set -euo pipefail
export LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin

readonly SHIM=/usr/lib/shim/shimx64.efi.signed GRUB=/usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed

make_iso() { # NAME BOOTX64 [GRUBX64]
  local name=$1 image=$WORK/$1/efi.img
  truncate -s 16M "$image"
  mformat -i "$image" -T 32768 -h 64 -s 32 ::
  mmd -i "$image" ::/EFI ::/EFI/BOOT
  mcopy -i "$image" "$2" ::/EFI/BOOT/BOOTX64.EFI
  [ $# -lt 3 ] || mcopy -i "$image" "$3" ::/EFI/BOOT/grubx64.efi
  xorriso -as mkisofs -quiet -V "$name" -J -r -e efi.img -no-emul-boot -o "$OUT/$name.iso" "$WORK/$name" >&2
}

main() {
  [ $# = 1 ] || { echo "usage: ${0##*/} OUTPUT" >&2; exit 2; }
  mkdir -p "$1"; OUT=$(realpath "$1")
  WORK=$(mktemp -d "${TMPDIR:-/tmp}/lamina-efi-iso.XXXXXX")
  trap 'rm -rf "$WORK"' EXIT
  mkdir -p "$WORK/unsigned" "$WORK"/signed/{boot/grub,.disk}
  printf 'echo UNSIGNED-GRUB\nsleep 600\n' > "$WORK/grub.cfg"
  grub-mkstandalone -O x86_64-efi -o "$WORK/unsigned.efi" --modules='echo sleep' "boot/grub/grub.cfg=$WORK/grub.cfg" >&2
  make_iso unsigned "$WORK/unsigned.efi"
  printf 'echo SIGNED-GRUB\nsleep 600\n' > "$WORK/signed/boot/grub/grub.cfg"
  echo test > "$WORK/signed/.disk/info"
  make_iso signed "$SHIM" "$GRUB"
}

main "$@"
