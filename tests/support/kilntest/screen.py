"""A terminal: what a program writes to it, and what it then shows."""

import codecs
import fcntl
import os
import pty
import struct
import termios

from kilntest.display import Display
from kilntest.waiting import pause, wait_until


class Terminal:
    """`theirs` is the side for a process, closed by started() once one has it."""

    def __init__(self, columns=80, lines=24):
        self.columns = columns
        self._ours, self.theirs = pty.openpty()
        self._tell_size(columns, lines)
        os.set_blocking(self._ours, False)
        self.written = b""
        self._display, self._fed = Display(columns, lines), 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def _tell_size(self, columns, lines):
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("4H", lines, columns, 0, 0))

    def resize(self, columns, lines):
        """Who reads from it is told, as by any terminal."""
        self.display().resize(columns, lines)
        self._tell_size(columns, lines)

    def started(self):
        os.close(self.theirs)

    def settings(self):
        """How it treats keys and lines: what a program must give back as it was."""
        return termios.tcgetattr(self._ours)

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

    def display(self):
        """What it shows now."""
        self.read()
        self._display.feed(self._decoder.decode(self.written[self._fed:]))
        self._fed = len(self.written)
        return self._display

    def wait_shown(self, condition, what, seconds=30.0):
        """Until `condition` holds of the lines that it shows, which are returned."""
        def look():
            lines = self.display().shown()
            return condition(lines) and lines
        try:
            return wait_until(look, what, seconds)
        except AssertionError as error:
            raise type(error)(f"{error}; the terminal shows\n{self._display.text()}") from None

    def wait_end(self, process, seconds=60.0):
        """The exit status of who writes to it, which a terminal that nobody reads would stop."""
        wait_until(lambda: self.read() is not None and process.poll() is not None,
                   "the process to end", seconds)
        return process.returncode

    def screen(self):
        return shown(self.read(), self.columns)

    def close(self):
        os.close(self._ours)


def shown(text, columns):
    """The lines that a terminal without limit of height shows after `text`, and the cursor's row
    as the number of lines above it."""
    display = Display(columns)
    display.feed(text)
    return display.shown(), display.row
