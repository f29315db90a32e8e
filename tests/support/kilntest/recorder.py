"""Which programs a build really started on the client, seen by the kernel (strace of execve)."""

import dataclasses
import os
import re

_CALL = re.compile(r'execve\("((?:[^"\\]|\\.)*)", \[(.*?)\](?:\.\.\.)?, ')
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ONLY_ASKS = ("-E", "-M", "-MM", "-fsyntax-only", "-Eonly", "-###", "--version", "--help",
              "-dumpversion", "-dumpmachine", "-dumpspecs", "-dumpfullversion")
_COMPILERS = re.compile(r"(.*-)?(gcc|g\+\+|cc|c\+\+|clang|clang\+\+)(-[0-9.]+)?")
_BACK_ENDS = ("cc1", "cc1plus", "lto1", "as")


@dataclasses.dataclass(frozen=True)
class Started:
    program: str  # as given to execve
    argv: tuple

    @property
    def generates_code(self):
        """Whether this turned source into an object or assembly: what a client must not do."""
        name = os.path.basename(os.path.realpath(self.program))
        if name in ("kiln", "kiln-agent"):
            return False
        if name in _BACK_ENDS or re.fullmatch(r"(.*-)?as", name):
            return not self._only_asks()
        if _COMPILERS.fullmatch(name):
            # clang compiles in the process of its driver; gcc's driver starts a back end.
            makes_object = any(word in ("-c", "-S", "-cc1", "-cc1as") for word in self.argv)
            return makes_object and not self._only_asks()
        return False

    def _only_asks(self):
        return any(word in _ONLY_ASKS or word.startswith("-print-") for word in self.argv[1:])


class Recorder:
    """wrap() gives the command line that records a command; after it has ended, started() tells.
    Everything the command starts is followed, daemons too."""

    def __init__(self, log):
        self.log = str(log)

    def wrap(self, argv):
        return ["strace", "-f", "-qq", "-e", "trace=execve", "-e", "abbrev=none", "-e",
                "signal=none", "-s", "4096", "-o", self.log, *argv]

    def position(self):
        """Where the record ends now; started() can begin there."""
        return os.path.getsize(self.log) if os.path.exists(self.log) else 0

    def started(self, since=0):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            log.seek(since)
            return parse(log)

    def generated_code(self, since=0):
        return [start for start in self.started(since) if start.generates_code]


def parse(lines):
    """Every exec that succeeded, or whose end the record does not tell."""
    found = []
    for line in lines:
        match = _CALL.search(line)
        if match and not re.search(r"= -1 E", line):
            argv = tuple(_unescape(word) for word in _STRING.findall(match.group(2)))
            found.append(Started(_unescape(match.group(1)), argv))
    return found


def _unescape(text):
    return text.encode().decode("unicode_escape", errors="replace")
