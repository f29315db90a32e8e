#!/bin/bash
# Usage: format.sh -i | --check: formats every C++ source, or fails where one is not formatted.
set -euo pipefail
cd "$(dirname "$0")/.."

case ${1:-} in
  -i) options=(-i) ;;
  --check) options=(--dry-run --Werror) ;;
  *) echo "usage: $0 -i | --check" >&2 && exit 2 ;;
esac
find . \( -name build -o -name '.?*' \) -prune -o \
  \( -name '*.cc' -o -name '*.h' -o -name '*.c' \) -print0 |
  sort -z | xargs -0 -r -n 20 clang-format-14 "${options[@]}"
