"""What a document tells people to type."""

import pathlib
import re

DOCS = pathlib.Path(__file__).resolve().parents[3] / "docs"


def blocks(document, heading):
    """The indented blocks below a heading of a document in docs/, each as a script."""
    text = (DOCS / document).read_text()
    section = re.search(rf"(?ms)^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text)[1]
    found, block = [], []
    for line in [*section.splitlines(), "end"]:
        if line.startswith("    "):
            block.append(line[4:])
        elif line and block:
            found.append("\n".join(block) + "\n")
            block = []
    return found
