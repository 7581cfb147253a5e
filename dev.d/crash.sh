# Visits every crash point of the daemon: the daemon ends itself there, is started again, and everything must come right.

dev_crash() {
  need_root
  install_packages "${BUILD_PACKAGES[@]}" "${RUN_PACKAGES[@]}"
  need_dotnet
  local daemon=$ROOT/artifacts/crash/laminad
  say "building laminad with its crash points (native AOT, some minutes)"
  run_dotnet "$ROOT/artifacts/crash-publish.log" publish src/Server -c Release -p:CrashPoints=true --artifacts-path "$ROOT/artifacts/crash/build" -o "$ROOT/artifacts/crash"
  run_dotnet "$ROOT/artifacts/crash-build.log" build tests/Crash -c Release
  LAMINA_CRASH_DAEMON=$daemon "$ROOT/artifacts/bin/Lamina.Tests.Crash/release_linux-x64/Lamina.Tests.Crash" "$@"
}
