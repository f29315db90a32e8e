"""What people type: every listing as text and as JSON."""

import json
import unittest

import kilntest
from kilntest.slow import SLOW_CALL, SLOW_CC


class CommandsTest(kilntest.FarmCase):
    @classmethod
    def setUpClass(cls):
        cls.start_class_farm(workers=2, isolated=False, slots=1)
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
        (self.folder / "slow.cc").write_text(SLOW_CC)
        call = self.farm.start_client(SLOW_CALL)

        def running():
            tasks = self.farm.kiln("tasks", "--json")["tasks"]
            return [task for task in tasks if task["phase"] == "running"]

        (task,) = kilntest.wait_until(running, "the task to be listed as running", 60)
        self.assertIn(task["node"], ("w0", "w1"))
        self.assertIn("slow", task["label"])
        text = self.farm.kiln("tasks").stdout.decode()
        for word in (task["node"], task["label"], "running"):
            self.assertIn(word, text)
        call.terminate()
        call.wait(timeout=10)
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

    def test_doctor_really_compiles_and_takes_a_compiler(self):
        self.farm.kiln("doctor", "gcc", "--json")
        before = sum(self.farm.completed())
        checks = {check["name"]: check for check in
                  self.farm.kiln("doctor", "gcc", "--json")["checks"]}
        self.assertGreater(sum(self.farm.completed()), before)
        for name in ("versions", "namespaces", "node with room", "probe compile"):
            self.assertTrue(checks[name]["ok"], checks[name])

    def test_jobs_and_version(self):
        self.assertRegex(self.farm.kiln("-j").stdout.decode(), r"^[1-9][0-9]*\n$")
        version = self.farm.kiln("--version", "--json")["version"]
        self.assertRegex(version, r"^\d+\.\d+\.\d+")
        self.assertEqual(f"kiln {version}\n", self.farm.kiln("--version").stdout.decode())

    def test_run_takes_inputs_and_brings_outputs(self):
        # Nothing but the program and its inputs is there: a shell, and what it does by itself.
        (self.folder / "in.txt").write_text("some words\n")
        done = self.farm.kiln("run", "--input", "in.txt", "--output", "out.txt", "--", "sh", "-c",
                              "read a b <in.txt; echo $b $a >out.txt; echo said; exit 3",
                              cwd=self.folder)
        self.assertEqual((3, b"said\n"), (done.returncode, done.stdout))
        self.assertEqual("words some\n", (self.folder / "out.txt").read_text())

    def test_unknown_commands_and_flags(self):
        for words, says in (
                (("status", "--no-such-flag"), "unknown option '--no-such-flag'"),
                (("status", "--jsno"), "did you mean '--json'?"),
                (("status", "more"), "unexpected argument 'more'"),
                (("why",), "kiln why: name one file"),
                (("run", "--input"), "--input needs a path"),
                (("run",), "no command; write it after --"),
                (("--no-such-flag",), "unknown option '--no-such-flag'"),
                (("agent", "restart"), "kiln agent stop")):
            with self.subTest(words):
                done = self.farm.kiln(*words)
                self.assertEqual((2, b""), (done.returncode, done.stdout))
                self.assertIn(says, done.stderr.decode())
        # What is no command of Kiln's is a command to run, and here there is none.
        done = self.farm.kiln("no-such-command-at-all")
        self.assertEqual(127, done.returncode)
        self.assertIn("no-such-command-at-all", done.stderr.decode())

    def test_help_names_every_command(self):
        text = self.farm.kiln("help").stdout.decode()
        for word in ("status", "nodes", "tasks", "stats", "why", "run", "config", "doctor", "-j",
                     "agent stop", "--json", "--version", "KILN_COORDINATOR"):
            self.assertIn(word, text)
        for words in (("--help",), ("-h",), ("status", "--help")):
            self.assertEqual(text, self.farm.kiln(*words, check=True).stdout.decode())
        self.assertEqual([], [line for line in text.splitlines() if len(line) > 80])


class AgentTest(kilntest.FarmCase):
    def test_the_agent_stops_when_told_and_starts_again_when_needed(self):
        farm = self.start_farm(workers=1, isolated=False)
        first = farm.kiln("status", "--json")["agent"]["pid"]
        self.assertEqual(first, farm.agent_pid())
        self.assertEqual("the agent has stopped\n",
                         farm.kiln("agent", "stop", check=True).stdout.decode())
        self.assertIsNone(farm.agent_pid())
        self.assertEqual("no agent is running\n",
                         farm.kiln("agent", "stop", check=True).stdout.decode())
        self.assertNotEqual(first, farm.kiln("status", "--json")["agent"]["pid"])
        self.assertIsInstance(farm.kiln("agent", "stop", "--json"), dict)
        self.assertIsNone(farm.agent_pid())


if __name__ == "__main__":
    unittest.main()
