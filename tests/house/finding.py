"""What a rule says about a place, and the files that the rules look at."""

import dataclasses
import os
import pathlib
import re

SKIPPED_FOLDERS = {"build", ".git", "__pycache__", ".cache"}
CPP_SUFFIXES = {".cc", ".h", ".c"}
CODE_SUFFIXES = CPP_SUFFIXES | {".py", ".sh", ".cmake", ".js", ".css", ".html"}
CODE_NAMES = {"CMakeLists.txt", "Makefile"}
TEXT_SUFFIXES = CODE_SUFFIXES | {".md", ".json", ".toml", ".yml", ".yaml", ".txt"}


@dataclasses.dataclass(frozen=True, order=True)
class Finding:
    path: str  # from the repository's root
    line: int  # from 1; 0 for the file as a whole
    rule: str
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: [{self.rule}] {self.message}"


@dataclasses.dataclass(frozen=True)
class Source:
    path: pathlib.PurePosixPath  # from the repository's root
    text: str

    @property
    def folder(self):
        return str(self.path.parent)

    @property
    def is_cpp(self):
        return self.path.suffix in CPP_SUFFIXES

    @property
    def is_code(self):
        return self.path.suffix in CODE_SUFFIXES or self.path.name in CODE_NAMES

    @property
    def is_listfile(self):
        return self.path.name == "CMakeLists.txt"

    @property
    def lines(self):
        return self.text.splitlines()

    def finding(self, line, rule, message):
        return Finding(str(self.path), line, rule, message)


def read_tree(root):
    """Every text file below `root`, build folders left out, in a fixed order."""
    sources = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        for name in sorted(names):
            path = pathlib.Path(folder, name)
            known = path.suffix in TEXT_SUFFIXES or name in CODE_NAMES or path.parent.name == ".ci"
            if known and path.is_file():
                relative = pathlib.PurePosixPath(path.relative_to(root).as_posix())
                sources.append(Source(relative, path.read_text(encoding="utf-8")))
    return sources


_LEXEME = re.compile(
    r'R"(?P<mark>[^()\\ ]{0,16})\(.*?\)(?P=mark)"'  # raw string
    r'|"(?:\\.|[^"\\\n])*"'  # string
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'"  # character, not a digit separator
    r"|//[^\n]*|/\*.*?\*/",
    re.DOTALL,
)


def strip_cpp(text, keep_strings=False):
    """C++ without comments (and the contents of strings); line numbers stay true."""

    def blank(match):
        lexeme = match.group(0)
        if keep_strings and not lexeme.startswith(("//", "/*")):
            return lexeme
        filler = "\n" * lexeme.count("\n")
        return filler if lexeme.startswith("/") else f'"{filler}"'

    return _LEXEME.sub(blank, text)
