# Sourced, not run: where this host gets its Debian packages from, for whoever runs mmdebstrap.
#
# The caller sets SUITE and sources boot-disk.sh too (`step`, `fail`). `read_sources` fills SOURCES.

# One-line apt entries for Debian 12, whatever release of Debian the host itself runs.
list_sources() {
  apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(CODENAME)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)' 'Created-By: Packages' |
    awk -F'|' -v suite="$SUITE" '
      $1 != "Debian" || $6 != "main" || $2 ~ /Backports/ { next }
      { base = $3; sub(/-.*/, "", base); release = $5; sub(base, suite, release)
        if (release != suite && release != suite "-updates" && release != suite "-security") next
        line = "deb " $4 " " release " main"
        if (!seen[line]++) print line }'
}

read_sources() {
  mapfile -t SOURCES < <(list_sources)
  if [ ${#SOURCES[@]} = 0 ]; then
    step "apt-get update" apt-get -q update
    mapfile -t SOURCES < <(list_sources)
  fi
  printf '%s\n' "${SOURCES[@]}" | grep -q " $SUITE main$" ||
    fail "the host's apt sources name no Debian mirror. Add one to /etc/apt/sources.list.d and run apt-get update"
}

# How this host reaches its mirrors (proxy, retries, checks) must hold for the build as well; it is not left in the image.
host_apt_options() {
  apt-config dump | grep -E '^Acquire::(http|https|Check|Retries|ForceIPv)' | sed -n 's/^\([^ ]*\) "\(..*\)";$/--aptopt=\1 "\2"/p'
}
