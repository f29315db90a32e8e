"""What deploy/ shows and watches holds together: dashboards, alert rules, and their documents."""

import itertools
import json
import re
import unittest

from kilntest import dashboards
from kilntest.exposition import ROOT, documented
from kilntest.prometheus import RULES

OPERATIONS = ROOT / "docs" / "operations.md"
RULE_TESTS = RULES.with_name("alerts_test.yml")
GRAFANA_11 = 39
COLUMNS = 24
# Prometheus' own, and what histograms have.
ALWAYS = {"instance", "job", "le", "alertname", "alertstate"}


def anchor_of(heading):
    """As the places that show Markdown make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def sections(path):
    """The text below each heading, by its anchor."""
    parts = re.split(r"^#+ (.*)$", path.read_text(encoding="utf-8"), flags=re.M)
    return {anchor_of(heading): text for heading, text in zip(parts[1::2], parts[2::2])}


class QueriesCase(unittest.TestCase):
    """Tests that hold queries against the document."""

    def setUp(self):
        self.rows = {row.name: row for row in documented()}

    def assert_known(self, expression, where):
        asked = dashboards.selectors(expression)
        self.assertTrue(asked, where)
        metrics = {metric for metric, _ in asked} - {"up", "ALERTS"}
        self.assertEqual(set(), metrics - set(self.rows), where)
        labels = set(itertools.chain(*(self.rows[metric].labels for metric in metrics)))
        self.assertEqual(set(), dashboards.labels_of(expression) - labels - ALWAYS, where)
        for metric, selector in asked:
            for label, value in dashboards.values_of(selector):
                if metric in self.rows and self.rows[metric].labels.get(label):
                    self.assertIn(value, self.rows[metric].labels[label], f"{where}: {selector}")


class DashboardsTest(QueriesCase):
    def setUp(self):
        super().setUp()
        self.all = dashboards.load()

    def test_each_is_found_by_its_name_and_linked_with_the_others(self):
        self.assertEqual({"build", "clients", "farm", "node", "pools"}, set(self.all))
        for name, dashboard in self.all.items():
            with self.subTest(name):
                self.assertEqual(f"kiln-{name}", dashboard["uid"])
                self.assertEqual((["kiln"], GRAFANA_11, False),
                                 (dashboard["tags"], dashboard["schemaVersion"],
                                  dashboard["editable"]))
                self.assertTrue(dashboard["description"])
                [link] = dashboard["links"]
                self.assertEqual(("dashboards", ["kiln"], True),
                                 (link["type"], link["tags"], link["keepTime"]))
        titles = {dashboard["title"] for dashboard in self.all.values()}
        self.assertEqual(len(self.all), len(titles))

    def test_ids_differ_and_no_panel_lies_on_another(self):
        for name, dashboard in self.all.items():
            with self.subTest(name):
                ids = [panel["id"] for panel in dashboard["panels"]]
                self.assertEqual(sorted(set(ids)), sorted(ids))
                taken = {}
                for panel in dashboard["panels"]:
                    place = panel["gridPos"]
                    self.assertLessEqual(place["x"] + place["w"], COLUMNS, panel["title"])
                    for cell in itertools.product(range(place["x"], place["x"] + place["w"]),
                                                  range(place["y"], place["y"] + place["h"])):
                        self.assertNotIn(cell, taken, f"{panel['title']} on {taken.get(cell)}")
                        taken[cell] = panel["title"]

    def test_each_panel_says_what_it_shows_in_a_unit_and_from_the_source_that_there_is(self):
        source = {"type": "prometheus", "uid": dashboards.source_uid()}
        for name, dashboard in self.all.items():
            for panel in dashboards.panels(dashboard):
                with self.subTest(dashboard=name, panel=panel["title"]):
                    self.assertTrue(panel["description"].endswith("."))
                    self.assertTrue(panel["fieldConfig"]["defaults"]["unit"])
                    self.assertTrue(panel["targets"])
                    self.assertEqual([source] * (1 + len(panel["targets"])),
                                     [one["datasource"] for one in (panel, *panel["targets"])])
                    refs = [target["refId"] for target in panel["targets"]]
                    self.assertEqual(sorted(set(refs)), sorted(refs))

    def test_no_panel_is_another_ones_double(self):
        for name, dashboard in self.all.items():
            with self.subTest(name):
                for key in ("title", "description"):
                    values = [panel[key] for panel in dashboards.panels(dashboard)]
                    self.assertEqual(sorted(set(values)), sorted(values))
                asked = [(panel["type"], *(target["expr"] for target in panel["targets"]))
                         for panel in dashboards.panels(dashboard)]
                self.assertEqual(sorted(set(asked)), sorted(asked))

    def test_queries_ask_for_metrics_and_labels_that_are_documented(self):
        for name, dashboard in self.all.items():
            with self.subTest(name):
                for query in dashboards.queries(name, dashboard):
                    self.assert_known(query.text, query.where)
                for expression, label in dashboards.variables(dashboard).values():
                    self.assert_known(expression, name)
                    self.assertIn(label, ALWAYS | set(self.rows[expression].labels))

    def test_variables_are_used_and_those_that_are_used_are_there(self):
        for name, dashboard in self.all.items():
            with self.subTest(name):
                used = set(itertools.chain(*(dashboards.variables_of(query.text)
                                             for query in dashboards.queries(name, dashboard))))
                self.assertEqual(set(dashboards.variables(dashboard)), used - dashboards.BUILT_IN)

    def test_links_between_panels_lead_to_dashboards_with_such_a_variable(self):
        by_uid = {dashboard["uid"]: dashboard for dashboard in self.all.values()}
        found = re.findall(r"/d/([\w-]+)\?var-(\w+)=", json.dumps(self.all))
        self.assertTrue(found)
        for uid, variable in found:
            self.assertIn(variable, dashboards.variables(by_uid[uid]))


class AlertsTest(QueriesCase):
    def setUp(self):
        super().setUp()
        text = RULES.read_text(encoding="utf-8")
        self.alerts = {}
        for part in text.split("- alert: ")[1:]:
            name, _, rest = part.partition("\n")
            self.alerts[name] = rest

    def test_each_names_a_section_that_says_what_to_do(self):
        known = sections(OPERATIONS)
        for name, text in self.alerts.items():
            with self.subTest(name):
                for word in ("severity: ", "summary: ", "description: "):
                    self.assertIn(word, text)
                path, _, anchor = re.search(r"runbook: (\S+)", text).group(1).partition("#")
                self.assertEqual(("docs/operations.md", anchor_of(name)), (path, anchor))
                for word in ("**Means**", "**Look**", "**Do**"):
                    self.assertIn(word, known[anchor])

    def test_each_asks_for_what_is_documented(self):
        for name, text in self.alerts.items():
            self.assert_known(re.search(r"expr:(.*?)\n +(for|labels):", text, re.S).group(1), name)

    def test_each_section_is_of_an_alert(self):
        headings = re.findall(r"^### (Kiln\w+)$", OPERATIONS.read_text(encoding="utf-8"), re.M)
        self.assertEqual(list(self.alerts), headings)

    def test_each_is_tried_where_it_fires_and_where_it_does_not(self):
        tried = {name: set() for name in self.alerts}
        text = RULE_TESTS.read_text(encoding="utf-8")
        for name, expected in re.findall(r"alertname: (\w+)\n +exp_alerts:(.*)", text):
            tried[name].add(expected.strip() == "[]")
        self.assertEqual({name: {True, False} for name in self.alerts}, tried)


class DocumentTest(QueriesCase):
    def test_it_lists_each_metric_once_and_its_example_asks_for_it(self):
        names = [row.name for row in documented()]
        self.assertEqual(sorted(set(names)), sorted(names))
        for row in documented():
            with self.subTest(row.name):
                self.assertIn(row.kind, ("counter", "gauge", "histogram"))
                self.assertTrue(row.meaning)
                self.assert_known(row.example, row.name)
                self.assertIn(row.name, {metric for metric, _ in
                                         dashboards.selectors(row.example)})

    def test_its_names_are_those_of_the_sources(self):
        """Also of what is counted too rarely to be seen in a test's farm."""
        for part, folder in (("coordinator", "coordinator"), ("worker", "worker"),
                             ("agent", "client")):
            with self.subTest(part):
                made = set()
                for folder in (ROOT / folder, ROOT / "common" / "metrics"):
                    for path in folder.rglob("*.cc"):
                        text = path.read_text(encoding="utf-8")
                        made |= set(re.findall(r'"((?:kiln|process)_[a-z_]+)"', text))
                self.assertEqual(made, {row.name for row in documented() if part in row.by})

    def test_links_of_the_documents_lead_somewhere(self):
        for name in ("metrics.md", "operations.md"):
            text = (OPERATIONS.parent / name).read_text(encoding="utf-8")
            for path, anchor in re.findall(r"\]\(([\w.]*\.md)?#([\w-]+)\)", text):
                with self.subTest(page=name, link=f"{path}#{anchor}"):
                    self.assertIn(anchor, sections(OPERATIONS.parent / (path or name)))


if __name__ == "__main__":
    unittest.main()
