# Makes the Debian package from the programs: artifacts/lamina_VERSION_amd64.deb.

dev_package() { # [--version VERSION]
  local version
  case ${1:-} in
    '') version=$(package_version) ;;
    --version) version=${2:?'--version needs a version'} ;;
    *) die "usage: ./dev package [--version VERSION]" ;;
  esac
  dev_build
  make_package "$version"
  say "artifacts/lamina_${version}_amd64.deb   install it: apt-get install ./artifacts/lamina_${version}_amd64.deb"
}

make_package() { # VERSION
  bash installer/debian/build.sh "$OUT" "$1" "$ROOT/artifacts/lamina_$1_amd64.deb" || die "the package could not be made"
}

# What a tag names is that version. Anything else comes before the version that is being worked on, later commits after earlier ones.
package_version() {
  local version
  version=$(sed -n 's:.*<VersionPrefix>\(.*\)</VersionPrefix>.*:\1:p' Directory.Build.props)
  if [ -n "$(git tag --points-at HEAD --list "v$version" 2>/dev/null)" ]; then echo "$version"; return; fi
  echo "$version~git$(git rev-list --count HEAD 2>/dev/null || echo 0).$(git rev-parse --short=8 HEAD 2>/dev/null || echo unknown)"
}
