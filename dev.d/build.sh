# Publishes the two programs ahead of time into artifacts/lamina, when their sources changed since the last time.

dev_build() {
  install_packages "${BUILD_PACKAGES[@]}"
  publish_if_stale
}

sources_hash() {
  find src Directory.Build.props Directory.Packages.props global.json -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16
}

publish_if_stale() {
  need_dotnet
  local hash; hash=$(sources_hash)
  [ "$(cat "$OUT/.sources" 2>/dev/null)" != "$hash" ] || return 0
  say "building laminad and lamina (native AOT, some minutes)"
  publish Server
  publish Cli
  echo "$hash" > "$OUT/.sources"
}

# A running daemon keeps its old file: publish replaces files in a fresh folder that is then renamed over each one.
publish() { # PROJECT
  local log=$ROOT/artifacts/publish-$1.log fresh=$ROOT/artifacts/publish-$1
  rm -rf "$fresh"
  dotnet publish "src/$1" -c Release -o "$fresh" --nologo -v quiet > "$log" 2>&1 < /dev/null ||
    { grep -E 'error|warning' "$log" | sort -u | head -n 30 >&2; die "building src/$1 failed; all of its words are in $log"; }
  rm -f "$fresh"/*.dbg "$fresh"/*.pdb
  mkdir -p "$OUT"
  cp -a --remove-destination "$fresh"/. "$OUT/"
  rm -rf "$fresh"
}

dev_fmt() {
  need_dotnet
  dotnet format Lamina.slnx whitespace --verbosity quiet < /dev/null
}
