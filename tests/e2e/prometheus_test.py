"""What dashboards, alert rules and the document's examples ask, in a real Prometheus that scrapes
a farm under load: nothing is an error, and nothing is without an answer."""

import itertools
import time
import unittest

from busy_farm import BusyFarm
from kilntest import dashboards, exposition, wait_until
from kilntest.prometheus import RULES, Prometheus, promtool

# Grafana's, where a scrape each second gives enough samples.
RATES = "15s"
HISTORY_SECONDS = 15  # of scrapes under load, so that most rates have what they need
ANSWER_SECONDS = 60


class PrometheusTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.busy = cls.enterClassContext(BusyFarm())
        farm = cls.busy.farm
        cls.prometheus = cls.enterClassContext(Prometheus(
            farm.network, farm.directory / "prometheus",
            {"kiln-coordinator": [farm.coordinator], "kiln-worker": farm.workers,
             "kiln-agent": [cls.busy.agent]}))
        cls.prometheus.wait_scrapes()
        scraped = time.monotonic()
        while time.monotonic() < scraped + HISTORY_SECONDS:
            cls.busy.wait_work()

    def instances(self):
        return [self.prometheus.instance(worker) for worker in self.busy.farm.workers]

    def answer(self, expression):
        """Why it is none, or nothing; and the answer."""
        try:
            found = self.prometheus.query(expression)
        except ValueError as error:
            return str(error), []
        missing = [selector for _, selector in dashboards.selectors(expression)
                   if not self.prometheus.query(selector)]
        if missing:
            return f"nothing has {missing}", found
        return (None if found else "no answer"), found

    def wait_all(self, wrong_of, questions):
        """Until nothing is wrong with any of the questions, each of which is right once: on a busy
        machine a rate may have too few tasks for a moment."""
        left = list(questions)

        def ask():
            left[:] = [question for question in left if wrong_of(question)]
            return not left

        try:
            wait_until(ask, "every question to have its answer", ANSWER_SECONDS)
        except AssertionError:
            self.assertEqual([], [(question, wrong_of(question)) for question in left])

    def settings(self, dashboard):
        """Ways to fill in a dashboard's variables, each of which must have answers."""
        built_in = {name: RATES for name in dashboards.BUILT_IN}
        chosen = {"instance": self.instances(), "pool": [".+", "cc"]}
        variables = dashboards.variables(dashboard)
        return [{**built_in, **dict(zip(variables, values))}
                for values in itertools.product(*(chosen[name] for name in variables))]

    def test_every_panel_has_an_answer_to_each_of_its_queries(self):
        def wrong_of(question):
            _, expression, legend = question
            why, found = self.answer(expression)
            # What a legend names must be a label, or the legend is blank.
            if found and not all(legend <= set(labels) for labels, _ in found):
                why = "a series lacks a label of its legend"
            return why

        self.wait_all(wrong_of, [
            (query.where, dashboards.filled(query.text, values), query.legend_labels)
            for name, dashboard in dashboards.load().items()
            for query in dashboards.queries(name, dashboard)
            for values in self.settings(dashboard)])

    def test_variables_offer_what_there_is(self):
        offered = {}
        for dashboard in dashboards.load().values():
            for name, (expression, label) in dashboards.variables(dashboard).items():
                found = self.prometheus.query(f"group by ({label}) ({expression})")
                offered[name] = {labels[label] for labels, _ in found}
        self.assertEqual({"instance": set(self.instances()),
                          "pool": {"default", "cc", "quiet", "sick"}}, offered)

    def test_every_example_of_the_document_has_an_answer(self):
        self.wait_all(lambda example: self.answer(example)[0],
                      [row.example for row in exposition.documented()])

    def rules(self):
        """Alert rules by name, each after an evaluation."""
        def look():
            groups = self.prometheus.ask("rules")["groups"]
            found = {rule["name"]: rule for group in groups for rule in group["rules"]}
            return found if all(rule["health"] != "unknown" for rule in found.values()) else None

        return wait_until(look, "every rule to be evaluated")

    def test_what_alerts_look_at_is_there(self):
        for name, rule in self.rules().items():
            with self.subTest(name):
                self.assertEqual(("ok", ""), (rule["health"], rule.get("lastError", "")))
                self.prometheus.query(rule["query"])
                self.assertTrue(dashboards.selectors(rule["query"]))
                for _, selector in dashboards.selectors(rule["query"]):
                    self.assertTrue(self.prometheus.query(selector), selector)

    def test_a_broken_pool_is_noticed_and_what_is_well_is_not(self):
        def noticed():
            return {(name, alert["labels"].get("pool")) for name, rule in self.rules().items()
                    for alert in rule["alerts"]}

        expected = {("KilnPoolBroken", "sick"), ("KilnPoolWithoutExecutors", "sick")}
        wait_until(lambda: expected <= noticed(), "both alerts of the pool to be pending")
        self.assertEqual(set(), {name for name, _ in noticed()} & {
            "KilnCoordinatorDown", "KilnWorkerDown", "KilnNoWorkers", "KilnWorkersLostOften",
            "KilnExecutorsBroken", "KilnTasksNotRun", "KilnStoreTooSmall", "KilnPoolsNotStored",
            "KilnMixedVersions"})
        self.assertEqual({"sick"}, {pool for _, pool in noticed() if pool})

    def test_a_stranger_who_knocks_each_second_is_noticed(self):
        wait_until(lambda: self.rules()["KilnConnectionsRefused"]["state"] == "firing",
                   "the alert to fire", 60)


class FilesTest(unittest.TestCase):
    def test_promtool_accepts_configuration_rules_and_their_tests(self):
        for words in (["check", "config", RULES.with_name("prometheus.yml")],
                      ["check", "rules", RULES], ["test", "rules",
                                                  RULES.with_name("alerts_test.yml")]):
            done = promtool(*words)
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
