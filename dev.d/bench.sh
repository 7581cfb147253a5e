# Measures; the result is printed and kept in docs/benchmarks.

LIBVIRT_PACKAGES=(libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients)

dev_bench() { # start|clone [OPTION...]
  local what=${1:-start}; shift || true
  case $what in
    start) ;;
    clone) LIBVIRT_PACKAGES=() ;;
    *) die "'bench $what' is not understood: ./dev bench start [--pairs N] [--libvirt N] [--recorded N], or ./dev bench clone [--pairs N]" ;;
  esac
  need_root
  install_packages "${RUN_PACKAGES[@]}" "${BUILD_PACKAGES[@]}" "${LIBVIRT_PACKAGES[@]}"
  mkdir -p "$ROOT/artifacts"
  publish_if_stale
  run_dotnet "$ROOT/artifacts/bench.log" build bench -c Release
  "$ROOT/artifacts/bin/Lamina.Bench/release_linux-x64/Lamina.Bench" --what "$what" --programs "$OUT" --scripts "$ROOT/bench" --results "$ROOT/docs/benchmarks" "$@"
}
