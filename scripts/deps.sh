#!/bin/bash
# Usage: deps.sh [all|build]: installs what a Debian 12 machine lacks to build, test and measure
# Kiln, or only to build and package it; does nothing when all is there. Needs root or sudo only
# when something is missing.
set -euo pipefail

to_build=(
  g++ cmake ninja-build pkg-config dpkg-dev file
  libzmq3-dev cppzmq-dev libmsgpack-cxx-dev prometheus-cpp-dev libcivetweb-dev
  libspdlog-dev libfmt-dev libcli11-dev libtomlplusplus-dev nlohmann-json3-dev libexpected-dev
  libzstd-dev libssl-dev libsodium-dev libseccomp-dev
)
packages=(
  "${to_build[@]}"
  # to build quickly, and from a checkout
  clang ccache make git
  # to test
  libgtest-dev libgmock-dev python3 iproute2 util-linux uidmap
  strace clang-format clang-tidy
  gcc-12-locales locales  # translated diagnostics must travel too
  ca-certificates  # apt-get source, of the projects that the tests compile
  debootstrap debian-archive-keyring  # other releases' compilers, and what containers are made of
  docker-compose
  prometheus  # with promtool: what rules and dashboards ask for
  chromium chromium-driver python3-selenium fonts-inter  # the live page, as people see it
  mandoc groff bash-completion zsh fish  # manual pages and completions
  # to compare with
  distcc icecc
)
# Whoever has Docker from elsewhere keeps it: Debian's would take its place.
command -v dockerd >/dev/null || packages+=(docker.io)
for_tests=yes
case ${1:-all} in
  all) ;;
  build) packages=("${to_build[@]}") for_tests=no ;;
  *) echo "usage: $0 [all|build]" >&2 && exit 2 ;;
esac
deb_src_base=/etc/apt/sources.list.d/kiln-deb-src

say() { echo "deps: $*" >&2; }

die() {
  say "$*"
  exit 1
}

as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "needs root to run '$*', and there is no sudo; run 'make deps' once as root"
  fi
}

missing_packages() {
  local installed
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p')
  printf '%s\n' "${packages[@]}" | grep -vxF -f <(echo "$installed") || true
}

have_source_index() {
  [[ $(apt-get indextargets --format '$(CREATED_BY)' 2>/dev/null) = *Sources* ]]
}

# Prints this machine's own Debian entries as source entries: deb822 stanzas of *.sources files,
# or one-line entries. Entries of other publishers are left out by their suites.
deb822_as_source() {
  local codename=$1
  find /etc/apt/sources.list.d -name '*.sources' ! -path "$deb_src_base*" -print0 | sort -z |
    xargs -0 -r -I{} sh -c 'grep -v "^[[:space:]]*#" "$1"; echo' _ {} |
    awk -v codename="$codename" 'BEGIN { RS = ""; ORS = "\n\n" }
      /(^|\n)Enabled: *no/ { next }
      $0 ~ "(^|\n)Types:[^\n]*deb" && $0 ~ "(^|\n)Suites:[^\n]*" codename {
        sub(/Types:[^\n]*/, "Types: deb-src"); print
      }'
}

one_line_as_source() {
  local codename=$1
  find /etc/apt -maxdepth 2 -path '/etc/apt/sources.list*' -name '*.list' \
    ! -path "$deb_src_base*" -print0 | sort -z |
    xargs -0 -r sed -n "s/^deb \(.* $codename.*\)/deb-src \1/p"
}

write_source_entries() {
  local codename new
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  new=$(deb822_as_source "$codename")
  if [[ -n $new ]]; then
    echo "$new" | as_root tee "$deb_src_base.sources" >/dev/null
  fi
  new=$(one_line_as_source "$codename")
  if [[ -n $new ]]; then
    echo "$new" | as_root tee "$deb_src_base.list" >/dev/null
  fi
}

# distcc, icecc, docker.io and prometheus bring daemons; a package must not start one on somebody's
# machine.
policy=/usr/sbin/policy-rc.d
keep_daemons_down() {
  [[ -e $policy ]] && return
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
  as_root chmod 755 "$policy"
  trap 'as_root rm -f "$policy"' EXIT
}

quietly() {
  local log status=0
  log=$(mktemp)
  "$@" >"$log" 2>&1 || status=$?
  if [[ $status -ne 0 ]]; then
    cat "$log" >&2
    rm -f "$log"
    die "'$*' failed with $status; see above"
  fi
  rm -f "$log"
}

main() {
  [[ -e /etc/debian_version ]] || die "knows Debian only; install by hand: ${packages[*]}"
  local missing
  missing=$(missing_packages)
  local update=no
  if [[ -n $missing ]]; then update=yes; fi
  if [[ $for_tests = yes ]] && ! have_source_index; then
    say "adding source entries in $deb_src_base.*"
    write_source_entries
    update=yes
  fi
  if [[ $update = yes ]]; then
    quietly as_root apt-get update -q
    if [[ $for_tests = yes ]] && ! have_source_index; then
      die "no source index: add a deb-src line to your apt sources and try again"
    fi
  fi
  if [[ -n $missing ]]; then
    say "installing" $missing
    keep_daemons_down
    # shellcheck disable=SC2086
    quietly as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get install -q -y --no-install-recommends $missing
  fi
}

# The locale in which the tests compare translated diagnostics.
make_locale() {
  [[ $(locale -a) = *de_DE.utf8* ]] || quietly as_root localedef -i de_DE -f UTF-8 de_DE.UTF-8
}

main
if [[ $for_tests = yes ]]; then make_locale; fi
