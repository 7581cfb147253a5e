# A host with systemd, cgroup v2 and KVM, as a guest of this machine: the package is installed there and everything is tried that this
# machine's own kernel cannot show.

dev_nested() {
  case " $* " in
    *' --help '* | *' -h '*) build_nested; exec "$NESTED" --help ;;
    *' --list '* | *' --on '*) build_nested; exec "$NESTED" "$@" ;;
  esac
  need_root
  install_packages "${BUILD_PACKAGES[@]}" "${RUN_PACKAGES[@]}" "${RECOMMENDED_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
  publish_if_stale
  local version; version=$(package_version)
  say "making the package, and one of a higher version to upgrade to"
  make_package "$version"
  make_package "$version+next"
  build_nested
  exec "$NESTED" --package "$ROOT/artifacts/lamina_${version}_amd64.deb" --next "$ROOT/artifacts/lamina_$version+next_amd64.deb" "$@"
}

readonly NESTED=$ROOT/artifacts/bin/Lamina.Tests.Nested/release_linux-x64/Lamina.Tests.Nested

build_nested() {
  need_dotnet
  run_dotnet "$ROOT/artifacts/nested-build.log" build tests/Nested -c Release
}
