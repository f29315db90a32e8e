#!/bin/bash
# Measures Kiln beside distcc and icecream: a table, and build/bench/summary.json. Needs namespaces,
# so goes through sudo where the caller is not root.
set -euo pipefail
cd "$(dirname "$0")/.."

run=(env "KILN_BIN_DIR=$PWD/build/release/bin" "PYTHONPATH=$PWD/tests/support"
  /usr/bin/python3 -B tests/bench/bench.py build/bench/summary.json)
mkdir -p build/bench
if [[ $EUID -eq 0 ]]; then
  "${run[@]}"
else
  sudo "${run[@]}"
  sudo chown -R "$(id -u):$(id -g)" build
fi
