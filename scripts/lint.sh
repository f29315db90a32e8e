#!/bin/bash
# Usage: lint.sh [JOBS]: format, house rules, then clang-tidy over every source.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/format.sh --check
/usr/bin/python3 -B tests/house/check.py
cmake --preset debug >/dev/null
cmake --build --preset debug --target kiln_generated kiln_page_bytes >/dev/null
# Examples are built against the installed package, by their test.
find . \( -name build -o -name tests -o -name examples -o -name '.?*' \) -prune \
  -o -name '*.cc' -print0 | sort -z |
  xargs -0 -n 4 -P "${1:-$(nproc)}" clang-tidy-14 --quiet -p build/debug
