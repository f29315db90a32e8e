#!/usr/bin/python3
"""Checks Kiln's house rules: layering, lengths, words. Usage: check.py [ROOT]"""

import pathlib
import sys

import conformance
import layering
import shape
from finding import read_tree


def findings(root):
    """Every breach of a house rule below `root`, sorted."""
    sources = read_tree(root)
    found = set()
    for rule in (layering.check_includes, layering.check_links, shape.check_lengths,
                 shape.check_functions, shape.check_words, shape.check_headers,
                 shape.check_python, shape.check_registered, shape.check_tiers,
                 conformance.check_conformance):
        found.update(rule(sources))
    found.update(shape.check_statements(sources, layering.PURE))
    return sorted(found)


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
    if len(sys.argv) <= 1:
        root = root.parents[2]
    found = findings(root)
    for finding in found:
        print(finding)
    if found:
        print(f"house rules: {len(found)} breaches", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
