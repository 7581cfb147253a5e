# The journeys of a person through the web console, in a real browser, against a daemon of its own with real guests.

dev_browser() {
  need_root
  install_packages "${DEV_PACKAGES[@]}" "${RUN_PACKAGES[@]}" "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}" chromium
  publish_if_stale
  need_node
  local media=$ROOT/artifacts/media/bench home pid address status=0
  [ -e "$media/initrd.gz" ] || { mkdir -p "$media"; bash "$ROOT/tests/Testing/Media/small-linux.sh" "$media"; }
  home=$(mktemp -d /tmp/lamina-browser-XXXXXX)
  chmod 755 "$home"
  local options=(--instance "browser$$" --data "$home/data" --run "$home/run" --config "$home/etc" --log "$home/log")
  setsid "$OUT/laminad" "${options[@]}" < /dev/null > "$home/out" 2>&1 &
  pid=$!
  trap 'browser_end "$home" "$pid"' EXIT
  until address=$(grep -o 'https://[0-9.:]*' "$home/out"); do
    [ -d "/proc/$pid" ] || { cat "$home/out" >&2; die "laminad ended at its start"; }
    sleep 0.2
  done
  export LAMINA_SOCKET=$home/run/lamina.sock
  qemu-img create -q -f qcow2 "$home/empty.qcow2" 64M
  lamina image import "$home/empty.qcow2" --name empty --no-cloud-init
  lamina vm launch shell --kernel "$media/vmlinuz" --initrd "$media/initrd.gz" --append "console=tty0 console=ttyS0" --memory 128MiB
  mkdir -p "$ROOT/artifacts/shots"
  (cd web && LAMINA_ADDRESS=$address LAMINA_PASSWORD_FILE=$home/data/admin-password LAMINA_SHOTS=$ROOT/artifacts/shots node --test --test-concurrency=1 browser/) || status=$?
  return $status
}

browser_end() { # HOME PID
  local vm
  export LAMINA_SOCKET=$1/run/lamina.sock
  for vm in $(lamina vm list --format json | jq -r '.[].name'); do lamina vm delete "$vm" --force --yes > /dev/null || true; done
  kill "$2" && tail --pid="$2" -f /dev/null
  "$OUT/laminad" remove-networks --instance "browser$$" --data "$1/data" --run "$1/run" --config "$1/etc" --log "$1/log" > /dev/null
  rm -rf "$1"
}
