"""What a benchmark of pools, or of ways to workers, found: side by side, as text, Markdown and
JSON."""

import dataclasses
import json
import os
import statistics
import threading

import report

CONTEXTS = ("spawn", "fork", "forkserver")
NAME_WIDTH, UNIT_WIDTH, WIDTH = 38, 5, 12


@dataclasses.dataclass(frozen=True)
class Row:
    """`samples`: column -> values, one a round."""

    name: str
    unit: str
    samples: dict
    columns: tuple = CONTEXTS

    def summary(self):
        return {"name": self.name, "unit": self.unit,
                **{context: {"median": round(statistics.median(values), 3),
                             "min": round(min(values), 3), "max": round(max(values), 3)}
                   for context, values in self.samples.items()}}

    def _cells(self, cell):
        return [cell(self.samples[column]) if column in self.samples else ""
                for column in self.columns]

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


def heading(columns=CONTEXTS):
    return _line("", "", columns)


def markdown(rows):
    columns = rows[0].columns
    lines = ["| what | unit | " + " | ".join(columns) + " |", "|---|---|" + "---:|" * len(columns)]
    return "\n".join([*lines, *(row.markdown() for row in rows)]) + "\n"


def summary(rows):
    return json.dumps([row.summary() for row in rows], indent=2) + "\n"


def run(rows, target, rounds, columns=CONTEXTS):
    """Prints the rows as they are found, and writes them: JSON to `target`, Markdown beside it."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.2f} before the run, {rounds} rounds\n"
          f"{heading(columns)}", flush=True)
    found = []
    for row in rows:
        found.append(row)
        print(row.text(), flush=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(summary(found))
    table = target.with_suffix(".md")
    table.write_text(markdown(found))
    print(f"\nAs Markdown:\n\n{table.read_text()}\nwritten: {target}, {table}")


def let_pass(seconds):
    """What is measured is what happens meanwhile: there is nothing to wait for."""
    threading.Event().wait(max(0.0, seconds))
