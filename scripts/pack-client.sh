#!/bin/bash
# Usage: pack-client.sh BIN_DIR ARCHIVE: kiln and its agent, out of BIN_DIR, as a tar archive that
# is unpacked anywhere and runs on any Linux of this architecture, whatever C library that has: the
# launcher is static, and the agent brings all of its libraries and their loader along.
set -euo pipefail

if [[ $# -ne 2 ]]; then
  sed -n 's/^# \(Usage: .*\)/\1/p' "$0" >&2
  exit 2
fi
bin=$(realpath "$1")
archive=$(realpath -m "$2")

# "kiln 1.2.3"
version=$(env -i PATH="$PATH" "$bin/kiln" --version)
version=${version#kiln }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
top="$work/kiln-client-$version-$(uname -m)"
libraries="$top/lib/kiln"
install -d "$top/bin" "$libraries" "$top/share/doc"

install -m 755 "$bin/kiln" "$top/bin/"
install -m 755 "$bin/kiln-agent" "$libraries/"
# Those of a package are stripped already.
if command -v strip >/dev/null; then
  strip "$top/bin/kiln" "$libraries/kiln-agent"
fi

# The package that a file is of.
owner_of() {
  dpkg-query --search "$1" 2>/dev/null | head -n 1 | cut -d : -f 1
}

# Each line names a library, or the loader, by its path.
mapfile -t files < <(ldd "$bin/kiln-agent" | grep -o '/[^ ]*')
for file in "${files[@]}"; do
  case $(basename "$file") in
    ld-linux*) install -m 755 "$file" "$libraries/loader" ;;
    *) install -m 644 "$file" "$libraries/" ;;
  esac
  # Who gives a library away gives its licence with it.
  owner=$(owner_of "$file" || owner_of "$(realpath "$file")" || true)
  if [[ -n $owner && -r /usr/share/doc/$owner/copyright ]]; then
    install -m 644 "/usr/share/doc/$owner/copyright" "$top/share/doc/$owner.copyright"
  fi
done
if [[ ! -e $libraries/loader ]]; then
  echo "pack-client.sh: $bin/kiln-agent names no loader; is it a dynamic program?" >&2
  exit 1
fi
install -m 644 "$(dirname "$0")/../LICENSE" "$top/LICENSE"
tar -C "$work" --owner=0 --group=0 --sort=name -czf "$archive" "$(basename "$top")"
echo "$archive: $(du -h "$archive" | cut -f 1)"
