# Brings a fresh machine to a running guest, and back. What runs already is found and said; nothing is done twice.

readonly DATA=/var/lib/lamina RUN=/run/lamina LOG=/var/log/lamina API=https://127.0.0.1:7443
readonly PID_FILE=$RUN/dev.pid            # `PID START-TIME` of the daemon that ./dev up started
readonly START_SECONDS=30 BOOT_SECONDS=600

dev_up() {
  need_root
  install_packages "${DEV_PACKAGES[@]}" "${RUN_PACKAGES[@]}" "${CLUSTER_PACKAGES[@]}" "${RECOMMENDED_PACKAGES[@]}" "${BUILD_PACKAGES[@]}"
  publish_if_stale
  start_daemon
  local host; host=$(host_words) # its failure must end us: an assignment of its own
  ok "host checked" "$host"
  ok "daemon" "$API   user admin, $(password_words)"
  make_image
  boot_demo
  say "  next: ./lamina vm console demo   ·   ./lamina vm list   ·   ./dev down"
}

ok() { printf '  ✓ %-14s %s\n' "$1" "$2"; }
lamina() { "$OUT/lamina" "$@"; }

# --- the daemon

# The start time tells our process from a later one with the same number.
start_time() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

daemon_pid() { # the pid of the daemon that ./dev started, if it still runs
  local pid started
  read -r pid started 2>/dev/null < "$PID_FILE" || return 1
  [ "$(start_time "$pid")" = "$started" ] && echo "$pid"
}

answers() { curl --silent --insecure --fail --max-time 5 "$API/healthz" > /dev/null; }

start_daemon() {
  local pid
  if pid=$(daemon_pid); then
    # A rebuilt daemon takes over from the old one; guests do not notice.
    [[ $(readlink "/proc/$pid/exe") == *' (deleted)' ]] || { wait_for_daemon "$pid"; return; }
    say "  restarting laminad with the new build; guests run on"
    stop_daemon "$pid"
  elif answers; then
    say "  laminad runs already, not started by ./dev; leaving it as it is"
    return
  fi
  mkdir -p "$RUN" "$LOG"
  (umask 077; touch "$LOG/laminad.log")
  setsid "$OUT/laminad" < /dev/null >> "$LOG/laminad.log" 2>&1 &
  pid=$!
  echo "$pid $(start_time "$pid")" > "$PID_FILE"
  wait_for_daemon "$pid"
}

wait_for_daemon() { # PID
  local deadline=$((SECONDS + START_SECONDS))
  until answers; do
    [ -d "/proc/$1" ] || { tail -n 20 "$LOG/laminad.log" >&2; die "laminad ended at its start; its words are above and in $LOG/laminad.log"; }
    [ $SECONDS -lt $deadline ] || die "laminad (pid $1) has not answered on $API for $START_SECONDS s; see $LOG/laminad.log"
    sleep 0.1
  done
}

stop_daemon() { # PID
  local deadline=$((SECONDS + 30))
  kill -TERM "$1" 2>/dev/null || return 0
  while [ -d "/proc/$1" ]; do
    [ $SECONDS -lt $deadline ] || die "laminad (pid $1) has not ended within 30 s of SIGTERM; see $LOG/laminad.log"
    sleep 0.1
  done
  rm -f "$PID_FILE"
}

# The daemon asks QEMU what it can do in the background of its start.
host_words() {
  local deadline=$((SECONDS + START_SECONDS)) status
  until status=$(lamina host list --format json | jq -ec '.[0].status | select(.accelerator or .failure)'); do
    [ $SECONDS -lt $deadline ] || die "laminad has not found out what this host can do; see $LOG/laminad.log"
    sleep 0.2
  done
  jq -r '.accelerator.reason // .failure.message' <<< "$status"
}

password_words() {
  if [ -s "$DATA/admin-password" ]; then echo "password $(cat "$DATA/admin-password")"; else echo "password as you set it"; fi
}

# --- the image and the guest

make_image() {
  if lamina image show debian/12 > /dev/null 2>&1; then ok "image" "debian/12"; return; fi
  lamina image build debian/12
  ok "image" "debian/12 (built from Debian's packages)"
}

vm_field() { lamina vm show demo --format json | jq -r "$1 // empty"; } # JQ-EXPRESSION

boot_demo() {
  local started=$SECONDS
  if ! lamina vm show demo > /dev/null 2>&1; then
    lamina vm launch demo --image debian/12
  elif [ "$(vm_field .status.state)" != running ]; then
    lamina vm start demo
  elif guest_is_up; then
    ok "vm demo" "running, $(vm_field '.status.addresses[0]')"
    return
  fi
  wait_for_guest
  ok "vm demo" "running, $(vm_field '.status.addresses[0]'), booted in $((SECONDS - started)) s"
}

guest_is_up() { [ "$(vm_field 'select(.status.agent.connected and (.status.addresses | length) > 0) | .status.state')" = running ]; }

# The guest agent is the last of what a boot starts; it says that the guest is up.
wait_for_guest() {
  local deadline=$((SECONDS + BOOT_SECONDS))
  until guest_is_up; do
    [ $SECONDS -lt $deadline ] || die "the guest of demo has not come up within $BOOT_SECONDS s: ./lamina vm console demo, ./lamina vm log demo"
    case $(vm_field .status.state) in
      stopped | gone) lamina vm show demo >&2; die "demo did not stay up: ./lamina vm log demo" ;;
    esac
    sleep 1
  done
}

# --- down

dev_down() {
  need_root
  local pid
  pid=$(daemon_pid) || { say "laminad does not run (none that ./dev up started)"; return 0; }
  answers && "$OUT/laminad" shutdown-guests --timeout 120 --force || say "the guests run on; the next ./dev up finds them"
  stop_daemon "$pid"
  say "laminad is stopped; ./dev up starts it again"
}
