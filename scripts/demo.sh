#!/bin/bash
# A real project through a coordinator and two workers on this machine, beside a local build of it.
# The last line is for scripts:
# demo: jobs=N remote=N identical=yes|no local_seconds=S kiln_seconds=S
set -euo pipefail
cd "$(dirname "$0")/.."

export KILN_BIN_DIR=${KILN_BIN_DIR:-$PWD/build/release/bin}
export PYTHONPATH=$PWD/tests/support
exec /usr/bin/python3 -B scripts/demo.py
