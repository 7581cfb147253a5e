# Runs the tests and says the truth about them: sums, slowest tests, what hung, and skips that nobody declared.

readonly RESULTS=$ROOT/artifacts/test-results
readonly UNIT_MINUTES=5 INTEGRATION_MINUTES=17 CLUSTER_MINUTES=8 ALL_CLUSTER_MINUTES=25

dev_test() { SUBSET=1 run_tests "${1:-}" Unit Integration Cluster; }
dev_unit() { run_tests "${1:-}" Unit; }
dev_cluster() { run_tests "${1:-}" Cluster; }
dev_vm() { run_tests "${1:-}" Integration; }

run_tests() { # FILTER PROJECT...
  local filter=$1 project started=$SECONDS; shift
  prepare_tests "$@"
  rm -rf "$RESULTS"; mkdir -p "$RESULTS"
  for project in "$@"; do run_project "$project" "$filter"; done
  say "took $((SECONDS - started)) s"
  report
}

prepare_tests() {
  need_dotnet
  install_packages "${DEV_PACKAGES[@]}" "${BUILD_PACKAGES[@]}" "${RUN_PACKAGES[@]}" "${CLUSTER_PACKAGES[@]}" "${RECOMMENDED_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
  [ "$*" = Unit ] || need_root
  # Before laminad is compiled, which embeds it: else it is compiled twice.
  case " $* " in *' Integration '*) page_if_stale ;; esac
  say "building the tests"
  local what=Lamina.slnx
  [ "$*" != Unit ] || what=tests/Unit
  mkdir -p artifacts
  run_dotnet "$ROOT/artifacts/build.log" build "$what" -c Release -p:Strict=true
  case " $* " in *' Integration '*) publish_if_stale ;; esac
}

# The runner ends its own session after the given minutes and still reports; `timeout` ends a runner that cannot do even that.
run_project() { # PROJECT FILTER
  local name=Lamina.Tests.$1 minutes=${1^^}_MINUTES status=0 filter=()
  minutes=${!minutes}
  [ "$1" != Cluster ] || [ -n "${SUBSET:-}" ] || minutes=$ALL_CLUSTER_MINUTES
  if [ -n "$2" ]; then filter=(--filter-method "*$2*")
  elif [ -n "${SUBSET:-}" ]; then filter=(--filter-not-trait Length=long)
  fi
  say "running the ${1,,} tests (at most $minutes minutes)"
  timeout --kill-after=30 $((minutes * 60 + 60)) "artifacts/bin/$name/release_linux-x64/$name" \
    --results-directory "$RESULTS" --report-xunit-ctrf --report-xunit-ctrf-filename "$1.json" \
    --timeout "${minutes}m" --long-running 60 --xunit-diagnostics on --show-slowest-tests 10 \
    --ignore-exit-code 8 --no-ansi --progress off "${filter[@]}" < /dev/null 2>&1 | tee "$RESULTS/$1.log" || status=$?
  [ $status = 0 ] || echo "$1 $status" >> "$RESULTS/runners-failed"
  [ $status -lt 3 ] || show_hung "$1"
}

# The runner announces a test that runs for a minute, and again each minute: the last words of each name what hung.
show_hung() { # PROJECT
  say "the ${1,,} tests were ended before they were done. Tests that ran long, with their last announcement:"
  awk -F"'" '/Long Running Test/ { last[$2] = $3 } END { for (test in last) print "  " test last[test] }' "$RESULTS/$1.log"
}

report() {
  local passed failed skipped undeclared
  passed=$(count passed) failed=$(count failed) skipped=$(count skipped)
  mapfile -t undeclared < <(undeclared_skips)
  if [ ${#undeclared[@]} -gt 0 ]; then
    say "skipped without standing in tests/expected-skips.txt with this reason, which is a failure:"
    printf '  %s\n' "${undeclared[@]}"
    failed=$((failed + ${#undeclared[@]})) skipped=$((skipped - ${#undeclared[@]}))
  fi
  # A runner that ended by itself without a failed test (a crash, a hang) is a failure of its own.
  if [ "$failed" = 0 ] && [ -s "$RESULTS/runners-failed" ]; then
    say "a test runner ended badly (project, exit code): $(paste -sd';' "$RESULTS/runners-failed")"; failed=1
  fi
  [ $((passed + failed)) -gt 0 ] || say "no test ran"
  say "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}

results() { find "$RESULTS" -name '*.json' -exec cat {} +; }
count() { results | jq -s "map(.results.tests[] | select(.status == \"$1\")) | length"; }
undeclared_skips() {
  results | jq -r '.results.tests[] | select(.status == "skipped") | "\(.name): \(.message // .reason // "")"' |
    grep -vxFf <(grep -v '^#' tests/expected-skips.txt | sed '/^$/d') || true
}
