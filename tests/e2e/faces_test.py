"""What programs and operators look at: metrics, readiness, flags; and that the documents list
exactly those."""

import json
import os
import pathlib
import re
import subprocess
import unittest

import kilntest
from kilntest import exposition

ROOT = pathlib.Path(__file__).resolve().parents[2]
OPERATIONS = ROOT / "docs" / "operations.md"
OF_EVERY_PROGRAM = {"--help", "--version", "--config"}


def section(heading):
    """The text under a heading of docs/operations.md, up to the next one."""
    text = OPERATIONS.read_text(encoding="utf-8")
    return re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text,
                     re.MULTILINE | re.DOTALL)[1]


class MetricsTest(kilntest.FarmCase):
    @classmethod
    def setUpClass(cls):
        cls.start_class_farm(workers=1, isolated=False)
        (cls.farm.directory / "projects" / "a.c").write_text("int a;\n")
        cls.farm.client(["kiln", "gcc", "-c", "a.c"], check=True)

    # metrics_test has a farm that does all that it can, but not as an ordinary user.
    def test_a_farm_that_has_done_little_exports_what_is_listed(self):
        rows, farm = exposition.documented(), self.farm
        for by, daemon in (("coordinator", farm.coordinator), ("worker", farm.workers[0])):
            status, text = daemon.get("/metrics")
            self.assertEqual(200, status)
            self.assertEqual([], exposition.differences(rows, exposition.exported(text), by))

    def test_they_count_what_happened(self):
        coordinator, worker = self.farm.coordinator, self.farm.workers[0]
        self.assertGreaterEqual(worker.metric("kiln_worker_tasks_accepted_total"), 1)
        self.assertEqual(worker.metric("kiln_worker_tasks_accepted_total"),
                         worker.metric("kiln_worker_tasks_completed_total"))
        self.assertGreaterEqual(coordinator.metric("kiln_leases_granted_total"), 1)
        self.assertEqual(1, coordinator.metric("kiln_nodes", state="ready"))
        self.assertEqual(self.farm.slots, coordinator.metric("kiln_slots"))
        kilntest.wait_until(lambda: worker.metric("kiln_worker_slots") == self.farm.slots,
                            "the worker to publish its slots")


class ReadinessTest(kilntest.FarmCase):
    def test_follows_the_coordinator(self):
        farm = self.start_farm(workers=1, isolated=False)
        worker = farm.workers[0]
        kilntest.wait_until(lambda: worker.get("/readyz")[0] == 200, "the worker to be ready")
        self.assertEqual(200, farm.coordinator.get("/readyz")[0])
        farm.stop_coordinator()
        kilntest.wait_until(lambda: worker.get("/readyz")[0] == 503, "the worker not to be ready")
        self.assertIn("coordinator", worker.get("/readyz")[1])
        self.assertEqual(200, worker.get("/healthz")[0])
        farm.restart_coordinator()
        farm.wait_nodes(1)
        kilntest.wait_until(lambda: worker.get("/readyz")[0] == 200, "the worker to be ready again")
        self.assertEqual(404, worker.get("/no-such-page")[0])
        nodes = json.loads(farm.coordinator.get("/api/v1/nodes")[1])["nodes"]
        self.assertEqual(["w0"], [node["name"] for node in nodes])


class FlagsTest(unittest.TestCase):
    def test_every_flag_and_variable_of_the_daemons_is_listed(self):
        for program in ("kiln-coordinator", "kiln-worker"):
            with self.subTest(program):
                text = help_of(program)
                listed = section(program)
                flags = set(re.findall(r"^ +(?:-h,)?(--[\w-]+)", text, re.MULTILINE))
                self.assertEqual(flags - OF_EVERY_PROGRAM, flags_of_table(listed))
                prefix = program.upper().replace("-", "_") + "_"
                others = {name for name in re.findall(r"\[(KILN_\w+)\]", text)
                          if not name.startswith(prefix)}
                self.assertIn(f"`{prefix}`", listed)
                for name in others:
                    self.assertIn(f"`{name}`", listed)


def help_of(program):
    command = [pathlib.Path(os.environ["KILN_BIN_DIR"]) / program, "--help"]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=20).stdout.decode()


def flags_of_table(text):
    rows = re.findall(r"^\|([^|]*)\|", text, re.MULTILINE)
    return {flag for row in rows for flag in re.findall(r"`(--[\w-]+)", row)}


if __name__ == "__main__":
    unittest.main()
