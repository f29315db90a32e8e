#!/bin/bash
# Measures Kiln beside distcc and icecream: a table, build/bench/summary.json and table.md. Takes
# the arguments of tests/bench/bench.py. Needs namespaces, so goes through sudo where the caller is
# not root. `bench.sh pools [ARGUMENT]…` measures pools and their contexts instead, with
# tests/bench/pools_bench.py: build/bench/pools.json and pools.md; `bench.sh worker` a worker's side
# alone, with tests/bench/worker_side.py: build/bench/worker.json; `bench.sh ways` what keys and the
# coordinator's way cost, with tests/bench/ways_bench.py: build/bench/ways.json and ways.md;
# `bench.sh page` what the live page costs, with tests/bench/page_bench.py: build/bench/page.json
# and page.md;
# `bench.sh scrape` what it costs to be scraped, with tests/bench/scrape_bench.py:
# build/bench/scrape.json and scrape.md.
set -euo pipefail
cd "$(dirname "$0")/.."

program=(tests/bench/bench.py build/bench/summary.json)
if [[ ${1:-} == pools ]]; then
  program=(tests/bench/pools_bench.py build/bench/pools.json)
  shift
elif [[ ${1:-} == ways ]]; then
  program=(tests/bench/ways_bench.py build/bench/ways.json)
  shift
elif [[ ${1:-} == page ]]; then
  program=(tests/bench/page_bench.py build/bench/page.json)
  shift
elif [[ ${1:-} == scrape ]]; then
  program=(tests/bench/scrape_bench.py build/bench/scrape.json)
  shift
elif [[ ${1:-} == worker ]]; then
  program=(tests/bench/worker_side.py build/bench/worker.json)
  shift
fi
run=(env "KILN_BIN_DIR=$PWD/build/release/bin" "PYTHONPATH=$PWD/tests/support"
  /usr/bin/python3 -B "${program[@]}" "$@")
if [[ $EUID -eq 0 ]]; then
  exec "${run[@]}"
fi
status=0
sudo "${run[@]}" || status=$?
sudo chown -R "$(id -u):$(id -g)" build
exit "$status"
