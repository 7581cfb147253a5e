# Measures; the result is printed and kept in docs/benchmarks.

LIBVIRT_PACKAGES=(libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients)

dev_bench() { # start|clone|density|evacuate|memory|migrate|placement|scale|snapshot|web [OPTION...]
  local what=${1:-start}; shift || true
  local more=()
  case $what in
    start) more=("${LIBVIRT_PACKAGES[@]}") ;;
    migrate | evacuate) more=("${LIBVIRT_PACKAGES[@]}" "${CLUSTER_PACKAGES[@]}") ;;
    scale) more=("${CLUSTER_PACKAGES[@]}") ;;
    web) more=("${CLUSTER_PACKAGES[@]}" chromium) ;;
    clone | density | memory | placement | snapshot) ;;
    *) die "'bench $what' is not understood: ./dev bench start [--pairs N] [--libvirt N] [--recorded N] | clone [--pairs N] | density | evacuate [--guests N] [--rounds N] | memory [--image QCOW2] | migrate [--pairs N] [--libvirt N] [--filled MIB] | placement | scale | snapshot | web" ;;
  esac
  need_root
  install_packages "${RUN_PACKAGES[@]}" "${BUILD_PACKAGES[@]}" "${more[@]}"
  mkdir -p "$ROOT/artifacts"
  publish_if_stale
  [[ $what != web ]] || { need_node; [[ -d web/node_modules/playwright-core ]] || web_npm ci; }
  run_dotnet "$ROOT/artifacts/bench.log" build bench -c Release
  local media=$ROOT/artifacts/media/bench
  [[ $what != @(evacuate|memory|migrate|snapshot) || -e $media/initrd.gz ]] || { mkdir -p "$media"; bash "$ROOT/tests/Testing/Media/small-linux.sh" "$media"; }
  [[ $what != @(evacuate|migrate) ]] || bash "$ROOT/bench/guest/media.sh" "$media"
  "$ROOT/artifacts/bin/Lamina.Bench/release_linux-x64/Lamina.Bench" --what "$what" --programs "$OUT" --scripts "$ROOT/bench" --media "$media" --results "$ROOT/docs/benchmarks" "$@"
}
