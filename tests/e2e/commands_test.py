"""What people type: every listing as text and as JSON."""

import json
import os
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

    def test_run_with_something_in_its_standard_input_is_here(self):
        (self.folder / "words").write_text("b\na\n")
        before = sum(self.farm.completed())
        for words in ("kiln run -- sort <words", "cat words | kiln run -- sort"):
            done = self.farm.client(["sh", "-c", words], cwd=self.folder,
                                    env={"KILN_FALLBACK": "1"})
            self.assertEqual((0, b"a\nb\n", b""), (done.returncode, done.stdout, done.stderr))
        self.assertEqual(before, sum(self.farm.completed()))
        refused = self.farm.client(["sh", "-c", "kiln run -- sort <words"], cwd=self.folder)
        self.assertEqual((1, b""), (refused.returncode, refused.stdout))
        self.assertIn("sends no standard input", refused.stderr.decode())
        self.farm.kiln("run", "--", "true")
        self.assertEqual(before + 1, sum(self.farm.completed()))

    def test_run_names_the_input_that_is_missing(self):
        done = self.farm.kiln("run", "--input", "no-such-file", "--", "true",
                              env={"KILN_FALLBACK": "0"})
        self.assertEqual(1, done.returncode)
        self.assertIn("no-such-file does not exist", done.stderr.decode())

    def test_why_a_call_failed(self):
        (self.folder / "failed.c").write_text("int a;\n")
        done = self.farm.kiln("gcc", "-c", "failed.c", cwd=self.folder,
                              env={"KILN_FALLBACK": "0", "KILN_POOL": "no pool"})
        self.assertEqual(1, done.returncode)
        why = self.farm.kiln("why", "failed.c", "--json", cwd=self.folder)
        self.assertEqual(("nowhere", "bad_setting"), (why["ran"], why["reason"]))
        self.assertIn("KILN_POOL", why["detail"])
        self.assertIn("KILN_POOL", self.farm.kiln("why", "failed.c", cwd=self.folder)
                      .stdout.decode())

    def test_names_that_are_no_utf8(self):
        name = os.fsencode(self.folder) + b"/caf\xe9.c"
        with open(name, "w", encoding="utf-8") as stream:
            stream.write("int cafe;\n")
        self.farm.client(["kiln", "gcc", "-c", os.fsdecode(name)], check=True)
        pid = self.farm.agent_pid()
        why = self.farm.kiln("why", os.fsdecode(name), "--json")
        self.assertEqual((True, "remote"), (why["found"], why["ran"]))
        self.farm.kiln("gcc", "-c", "no.c", env={"KILN_POOL": os.fsdecode(b"\xff")})
        self.assertEqual("nowhere", self.farm.kiln("why", "no.c", "--json")["ran"])
        self.assertEqual(pid, self.farm.agent_pid(), "it ended of it")

    def test_status_says_when_settings_keep_calls_here(self):
        for name, value in (("KILN_MODE", "local"), ("KILN_DISABLE", "1"), ("KILN_POOL", "no pool"),
                            ("KILN_FALLBACK", "perhaps")):
            with self.subTest(name):
                status = self.farm.kiln("status", "--json", env={name: value})
                self.assertFalse(status["remote_possible"])
                self.assertTrue(status["reason"])

    def test_a_coordinator_that_was_changed_after_the_agents_start(self):
        env = {"KILN_COORDINATOR": "10.1.1.1"}
        (changed,) = [setting for setting in self.farm.kiln("config", "--json", env=env)["settings"]
                      if setting.get("pending")]
        self.assertEqual(("coordinator", "10.1.1.1"), (changed["name"], changed["pending"]))
        self.assertIn("to use 10.1.1.1: kiln agent stop",
                      self.farm.kiln("config", env=env).stdout.decode())
        doctor = self.farm.client(["kiln", "doctor", "--json"], env=env)
        (wrong,) = [check for check in json.loads(doctor.stdout)["checks"] if not check["ok"]]
        self.assertIn("another KILN_COORDINATOR", wrong["detail"])

    def test_a_link_whose_name_is_no_compilers(self):
        (self.folder / "tcc").symlink_to(self.farm.bin / "kiln")
        done = self.farm.client([self.folder / "tcc", "-c", "a.c"])
        self.assertEqual(127, done.returncode)
        self.assertIn("tcc', which is no compiler's name", done.stderr.decode())

    def test_a_file_in_the_sockets_place_stays(self):
        (self.folder / "mine").write_text("words\n")
        done = self.farm.kiln("status", env={"KILN_SOCKET": self.folder / "mine"})
        self.assertEqual(1, done.returncode)
        self.assertIn("is no socket; set KILN_SOCKET", " ".join(done.stderr.decode().split()))
        self.assertEqual("words\n", (self.folder / "mine").read_text())

    def test_unknown_commands_and_flags(self):
        for words, says in (
                (("status", "--no-such-flag"), "unknown option '--no-such-flag'"),
                (("--jsno",), "did you mean '--json'?"),
                (("--json", "nodes"), "--json goes after the command"),
                (("status", "--jsno"), "did you mean '--json'?"),
                (("status", "more"), "unexpected argument 'more'"),
                (("why",), "kiln why: name one file"),
                (("run", "--input"), "--input needs a path"),
                (("run",), "no command; write it after --"),
                (("--no-such-flag",), "unknown option '--no-such-flag'"),
                (("agent", "restart"), "kiln agent stop")):
            with self.subTest(words):
                done = self.farm.client(["kiln", *words])
                self.assertEqual((2, b""), (done.returncode, done.stdout))
                self.assertIn(says, " ".join(done.stderr.decode().split()))
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
