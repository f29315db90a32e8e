"""What dashboards, alert rules and the document's examples ask, in a real Prometheus that scrapes
a farm under load: nothing is an error, and nothing is without an answer."""

import time
import unittest

from busy_farm import BusyFarm
from kilntest import dashboards, wait_until
from kilntest.prometheus import RULES, Prometheus, promtool
from kilntest.questions import Questions

# Grafana's, where a scrape each second gives enough samples.
RATES = "15s"
HISTORY_SECONDS = 15  # of scrapes under load, so that most rates have what they need


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
        cls.questions = Questions(cls.prometheus, RATES, "cc")
        cls.prometheus.wait_scrapes()
        scraped = time.monotonic()
        while time.monotonic() < scraped + HISTORY_SECONDS:
            cls.busy.wait_work()

    def test_every_panel_has_an_answer_to_each_of_its_queries(self):
        self.questions.assert_panels()

    def test_variables_offer_what_there_is(self):
        offered = {}
        for dashboard in dashboards.load().values():
            for name, (expression, label) in dashboards.variables(dashboard).items():
                found = self.prometheus.query(f"group by ({label}) ({expression})")
                offered[name] = {labels[label] for labels, _ in found}
        workers = {self.prometheus.instance(worker) for worker in self.busy.farm.workers}
        self.assertEqual({"instance": workers,
                          "pool": {"default", "cc", "quiet", "sick"}}, offered)

    def test_every_example_of_the_document_has_an_answer(self):
        self.questions.assert_examples()

    def test_what_alerts_look_at_is_there(self):
        self.questions.assert_alerts()

    def test_a_broken_pool_is_noticed_and_what_is_well_is_not(self):
        def noticed():
            rules = self.questions.rules()
            return {(name, alert["labels"].get("pool")) for name, rule in rules.items()
                    for alert in rule["alerts"]}

        expected = {("KilnPoolBroken", "sick"), ("KilnPoolWithoutExecutors", "sick")}
        wait_until(lambda: expected <= noticed(), "both alerts of the pool to be pending")
        self.assertEqual(set(), {name for name, _ in noticed()} & {
            "KilnCoordinatorDown", "KilnWorkerDown", "KilnNodeLost", "KilnNoWorkers",
            "KilnWorkersLostOften", "KilnNodeFlaps", "KilnClientFallsBack", "KilnExecutorsBroken",
            "KilnTasksNotRun", "KilnStoreTooSmall", "KilnStorePinned", "KilnPoolsNotStored",
            "KilnMixedVersions"})
        self.assertEqual({"sick"}, {pool for _, pool in noticed() if pool})

    def test_a_stranger_who_knocks_each_second_is_noticed(self):
        wait_until(lambda: self.questions.rules()["KilnConnectionsRefused"]["state"] == "firing",
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
