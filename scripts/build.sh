#!/bin/bash
# Usage: build.sh PRESET [JOBS [TARGET…]]: configures one CMake preset and builds it or some of it.
set -euo pipefail
cd "$(dirname "$0")/.."

preset=$1
jobs=${2:-$(nproc)}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! cmake --preset "$preset" >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
exec cmake --build --preset "$preset" -j "$jobs" ${3:+--target "${@:3}"}
