"""The dashboards are what Grafana's own schema says they may be: its types, of the release that
docker-compose.yml runs, are held against each panel by the TypeScript compiler. Needs npm, which
fetches both."""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from kilntest import dashboards
from kilntest.exposition import ROOT

TYPESCRIPT = "typescript@5.4.5"
IMAGE = re.compile(r"grafana/grafana-oss:([\d.]+)")
ENUM = re.compile(r"(export )?declare enum (\w+) \{(.*?)\n\}", re.S)
VALUE = re.compile(r"=\s*(\"[^\"]*\"|'[^']*'|-?\d+)")
DASHBOARD = "raw/dashboard/x/dashboard_types.gen"
PANELS = {"gauge": "Gauge", "heatmap": "Heatmap", "stat": "Stat", "table": "Table",
          "timeseries": "TimeSeries"}
# Grafana fills in what a panel leaves out.
HEAD = f"""import type * as grafana from "./types/{DASHBOARD}";
type Parts<T> = T extends object ? {{ [Name in keyof T]?: Parts<T[Name]> }} : T;
"""
OPTIONS = {
    "noEmit": True, "strict": True, "skipLibCheck": True, "moduleResolution": "node",
    "target": "es2022", "types": [], "baseUrl": ".",
    "paths": {"@grafana/schema": ["./types/index"]}}


def run(*argv, cwd):
    done = subprocess.run(argv, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=600)
    return done.returncode, done.stdout


def as_text(enum):
    """JSON has the values of an enumeration, not its members."""
    values = " | ".join(VALUE.findall(enum[3])) or "never"
    return f"{enum[1] or ''}type {enum[2]} = {values};"


def constants(panel):
    """Name, type and value of all that a panel consists of."""
    if panel["type"] == "row":
        return [("panel", "grafana.RowPanel", panel)]
    panel = json.loads(json.dumps(panel))
    options = panel.pop("options", {})
    custom = panel["fieldConfig"]["defaults"].pop("custom", None)
    found = [("panel", "grafana.Panel", panel), ("options", "Parts<kind.Options>", options)]
    return found if custom is None else [*found, ("custom", "Parts<kind.FieldConfig>", custom)]


def source_of(panel):
    source = HEAD
    if panel["type"] != "row":
        kind = PANELS[panel["type"]]
        types = f"./types/raw/composable/{kind.lower()}/panelcfg/x/{kind}PanelCfg_types.gen"
        source += f"import type * as kind from \"{types}\";\n"
    return source + "".join(f"export const {name}: {words} = {json.dumps(value)};\n"
                            for name, words, value in constants(panel))


class GrafanaSchemaTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("npm"):
            raise AssertionError("npm is not here: this test needs Node.js with npm, of any source")
        folder = tempfile.TemporaryDirectory(prefix="kiln-grafana")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        release = IMAGE.search((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))[1]
        status, words = run(
            "npm", "install", "--silent", "--no-save", "--no-audit", "--no-fund",
            "--ignore-scripts", "--prefix", ".", f"@grafana/schema@{release}", TYPESCRIPT,
            cwd=cls.folder)
        if status != 0:
            raise AssertionError(f"npm install: {words}")
        types = cls.folder / "node_modules/@grafana/schema/dist/esm"
        for path in types.rglob("*.d.ts"):
            copy = cls.folder / "types" / path.relative_to(types)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(ENUM.sub(as_text, path.read_text(encoding="utf-8")), encoding="utf-8")

    def wrong(self, sources):
        """What the compiler says of these, {name: source}."""
        for name, source in sources.items():
            (self.folder / f"{name}.ts").write_text(source, encoding="utf-8")
        (self.folder / "tsconfig.json").write_text(json.dumps(
            {"compilerOptions": OPTIONS, "files": [f"{name}.ts" for name in sources]}))
        status, words = run("node_modules/.bin/tsc", "--project", ".", cwd=self.folder)
        self.assertEqual(status == 0, words == "", words)
        return words

    def test_every_dashboard_and_panel_is_of_its_type(self):
        sources = {}
        for name, dashboard in dashboards.load().items():
            for number, panel in enumerate(dashboard.pop("panels")):
                sources[f"{name}-{number}"] = source_of(panel)
            sources[name] = f"{HEAD}export const all: grafana.Dashboard = {json.dumps(dashboard)};"
        self.assertEqual("", self.wrong(sources))

    def test_what_grafana_does_not_know_is_found(self):
        panel = next(panel for panel in dashboards.load()["farm"]["panels"]
                     if panel["type"] == "timeseries")
        for place, name in (("options", "legends"), ("fieldConfig", "override")):
            panel[place][name] = {}
        panel["fieldConfig"]["defaults"]["custom"]["drawStyle"] = "lines"
        words = self.wrong({"panel": source_of(panel)})
        for found in ("legends", "override", "\"lines\""):
            self.assertIn(found, words)


if __name__ == "__main__":
    unittest.main()
