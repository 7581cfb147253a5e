# What Lamina needs from Debian, in one place.

readonly RUN_PACKAGES=(
  qemu-system-x86 qemu-utils ovmf                 # the hypervisor, its tools and firmware
  dnsmasq-base nftables iproute2                  # NAT networks
  xorriso                                         # cloud-init's seeds
  mmdebstrap e2fsprogs fdisk mtools               # image build debian/12 …
  grub-common grub-pc-bin grub-efi-amd64-bin      # … and its boot loaders
)
readonly RECOMMENDED_PACKAGES=(swtpm osinfo-db)   # a TPM for guests; advice for each operating system
readonly CLUSTER_PACKAGES=(etcd-server etcd-client) # the store of a cluster, and its restore; a host of its own needs neither
readonly DEV_PACKAGES=(jq curl)                   # ./dev itself
readonly BUILD_PACKAGES=(clang lld zlib1g-dev)    # native AOT links with them
readonly TEST_PACKAGES=(
  busybox-static kmod cpio                        # the tests' small Linux
  systemd                                         # systemd-analyze looks at the units
  shim-signed grub-efi-amd64-signed               # a boot chain that Secure Boot lets pass
  memtest86+ grub-rescue-pc ipxe debian-installer-12-netboot-amd64 # media that nobody here made
)

missing_packages() {
  local package
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || echo "$package"
  done
}

install_packages() { # PACKAGE...
  local missing=() log=$ROOT/artifacts/apt.log
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "this system has no apt-get; Lamina is developed on Debian 12. Install by hand: ${missing[*]}"
  need_root
  say "installing ${missing[*]}"
  mkdir -p "$ROOT/artifacts"
  { apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "${missing[@]}"; } \
    > "$log" 2>&1 < /dev/null || { tail -n 20 "$log" >&2; die "apt-get failed; all of its words are in $log"; }
}

need_dotnet() {
  dotnet --version > /dev/null 2>&1 && return
  die "the .NET SDK 10 is missing (global.json says which). Install it: https://dotnet.microsoft.com/download, or
     apt-get install dotnet-sdk-10.0 from Microsoft's package feed for Debian; then run ./dev $VERB again"
}
