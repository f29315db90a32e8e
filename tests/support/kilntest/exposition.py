"""What a daemon's /metrics says, and what docs/metrics.md says that it may."""

import dataclasses
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[3]
DOCUMENT = ROOT / "docs" / "metrics.md"
# Who exports what a section of the document lists.
SECTIONS = {"Of all": {"coordinator", "worker", "agent"}, "Of the coordinator": {"coordinator"},
            "Of each worker": {"worker"}, "Of each pool on a worker": {"worker"},
            "Of each agent": {"agent"}}

# Labels whose values come each from another program, or with what happens.
ANY_OF = {"component", "ran"}

_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_QUOTED = re.compile(r"`([^`]*)`")
_SUFFIX = re.compile(r"_(bucket|sum|count)$")


@dataclasses.dataclass
class Exported:
    """A metric as it is served: its kind, and the labels of each of its series, but for `le`."""
    kind: str
    series: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Documented:
    """A row of the document. `labels`: name to the set of values, which is empty where any may
    come."""
    name: str
    kind: str
    labels: dict
    unit: str
    meaning: str
    example: str
    by: frozenset


def exported(text):
    """Prometheus text as a dict of name to Exported; histograms are one metric."""
    found = {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            found[name] = Exported(kind)
        elif line and not line.startswith("#"):
            name, _, rest = line.partition("{") if "{" in line else line.partition(" ")
            base = name if name in found else _SUFFIX.sub("", name)
            labels = dict(_LABEL.findall(rest)) if "{" in line else {}
            labels.pop("le", None)
            if labels not in found[base].series:
                found[base].series.append(labels)
    return found


def documented(text=None):
    """The rows of docs/metrics.md, in order."""
    rows, section = [], None
    for line in (text or DOCUMENT.read_text(encoding="utf-8")).splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif line.startswith("| `"):
            rows.append(_row(line, section))
    return rows


def _row(line, section):
    # A cell may have an escaped bar in it, as Markdown wants it.
    cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    name, kind, labels, unit, meaning, example = cells
    return Documented(_only(name), kind, _labels(labels), unit, meaning, _only(example),
                      frozenset(SECTIONS[section]))


def _only(cell):
    [text] = _QUOTED.findall(cell)
    return text


def _labels(cell):
    labels = {}
    for part in cell.split(";"):
        quoted = _QUOTED.findall(part)
        if quoted:
            labels[quoted[0]] = set(quoted[1:])
    return labels


def differences(rows, found, by):
    """What is wrong between the document's rows and what daemons of the kind `by` export, as
    words. `found`: name to Exported."""
    wrong = []
    mine = {row.name: row for row in rows if by in row.by}
    for name, metric in sorted(found.items()):
        if name not in mine:
            wrong.append(f"{by} exports {name}, which the document does not list")
            continue
        row = mine[name]
        if metric.kind != row.kind:
            wrong.append(f"{name} is a {metric.kind}, not a {row.kind}")
        for labels in metric.series:
            if set(labels) != set(row.labels):
                wrong.append(f"{name} has labels {sorted(labels)}, not {sorted(row.labels)}")
            wrong += [f"{name} has {label}={value}, which the document does not list"
                      for label, value in labels.items()
                      if row.labels.get(label) and value not in row.labels[label]]
    wrong += [f"{by} does not export {name}" for name in mine if name not in found]
    wrong += [f"{by} exports no series of {name}" for name in mine
              if name in found and not found[name].series]
    return wrong + _missing_values(mine, found)


# All that a label may be is there from the start.
def _missing_values(mine, found):
    return [f"{name} has no series with {label}={value}"
            for name, row in mine.items() if name in found and found[name].series
            for label, values in row.labels.items() for value in sorted(values)
            if label not in ANY_OF
            and not any(series.get(label) == value for series in found[name].series)]


def merged(texts):
    """What several daemons of one kind export together."""
    together = {}
    for text in texts:
        for name, metric in exported(text).items():
            together.setdefault(name, Exported(metric.kind)).series += metric.series
    return together
