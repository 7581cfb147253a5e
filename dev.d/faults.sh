# Migrations between real daemons, to each of which something happens; guests that check themselves are the judges.

dev_faults() {
  need_root
  install_packages "${BUILD_PACKAGES[@]}" "${RUN_PACKAGES[@]}" "${CLUSTER_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
  publish_if_stale
  run_dotnet "$ROOT/artifacts/faults-build.log" build tests/Faults -c Release
  mkdir -p "$ROOT/artifacts/faults"
  LAMINA_BED_PROGRAMS=$OUT "$ROOT/artifacts/bin/Lamina.Tests.Faults/release_linux-x64/Lamina.Tests.Faults" --report "$ROOT/artifacts/faults/faults.json" "$@"
}
