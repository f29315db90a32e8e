"""A terminal: what a program writes to it, and what it then shows."""

import fcntl
import os
import pty
import re
import struct
import termios

from kilntest.waiting import pause, wait_until

_STEP = re.compile(r"\x1b\[(\d*)([A-Za-z])|[\r\n]|[^\x1b\r\n]+")


class Terminal:
    """`theirs` is the side for a process, closed by started() once one has it."""

    def __init__(self, columns=80, lines=24):
        self.columns = columns
        self._ours, self.theirs = pty.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("4H", lines, columns, 0, 0))
        os.set_blocking(self._ours, False)
        self.written = b""

    def started(self):
        os.close(self.theirs)

    def type(self, keys):
        os.write(self._ours, keys)

    def read(self):
        """All that was written so far, as text."""
        pause(0, [self._ours])
        try:
            while more := os.read(self._ours, 65536):
                self.written += more
        except OSError:
            pass  # nothing more now, or nobody holds the other side any more
        return self.written.decode(errors="replace")

    def wait_for(self, text, seconds=30.0):
        return wait_until(lambda: text in self.read() and self.written.decode(errors="replace"),
                          f"the terminal to be told {text!r}", seconds)

    def screen(self):
        return shown(self.read(), self.columns)

    def close(self):
        os.close(self._ours)


def shown(text, columns):
    """The lines that a terminal without limit of height shows after `text`, and the cursor's row
    as the number of lines above it."""
    rows, row, column = [""], 0, 0
    for step in _STEP.finditer(text):
        word, count = step.group(), int(step.group(1) or 1)
        if word == "\r":
            column = 0
        elif word == "\n":
            row += 1
            rows += [""] * (row + 1 - len(rows))
        elif step.group(2) == "A":
            row = max(0, row - count)
        elif step.group(2) == "K":
            rows[row] = rows[row][:column]
        elif step.group(2) == "J":
            rows[row:] = [rows[row][:column]]
        elif step.group(2):
            raise ValueError(f"this terminal does not know {word!r}")
        else:
            for letter in word:
                if column == columns:
                    row, column = row + 1, 0
                    rows += [""] * (row + 1 - len(rows))
                rows[row] = rows[row][:column].ljust(column) + letter + rows[row][column + 1:]
                column += 1
    return [line.rstrip() for line in rows], row
