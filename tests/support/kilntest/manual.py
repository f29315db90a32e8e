"""What Kiln's manual pages name, read from their mdoc source."""

import re

from kilntest.words import DOCS

FOLDER = DOCS / "man"
_COMMAND = re.compile(r"\.It (?:Ic ([a-z]+(?: [a-z]+)*)|Fl (j)\b|Fl (-version)\b)")
_OPTION = re.compile(r"\bFl -([a-z][\w-]*)")


class Page:
    """`name` is the file's: kiln.1."""

    def __init__(self, name):
        self.path = FOLDER / name
        self.text = self.path.read_text(encoding="utf-8")

    def sections(self):
        return re.findall(r"^\.Sh (.*)$", self.text, re.MULTILINE)

    def variables(self):
        return set(re.findall(r"\bKILN_[A-Z]\w*", self.text))

    def flags(self):
        """Of a program without commands: {flag} that its list has."""
        return {f"--{flag}" for flag in re.findall(r"^\.It Fl -([\w-]+)", self.text, re.MULTILINE)}

    def options(self):
        """All that are spoken of."""
        return {f"--{option}" for option in _OPTION.findall(self.text)}

    def commands(self):
        """{command, with its action where it has some: its options}."""
        found, depth, command = {}, 0, None
        for line in self.text.splitlines():
            depth += line.startswith(".Bl") - line.startswith(".El")
            if depth == 0:
                command = None
            if begun := _COMMAND.match(line):
                words, letter, version = begun.groups()
                command = words or f"-{letter or version}"
                found.setdefault(command, set())
            if command:
                found[command].update(f"--{option}" for option in _OPTION.findall(line))
        for options in found.values():
            options.discard("--version")
        return found
