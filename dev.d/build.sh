# Publishes the two programs ahead of time into artifacts/lamina, when their sources changed since the last time.

dev_build() {
  install_packages "${BUILD_PACKAGES[@]}"
  publish_if_stale
}

sources_hash() {
  mkdir -p web/dist
  find src web/dist Directory.Build.props Directory.Packages.props global.json -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16
}

# In a shell of its own: laminad does all its work without the page, and says at its address that it is missing.
page_if_stale() { (web_if_stale) || say "the web console could not be built; laminad is built without it"; }

publish_if_stale() {
  need_dotnet
  page_if_stale
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
  run_dotnet "$log" publish "src/$1" -c Release -o "$fresh"
  rm -f "$fresh"/*.dbg "$fresh"/*.pdb
  mkdir -p "$OUT"
  cp -a --remove-destination "$fresh"/. "$OUT/"
  rm -rf "$fresh"
}

run_dotnet() { # LOG VERB ARGUMENT...: says the errors, once each, if it fails
  local log=$1; shift
  mkdir -p "$(dirname "$log")"
  dotnet "$@" --nologo -v quiet > "$log" 2>&1 < /dev/null && return
  grep -E ': (error|warning) ' "$log" | sed "s# \\[[^]]*\\]\$##; s#$ROOT/##" | sort -u | head -n 30 >&2
  die "dotnet $1 $2 failed; all of its words are in $log"
}

dev_fmt() {
  need_dotnet
  dotnet format Lamina.slnx whitespace --verbosity quiet < /dev/null
}
