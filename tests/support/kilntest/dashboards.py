"""The dashboards and alert rules of deploy/, as what they ask of Prometheus."""

import dataclasses
import json
import re

from kilntest.exposition import ROOT

FOLDER = ROOT / "deploy" / "grafana" / "dashboards"
SOURCES = ROOT / "deploy" / "grafana" / "provisioning" / "datasources" / "kiln.yml"
# What Grafana fills in by itself.
BUILT_IN = {"__rate_interval", "__interval", "__range"}

_SELECTOR = re.compile(r"\b((?:(?:kiln|process)_[a-z_]+|up|ALERTS)\b)(\{[^}]*\})?")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_MATCHED = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"([^\"]*)\"")
_GROUPED = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_LABEL_VALUES = re.compile(r"label_values\((.*),\s*(\w+)\)")


@dataclasses.dataclass(frozen=True)
class Query:
    where: str  # dashboard and panel
    text: str
    legend: str

    @property
    def legend_labels(self):
        return set(_LEGEND.findall(self.legend))


def load():
    """Every dashboard, by the name of its file."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(FOLDER.glob("*.json"))}


def panels(dashboard):
    """Those that show something, not the headlines over them."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries(name, dashboard):
    return [Query(f"{name}: {panel['title']}", target["expr"], target["legendFormat"])
            for panel in panels(dashboard) for target in panel["targets"]]


def variables(dashboard):
    """Name to (expression, label): the label's values in the expression's series are offered."""
    found = {}
    for variable in dashboard["templating"]["list"]:
        matched = _LABEL_VALUES.fullmatch(variable["query"]["query"])
        found[variable["name"]] = (matched.group(1), matched.group(2))
    return found


def variables_of(expression):
    return {braced or plain for braced, plain in _VARIABLE.findall(expression)}


def filled(expression, values):
    return _VARIABLE.sub(lambda match: values[match.group(1) or match.group(2)], expression)


def selectors(expression):
    """(metric, the whole selector) of each series that an expression asks for; a histogram's
    parts bear its name."""
    return [(metric_of(name), name + labels)
            for name, labels in _SELECTOR.findall(expression)]


def metric_of(name):
    return re.sub(r"_(seconds|bytes)_(bucket|sum|count)$", r"_\1", name)


def labels_of(expression):
    """The labels that it matches or groups by."""
    found = {label for _, selector in selectors(expression)
             for label, _ in _MATCHED.findall(selector)}
    for group in _GROUPED.findall(expression):
        found |= {label.strip() for label in group.split(",")} - {""}
    return found


def values_of(selector):
    """(label, value) of each value that it names; those with variables or patterns are left out."""
    return [(label, value) for label, values in _MATCHED.findall(selector)
            for value in values.split("|") if re.fullmatch(r"\w+", value)]


def source_uid():
    """Of the data source that Grafana is provisioned with."""
    return re.search(r"^ +uid: (\S+)$", SOURCES.read_text(encoding="utf-8"), re.M).group(1)
