"""What the benchmark of pools found: contexts side by side, as text, Markdown and JSON."""

import dataclasses
import json
import statistics

import report

CONTEXTS = ("spawn", "fork", "forkserver")
NAME_WIDTH, UNIT_WIDTH, WIDTH = 38, 5, 12


@dataclasses.dataclass(frozen=True)
class Row:
    """`samples`: context -> values, one a round."""

    name: str
    unit: str
    samples: dict

    def summary(self):
        return {"name": self.name, "unit": self.unit,
                **{context: {"median": round(statistics.median(values), 3),
                             "min": round(min(values), 3), "max": round(max(values), 3)}
                   for context, values in self.samples.items()}}

    def _cells(self, cell):
        return [cell(self.samples[context]) if context in self.samples else ""
                for context in CONTEXTS]

    def text(self):
        return _line(self.name, self.unit,
                     self._cells(lambda values: report.number(statistics.median(values))))

    def markdown(self):
        return f"| {self.name} | {self.unit} | " + " | ".join(self._cells(_with_spread)) + " |"


def _with_spread(values):
    text = report.number(statistics.median(values))
    if len(values) > 1:
        text += f" ({report.number(min(values))}–{report.number(max(values))})"
    return text


def _line(name, unit, cells):
    return (f"{name:{NAME_WIDTH}.{NAME_WIDTH}}{unit:{UNIT_WIDTH}}" +
            "".join(f"{cell:>{WIDTH}}" for cell in cells)).rstrip()


def heading():
    return _line("", "", CONTEXTS)


def markdown(rows):
    lines = ["| what | unit | " + " | ".join(CONTEXTS) + " |", "|---|---|---:|---:|---:|"]
    return "\n".join([*lines, *(row.markdown() for row in rows)]) + "\n"


def summary(rows):
    return json.dumps([row.summary() for row in rows], indent=2) + "\n"
