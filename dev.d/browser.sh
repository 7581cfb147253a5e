# The journeys of a person through the web console, in a real browser, against daemons of their own with real guests.

readonly BROWSER_PACKAGES=(chromium fonts-nanum "${CLUSTER_PACKAGES[@]}") # Korean is looked at, too

dev_browser() { # [--hold] [FILTER]: --hold keeps the daemons until a line is entered; FILTER is a part of a journey's name
  need_root
  install_packages "${DEV_PACKAGES[@]}" "${RUN_PACKAGES[@]}" "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}" "${BROWSER_PACKAGES[@]}"
  publish_if_stale
  need_node
  BROWSER_HOME=$(mktemp -d /tmp/lamina-browser-XXXXXX)
  chmod 755 "$BROWSER_HOME"
  trap browser_end EXIT
  browser_world
  mkdir -p "$ROOT/artifacts/shots"
  if [ "${1:-}" = --hold ]; then
    browser_variables | tee "$ROOT/artifacts/browser.env"
    say "the daemons stand; 'set -a; . artifacts/browser.env; cd web; node --test browser/2-vms.test.mjs' walks. Enter ends them"
    read -r
    return
  fi
  (set -a; eval "$(browser_variables)"; cd web; node --test --test-reporter=spec --test-concurrency=1 ${1:+--test-name-pattern="$1"} browser/*.test.mjs)
}

# Two daemons, each a host of its own: the first on this machine's network, the second in a namespace beside it.
browser_world() {
  local media=$ROOT/artifacts/media/bench link=web$$
  [ -e "$media/initrd.gz" ] || { mkdir -p "$media"; bash "$ROOT/tests/Testing/Media/small-linux.sh" "$media"; }
  ip netns add "$link"
  ip link add "$link" type veth peer name eth0 netns "$link"
  ip addr add 10.213.77.1/30 dev "$link"
  ip link set "$link" up
  ip -n "$link" link set lo up
  ip -n "$link" addr add 10.213.77.2/30 dev eth0
  ip -n "$link" link set eth0 up
  browser_daemon first unshare --uts
  browser_daemon second nsenter "--net=/run/netns/$link" unshare --uts
  qemu-img create -q -f qcow2 "$BROWSER_HOME/empty.qcow2" 64M
  cp /usr/lib/grub-rescue/grub-rescue-cdrom.iso "$BROWSER_HOME/rescue.iso"
  truncate -s 30M "$BROWSER_HOME/rescue.iso"
  export LAMINA_SOCKET=$BROWSER_HOME/first/run/lamina.sock
  lamina image import "$BROWSER_HOME/empty.qcow2" --name empty --no-cloud-init
  lamina vm launch shell --kernel "$media/vmlinuz" --initrd "$media/initrd.gz" --append "console=tty0 console=ttyS0" --memory 256MiB --max-memory 512MiB --tag demo
}

browser_daemon() { # NAME COMMAND...: COMMAND runs what follows in the host's own namespaces
  local name=$1 home=$BROWSER_HOME/$1; shift
  mkdir -p "$home"
  "$@" sh -c "hostname $name && exec $OUT/laminad $(browser_options "$name")" < /dev/null > "$home/out" 2>&1 &
  local pid=$!
  until grep -qs 'laminad serves' "$home/out"; do
    [ -d "/proc/$pid" ] || { cat "$home/out" >&2; die "laminad ended at its start"; }
    sleep 0.2
  done
}

browser_options() { # NAME
  local home=$BROWSER_HOME/$1
  printf '%s ' --instance "web$$$1" --data "$home/data" --run "$home/run" --config "$home/etc" --log "$home/log"
}

browser_variables() {
  cat <<VARIABLES
LAMINA_ADDRESS=$(grep -om1 'https://[0-9.:]*' "$BROWSER_HOME/first/out")
LAMINA_PASSWORD_FILE=$BROWSER_HOME/first/data/admin-password
LAMINA_SOCKET=$BROWSER_HOME/first/run/lamina.sock
LAMINA_SOCKET_2=$BROWSER_HOME/second/run/lamina.sock
LAMINA_CLI=$OUT/lamina
LAMINA_ISO=$BROWSER_HOME/rescue.iso
LAMINA_POOL=$BROWSER_HOME/shared
LAMINA_SHOTS=$ROOT/artifacts/shots
VARIABLES
}

browser_end() {
  local vm pid
  for vm in $(lamina vm list --format json | jq -r '.[].name'); do lamina vm delete "$vm" --force --yes > /dev/null || true; done
  # The daemons and what they leave running on purpose: etcd, dnsmasq. Their arguments name this run's folder.
  for pid in $(pgrep -f -- "$BROWSER_HOME/"); do kill "$pid" 2> /dev/null || true; done
  for pid in $(pgrep -f -- "$BROWSER_HOME/"); do tail --pid="$pid" -f /dev/null; done
  # shellcheck disable=SC2046 # words
  "$OUT/laminad" remove-networks $(browser_options first) > /dev/null || true
  ip netns delete "web$$" || true
  rm -rf "$BROWSER_HOME"
}
