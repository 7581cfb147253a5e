# Sourced, not run: writes disks that boot on BIOS and UEFI without a loop device, a mount or grub-install.
#
# The caller sets WORK (a folder that `cleanup` removes) and calls `partition`, then `make_efi_partition` and `embed_grub`.
# GRUB's first sectors are written as grub-bios-setup would (offsets: GRUB's include/grub/i386/pc/boot.h and kernel.h);
# mtools fills the EFI partition.

readonly BIOS_LBA=2048 BIOS_SECTORS=2048 ESP_LBA=4096 ESP_SECTORS=131072 ROOT_LBA=135168

progress() { printf 'progress %d %s\n' "$1" "$2"; }
fail() { trap - EXIT; cleanup; printf 'error: %s\n' "$1" >&2; exit 1; }
cleanup() { cd /; if [ -n "${WORK:-}" ]; then rm -rf --one-file-system "$WORK"; fi; }

# What a command said goes to stderr as it comes; its last words become the error.
step() {
  local what=$1; shift
  "$@" >&2 || fail "$what failed (exit $?). The lines above are the tool's own words"
}

partition() { # DISK SIZE-MIB: BIOS boot, EFI system and, where there is room, a root partition up to the last MiB
  local root_sectors=$(($2 * 2048 - ROOT_LBA - 2048))
  truncate -s "$2M" "$1"
  {
    echo "label: gpt"
    echo "start=$BIOS_LBA, size=$BIOS_SECTORS, type=21686148-6449-6E6F-744E-656564454649, name=bios"
    echo "start=$ESP_LBA, size=$ESP_SECTORS, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=esp"
    [ $root_sectors -le 0 ] || echo "start=$ROOT_LBA, size=$root_sectors, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, name=root"
  } > "$WORK/partitions"
  step "partitioning" sfdisk -q "$1" < "$WORK/partitions"
}

grub_image() { # FORMAT OUTPUT EARLY-CONFIG MODULE...
  local format=$1 output=$2 early=$3; shift 3
  step "grub-mkimage $format" grub-mkimage -O "$format" -o "$output" -c "$early" -p /boot/grub \
    part_gpt ext2 fat linux normal configfile serial terminal search search_fs_uuid echo test sleep minicmd gzio ls cat reboot halt "$@"
}

make_efi_partition() { # DISK EARLY-CONFIG [FILE...]: the files go to the partition's root
  local esp=$WORK/esp.img
  grub_image x86_64-efi "$WORK/bootx64.efi" "$2" all_video efi_gop efifwsetup
  truncate -s $((ESP_SECTORS * 512)) "$esp"
  step "formatting the EFI partition" mformat -i "$esp" -F -v ESP ::
  step "filling the EFI partition" mmd -i "$esp" ::/EFI ::/EFI/BOOT
  step "filling the EFI partition" mcopy -i "$esp" "$WORK/bootx64.efi" ::/EFI/BOOT/BOOTX64.EFI
  if [ $# -gt 2 ]; then step "filling the EFI partition" mcopy -i "$esp" "${@:3}" ::/; fi
  dd if="$esp" of="$1" bs=512 seek=$ESP_LBA conv=notrunc,sparse status=none
}

little_endian() { # VALUE BYTES
  local value=$1 i
  for ((i = 0; i < $2; i++)); do printf "\\x$(printf %02x $(((value >> (8 * i)) & 255)))"; done
}

patch() { dd of="$1" bs=1 seek=$(($2)) conv=notrunc status=none; } # FILE OFFSET, bytes on stdin

# boot.img loads the first sector of core.img, which loads the rest: both must know where core.img lies.
embed_grub() { # DISK EARLY-CONFIG
  local boot=$WORK/boot.img core=$WORK/core.img sectors
  grub_image i386-pc "$core" "$2" biosdisk all_video
  truncate -s %512 "$core"
  sectors=$(($(stat -c %s "$core") / 512))
  [ "$sectors" -le "$BIOS_SECTORS" ] || fail "GRUB's core image has $sectors sectors, and its partition only $BIOS_SECTORS"
  cp /usr/lib/grub/i386-pc/boot.img "$boot"
  little_endian $BIOS_LBA 8 | patch "$boot" 0x5c   # kernel_sector
  printf '\x90\x90' | patch "$boot" 0x66           # drive check: take the drive that the BIOS names
  { little_endian $((BIOS_LBA + 1)) 8; little_endian $((sectors - 1)) 2; little_endian 0x820 2; } | patch "$core" 0x1f4 # blocklist
  dd if="$boot" of="$1" bs=440 count=1 conv=notrunc status=none
  dd if="$core" of="$1" bs=512 seek=$BIOS_LBA conv=notrunc status=none
}
