# Measures; the result is printed and kept in docs/benchmarks.

readonly LIBVIRT_PACKAGES=(libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients)

dev_bench() { # start [OPTION...]
  local what=${1:-start}; shift || true
  [ "$what" = start ] || die "'bench $what' is not understood: ./dev bench start [--pairs N] [--libvirt N] [--recorded N]"
  need_root
  install_packages "${RUN_PACKAGES[@]}" "${BUILD_PACKAGES[@]}" "${LIBVIRT_PACKAGES[@]}"
  mkdir -p "$ROOT/artifacts"
  publish_if_stale
  run_dotnet "$ROOT/artifacts/bench.log" build bench -c Release
  "$ROOT/artifacts/bin/Lamina.Bench/release_linux-x64/Lamina.Bench" --programs "$OUT" --scripts "$ROOT/bench" --results "$ROOT/docs/benchmarks" "$@"
}
