"""What a terminal shows: the part of it that Kiln's programs write for."""

import re

_STEP = re.compile(r"\x1b\[([?]?)([\d;]*)([A-Za-z])|[\r\n]|[^\x1b\r\n]+")
# The start of a step whose end has not come yet.
_UNFINISHED = re.compile(r"\x1b(\[[?]?[\d;]*)?$")
_ALTERNATE, _CURSOR = "1049", "25"


class Display:
    """`lines` None: it has no limit of height. `alternate` tells which of its two screens it
    shows, `cursor` whether there is one to be seen, `looks` which colours were ever used."""

    def __init__(self, columns, lines=None):
        self.columns, self.lines = columns, lines
        self.rows, self.row, self.column = [""], 0, 0
        self.alternate, self.cursor, self.looks = False, True, set()
        self._kept, self._rest = None, ""

    def resize(self, columns, lines):
        """What is shown stays, as far as there is room."""
        self.columns, self.lines = columns, lines
        self.rows = [row[:columns] for row in self.rows[:lines]]
        self.row, self.column = min(self.row, lines - 1), min(self.column, columns)

    def feed(self, text):
        text = self._rest + text
        self._rest = (found := _UNFINISHED.search(text)) and found.group() or ""
        for step in _STEP.finditer(text[:len(text) - len(self._rest)]):
            private, numbers, what = step.groups()
            if private:
                self._set(numbers, what)
            elif what:
                self._steer([int(number or 0) for number in numbers.split(";")], what)
            else:
                self._write(step.group())

    def shown(self):
        return [row.rstrip() for row in self.rows]

    def text(self):
        return "\n".join(self.shown())

    def _set(self, mode, what):
        is_on = {"h": True, "l": False}[what]
        if mode == _CURSOR:
            self.cursor = is_on
        elif mode == _ALTERNATE and is_on != self.alternate:
            if is_on:
                self._kept = (self.rows, self.row, self.column)
                self.rows, self.row, self.column = [""], 0, 0
            else:
                self.rows, self.row, self.column = self._kept
            self.alternate = is_on
        elif mode not in (_CURSOR, _ALTERNATE):
            raise ValueError(f"this terminal does not know mode {mode!r}")

    def _steer(self, numbers, what):
        first = numbers[0]
        if what == "A":
            self.row = max(0, self.row - max(first, 1))
        elif what == "H":
            self._go(max(first, 1) - 1, max(numbers[-1] if len(numbers) > 1 else 1, 1) - 1)
        elif what == "K":
            self.rows[self.row] = self.rows[self.row][:self.column]
        elif what == "J" and first == 2:
            self.rows = [""] * len(self.rows)
        elif what == "J":
            self.rows[self.row:] = [self.rows[self.row][:self.column]]
        elif what == "m":
            self.looks.update(number for number in numbers if number)
        else:
            raise ValueError(f"this terminal does not know {numbers} {what!r}")

    def _go(self, row, column):
        # A program may not know yet that there are fewer lines.
        self.row = row if self.lines is None else min(row, self.lines - 1)
        self.column = column
        self.rows += [""] * (self.row + 1 - len(self.rows))

    def _write(self, word):
        if word == "\r":
            self.column = 0
        elif word == "\n":
            self._line_feed()
        else:
            for letter in word:
                if self.column == self.columns:
                    self._line_feed()
                    self.column = 0
                row = self.rows[self.row]
                self.rows[self.row] = (row[:self.column].ljust(self.column) + letter +
                                       row[self.column + 1:])
                self.column += 1

    def _line_feed(self):
        if self.lines is not None and self.row == self.lines - 1:
            del self.rows[0]
            self.rows.append("")
            return
        self._go(self.row + 1, self.column)
