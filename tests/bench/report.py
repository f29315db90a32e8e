"""What a run of the benchmark found: as a table of 80 columns, as Markdown, and as JSON."""

import dataclasses
import json
import statistics

CONTENDERS = ("local", "distcc", "icecream", "kiln")
NAME_WIDTH, UNIT_WIDTH, WIDTH = 38, 5, 9


@dataclasses.dataclass(frozen=True)
class Row:
    """`samples`: contender -> values, one a round. `spread`: whether min and max tell something."""

    name: str
    unit: str
    samples: dict
    spread: bool = False

    def median(self, contender):
        return statistics.median(self.samples[contender])

    def summary(self):
        peers = {name: round(self.median(name), 3) for name in self.samples if name != "kiln"}
        return {"name": self.name, "unit": self.unit, "kiln": round(self.median("kiln"), 3),
                "peers": peers}

    def text(self):
        cells = [number(self.median(name)) if name in self.samples else "" for name in CONTENDERS]
        lines = [line(self.name, self.unit, cells)]
        for label, choose in [("min", min), ("max", max)] if self.spread else []:
            lines.append(line(f"  {label}", "", [
                number(choose(self.samples[name])) if name in self.samples else ""
                for name in CONTENDERS]))
        return "\n".join(lines)

    def markdown(self):
        return f"| {self.name} | {self.unit} | " + " | ".join(map(self._cell, CONTENDERS)) + " |"

    def _cell(self, contender):
        if contender not in self.samples:
            return ""
        values = self.samples[contender]
        spread = f" ({number(min(values))}–{number(max(values))})" if self.spread else ""
        return number(self.median(contender)) + spread


def heading():
    return line("", "", CONTENDERS)


def markdown(rows):
    lines = ["| what | unit | " + " | ".join(CONTENDERS) + " |",
             "|---|---|" + "---:|" * len(CONTENDERS)]
    return "\n".join([*lines, *(row.markdown() for row in rows)]) + "\n"


def summary(rows):
    return json.dumps([row.summary() for row in rows], indent=2) + "\n"


def line(name, unit, cells):
    return (f"{name:{NAME_WIDTH}.{NAME_WIDTH}}{unit:{UNIT_WIDTH}}" +
            "".join(f"{cell:>{WIDTH}}" for cell in cells)).rstrip()


def number(value):
    """Three digits that count, no exponent."""
    size = abs(value)
    return f"{value:.{0 if size >= 100 or value == int(value) else 1 if size >= 10 else 2}f}"
