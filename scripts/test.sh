#!/bin/bash
# Usage: test.sh [quick|long]: the tiers one after the other, stopping at the first that fails.
# Everything runs as the caller but the tests labelled `root`, which need namespaces and go through
# sudo where the caller is not root.
set -euo pipefail
cd "$(dirname "$0")/.."

# What `make test` runs; KILN_TEST_TIERS chooses others.
quick="format house release unit simulation integration e2e+docker asan tsan"
long="release lint asan_all long"
jobs=${JOBS:-$(nproc)}

with_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  else
    sudo --preserve-env=PATH,HOME "$@"
  fi
}

# ctest_tier PRESET JOBS OPTIONS…
ctest_tier() {
  local preset=$1 parallel=$2
  shift 2
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=ignore -j "$parallel" "$@"
}

# both_kinds LABEL EXCLUDED: as the caller, then the tests that need root. What root wrote into the
# build folder goes back to the caller.
both_kinds() {
  local status=0
  ctest_tier release "$jobs" -L "^$1\$" -LE "^(root|$2)\$"
  with_root ctest --test-dir build/release --output-on-failure --no-tests=error -j "$jobs" \
    -L "^$1\$" -L '^root$' -LE "^($2)\$" || status=$?
  if [[ $EUID -ne 0 ]]; then
    sudo chown -R "$(id -u):$(id -g)" build
  fi
  return "$status"
}

address_sanitizer() {
  scripts/build.sh asan "$jobs"
  ctest_tier asan "$jobs" -L '^unit' -LE '^house$' --no-tests=error "$@"
}

run_tier() {
  case $1 in
    format) scripts/format.sh --check ;;
    house) /usr/bin/python3 -B tests/house/check.py ;;
    release) scripts/build.sh release "$jobs" ;;
    unit) ctest_tier release "$jobs" -L '^unit' --no-tests=error ;;
    simulation) ctest_tier release "$jobs" -L '^simulation$' -LE '^long$' --no-tests=error ;;
    integration) both_kinds integration long ;;
    e2e) both_kinds e2e long ;;
    docker) both_kinds docker long ;;
    # At once, as only one of the latter runs at a time, and mostly waits for containers. What it
    # builds of the commit before is built first, and beside nothing.
    e2e+docker)
      with_root env PYTHONPATH=tests/support KILN_BIN_DIR="$PWD/build/release/bin" \
        /usr/bin/python3 -B -c 'from kilntest import releases; releases.previous()'
      both_kinds '(e2e|docker)' long
      ;;
    long) both_kinds long none ;;
    # With clang, so that it also shows that clang takes everything. Executors make half of its time
    # by running once as root and once as an ordinary user, which is the same memory to look at.
    asan) address_sanitizer --exclude-regex 'as_ordinary_user' ;;
    asan_all) address_sanitizer ;;
    tsan)
      scripts/build.sh tsan "$jobs" threaded
      TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp" \
        ctest_tier tsan "$jobs" -L '^unit-threaded$' --no-tests=error
      ;;
    lint) scripts/lint.sh "$jobs" ;;
    *) echo "test.sh: no tier is called '$1'" >&2 && return 2 ;;
  esac
}

case ${1:-quick} in
  quick) tiers=${KILN_TEST_TIERS:-$quick} ;;
  long) tiers=$long ;;
  *) echo "usage: $0 [quick|long]" >&2 && exit 2 ;;
esac

for tier in $tiers; do
  echo "=== $tier"
  started=$SECONDS
  set +e  # and on again inside: a condition around the call would switch it off there
  (
    set -e
    run_tier "$tier"
  )
  status=$?
  set -e
  if [[ $status -ne 0 ]]; then
    echo "=== $tier failed after $((SECONDS - started)) s" >&2
    exit 1
  fi
  echo "=== $tier: $((SECONDS - started)) s" >&2
done
