"""What people type: every listing as text and as JSON."""

import json
import unittest

import kilntest


class CommandsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.farm = kilntest.Farm(workers=2, isolated=False, slots=1)
        cls.farm.__enter__()
        cls.addClassCleanup(cls.farm.__exit__, None, None, None)
        cls.folder = cls.farm.directory / "projects"
        (cls.folder / "a.c").write_text("int a;\n")
        cls.farm.client(["kiln", "gcc", "-c", "a.c"], check=True)

    def test_status(self):
        status = self.farm.kiln("status", "--json")
        self.assertTrue(status["remote_possible"])
        self.assertEqual("connected", status["coordinators"][0]["state"])
        self.assertEqual((2, 2), (status["farm"]["nodes"], status["farm"]["slots"]))
        self.assertIn(self.farm.coordinator_endpoint, self.farm.kiln("status").stdout.decode())

    def test_nodes(self):
        nodes = self.farm.kiln("nodes", "--json")["nodes"]
        self.assertEqual(["w0", "w1"], sorted(node["name"] for node in nodes))
        self.assertEqual({"ready"}, {node["state"] for node in nodes})
        self.assertIn("w0", self.farm.kiln("nodes").stdout.decode())

    def test_tasks(self):
        kilntest.wait_until(lambda: self.farm.kiln("tasks", "--json")["tasks"] == [],
                            "the listing to be empty")

    def test_stats_and_why(self):
        self.assertGreaterEqual(self.farm.kiln("stats", "--json")["remote"]["total"], 1)
        why = self.farm.kiln("why", "a.c", "--json", cwd=self.folder)
        self.assertEqual(("remote", True), (why["ran"], why["found"]))
        self.assertIn(why["node"], ("w0", "w1"))
        never = self.farm.client(["kiln", "why", "never.c", "--json"])
        self.assertEqual((1, False), (never.returncode, json.loads(never.stdout)["found"]))

    def test_config_says_where_each_value_comes_from(self):
        settings = self.farm.kiln("config", "--json")["settings"]
        by_name = {setting["name"]: setting for setting in settings}
        coordinator = next(s for n, s in by_name.items() if "coordinator" in n.lower())
        self.assertIn(self.farm.coordinator_endpoint, json.dumps(coordinator["value"]))
        self.assertIn("KILN_COORDINATOR", coordinator["source"])

    def test_doctor_finds_everything_well(self):
        checks = self.farm.kiln("doctor", "--json")["checks"]
        self.assertEqual([], [check for check in checks if not check["ok"]])

    def test_jobs_and_version(self):
        self.assertRegex(self.farm.kiln("-j").stdout.decode(), r"^[1-9][0-9]*\n$")
        self.assertRegex(self.farm.kiln("--version").stdout.decode(), r"\d+\.\d+\.\d+")

    def test_run_takes_inputs_and_brings_outputs(self):
        # Nothing but the program and its inputs is there: a shell, and what it does by itself.
        (self.folder / "in.txt").write_text("some words\n")
        done = self.farm.kiln("run", "--input", "in.txt", "--output", "out.txt", "--", "sh", "-c",
                              "read a b <in.txt; echo $b $a >out.txt; echo said; exit 3",
                              cwd=self.folder)
        self.assertEqual((3, b"said\n"), (done.returncode, done.stdout))
        self.assertEqual("words some\n", (self.folder / "out.txt").read_text())

    def test_unknown_commands_and_flags(self):
        for words in (("status", "--no-such-flag"), ("no-such-command-at-all",)):
            self.assertNotEqual(0, self.farm.kiln(*words).returncode)


class AgentTest(unittest.TestCase):
    def test_the_agent_stops_when_told_and_starts_again_when_needed(self):
        with kilntest.Farm(workers=1, isolated=False) as farm:
            first = farm.kiln("status", "--json")["agent"]["pid"]
            self.assertEqual(0, farm.kiln("agent", "stop").returncode)
            second = farm.kiln("status", "--json")["agent"]["pid"]
            self.assertNotEqual(first, second)


if __name__ == "__main__":
    unittest.main()
