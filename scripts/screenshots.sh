#!/bin/bash
# Usage: screenshots.sh [FOLDER]: a real farm under load on this machine, and pictures of its live
# page, in docs/images or another folder. Needs a release build.
set -euo pipefail
cd "$(dirname "$0")/.."

export KILN_BIN_DIR=${KILN_BIN_DIR:-$PWD/build/release/bin} PYTHONPATH=tests/support:tests/e2e
exec /usr/bin/python3 -B tests/e2e/page_pictures.py "${1:-docs/images}"
