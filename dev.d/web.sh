# The web console: built to web/dist, which laminad embeds.

readonly NODE_MAJOR=20
NODE_HOME=$ROOT/artifacts/node

# Debian 12's own Node.js is too old for the tools; npm has the program itself as a package.
need_node() {
  [[ ! -x $NODE_HOME/node_modules/node/bin/node ]] || PATH=$NODE_HOME/node_modules/node/bin:$PATH
  local version; version=$(node --version 2> /dev/null || echo v0)
  version=${version#v}
  [[ ${version%%.*} -lt $NODE_MAJOR ]] || return 0
  install_packages npm
  say "getting Node.js"
  npm install --prefix "$NODE_HOME" --no-audit --no-fund node@22 > "$ROOT/artifacts/node.log" 2>&1 || die "Node.js could not be had; all words are in artifacts/node.log"
  PATH=$NODE_HOME/node_modules/node/bin:$PATH
}

web_hash() { # of what the page is made from: a test that changes makes no new laminad
  find web docs/openapi.json -type f -not -path 'web/node_modules/*' -not -path 'web/dist/*' -not -path 'web/browser/*' -not -path 'web/tests/*' -not -name schema.d.ts -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16
}

web_npm() { # ARGUMENT...: npm in web/, its words kept
  (cd "$ROOT/web" && npm --no-audit --no-fund "$@") > "$ROOT/artifacts/web.log" 2>&1 < /dev/null || { tail -n 30 "$ROOT/artifacts/web.log" >&2; die "npm $1 failed in web/; all of its words are in artifacts/web.log"; }
}

web_if_stale() {
  local hash; hash=$(web_hash)
  [[ $(cat web/dist/.sources 2> /dev/null) != "$hash" ]] || return 0
  mkdir -p "$ROOT/artifacts"
  need_node
  say "building the web console"
  [[ web/node_modules/.package-lock.json -nt web/package-lock.json ]] || web_npm ci
  web_npm run build
  echo "$hash" > web/dist/.sources
}

dev_web() { # check: types and tests of the web console
  need_node
  web_if_stale
  web_npm run check
  web_npm run test
}
