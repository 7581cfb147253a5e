#!/bin/bash
# Makes the Debian package from programs that were published.
#
#   build.sh PROGRAMS VERSION OUTPUT      PROGRAMS: a folder with laminad, lamina and what lies beside them; OUTPUT: the .deb to write
#
# Needs dpkg-deb; nothing of the package is installed, and run are only `lamina completion`, `lamina manual` and `laminad --help`, whose words go into it.
set -euo pipefail
export LC_ALL=C.UTF-8
umask 022

HERE=$(dirname "$(realpath "$0")")
REPOSITORY=$(realpath "$HERE/../..")
. "$REPOSITORY/dev.d/packages.sh"

readonly LIBRARIES=(libssl3 libcrypt1)                     # .NET and laminad open them at run time
readonly SETUP_PACKAGES=(debconf passwd)                 # the maintainer's scripts

# The C library that the programs were linked against is the oldest with which they start.
c_library() {
  local newest
  newest=$(cat "$PROGRAMS/laminad" "$PROGRAMS/lamina" | grep -aoE 'GLIBC_2\.[0-9]+' | sort -uV | tail -n 1)
  echo "libc6 (>= ${newest#GLIBC_})"
}

comma_list() { local IFS=,; local list="$*"; echo "${list//,/, }"; }

copy_programs() {
  local file
  mkdir -p "$ROOT/usr/lib/lamina" "$ROOT/usr/bin" "$ROOT/usr/sbin"
  cp -r "$PROGRAMS/." "$ROOT/usr/lib/lamina/"
  find "$ROOT/usr/lib/lamina" -name '.*' -type f -delete
  find "$ROOT/usr/lib/lamina" -type f -exec chmod 644 {} +
  chmod 755 "$ROOT/usr/lib/lamina"/{laminad,lamina}
  echo "$VERSION" > "$ROOT/usr/lib/lamina/version"   # what the programs say of themselves, and what hosts of a cluster compare
  ln -s ../lib/lamina/lamina "$ROOT/usr/bin/lamina"
  ln -s ../lib/lamina/laminad "$ROOT/usr/sbin/laminad"
}

daemon_page() {
  printf '.TH LAMINAD 8 "" "Lamina %s" "Lamina"\n.SH NAME\nlaminad \\- the daemon of Lamina\n.SH SYNOPSIS\n.nf\n' "$VERSION"
  "$PROGRAMS/laminad" --help | sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^[.']/\\\\\&&/"
  printf '.fi\n.SH SEE ALSO\n\\fBlamina\\fR(1)\n'
}

copy_documents() {
  local documents=$ROOT/usr/share/doc/lamina
  install -D -m644 "$HERE/copyright" "$documents/copyright"
  gzip -9n < "$REPOSITORY/CHANGELOG.md" > "$documents/changelog.gz"
  mkdir -p "$ROOT/usr/share/man/man1" "$ROOT/usr/share/man/man8"
  "$PROGRAMS/lamina" manual "$ROOT/usr/share/man/man1"
  daemon_page > "$ROOT/usr/share/man/man8/laminad.8"
  gzip -9n "$ROOT"/usr/share/man/man*/*
  mkdir -p "$ROOT/usr/share/bash-completion/completions"
  "$PROGRAMS/lamina" completion bash > "$ROOT/usr/share/bash-completion/completions/lamina"
}

copy_configuration() {
  install -D -m644 -t "$ROOT/usr/lib/systemd/system" "$REPOSITORY"/installer/systemd/*.service
  install -D -m644 -t "$ROOT/etc/lamina" "$HERE/lamina.yaml"
}

write_control() {
  local kib
  kib=$(du -k --apparent-size -s "$ROOT" | cut -f1)
  mkdir "$ROOT/DEBIAN"
  sed -e "s/@VERSION@/$VERSION/" -e "s/@INSTALLED_KIB@/$kib/" \
    -e "s/@DEPENDS@/$(comma_list "$(c_library)" "${LIBRARIES[@]}" "${SETUP_PACKAGES[@]}" "${RUN_PACKAGES[@]}")/" \
    -e "s/@RECOMMENDS@/$(comma_list "${RECOMMENDED_PACKAGES[@]}")/" "$HERE/control" > "$ROOT/DEBIAN/control"
  install -m644 -t "$ROOT/DEBIAN" "$HERE"/{conffiles,templates}
  install -m755 -t "$ROOT/DEBIAN" "$HERE"/{postinst,prerm,postrm}
  (cd "$ROOT" && find etc usr -type f -print0 | sort -z | xargs -0 md5sum) > "$ROOT/DEBIAN/md5sums"
}

main() {
  [ $# = 3 ] || { echo "usage: ${0##*/} PROGRAMS VERSION OUTPUT" >&2; exit 2; }
  PROGRAMS=$(realpath "$1") VERSION=$2 OUTPUT=$3
  ROOT=$(mktemp -d "${TMPDIR:-/tmp}/lamina-package.XXXXXX")
  trap 'rm -rf "$ROOT"' EXIT
  chmod 755 "$ROOT"
  copy_programs
  copy_documents
  copy_configuration
  write_control
  dpkg-deb --root-owner-group -Zzstd --build "$ROOT" "$OUTPUT" > /dev/null
}

main "$@"
