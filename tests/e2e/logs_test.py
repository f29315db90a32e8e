"""Logs: one event a line, levels that change at run time, ids by which a task is followed through
all processes, and nothing secret."""

import base64
import json
import os
import pathlib
import re
import signal
import tempfile
import tomllib
import unittest

import kilntest

DEBUG = ["--log-level", "debug", "--log-format", "json"]
EVERYTHING = {"coordinator_flags": DEBUG, "worker_flags": lambda number: DEBUG,
              "environment": {"KILN_LOG_LEVEL": "debug", "KILN_LOG_FORMAT": "json"}}
OF_AN_ATTEMPT = ["attempt_begun", "attempt_sent", "attempt_accepted", "result_received",
                 "attempt_done"]
OF_A_TASK = ["task_accepted", "task_staged", "task_started", "task_ended", "result_sent",
             "result_acked"]
# Longer than anything but a key, a token or a digest in full.
RANDOM = re.compile(r"[0-9a-f]{40,}|[A-Za-z0-9+=]{40,}")


def log_of(farm, process):
    return farm.directory / "logs" / f"{process}.log"


def lines_of(farm, process):
    """The lines of a process' log, which must each be JSON."""
    text = log_of(farm, process).read_bytes()
    # Whatever the reader takes for the end of a line.
    return [json.loads(line) for line in text.decode().splitlines()]


def with_field(lines, **wanted):
    return [line for line in lines
            if all(line.get(name) == value for name, value in wanted.items())]


def events(lines, wanted):
    """Those of the wanted events that are there, each once, in the order of the log."""
    return list(dict.fromkeys(line["event"] for line in lines if line["event"] in wanted))


class FollowedTest(kilntest.FarmCase):
    def setUp(self):
        self.farm = self.start_farm(workers=2, slots=1, **EVERYTHING)
        self.farm.prime("gcc")

    def log(self, process):
        return lines_of(self.farm, process)

    def compile(self, name, **options):
        folder = self.farm.directory / "projects"
        (folder / name).write_text("int a;\n")
        self.farm.client(["kiln", "gcc", "-c", name], check=True, **options)

    def one(self, lines, **wanted):
        found = with_field(lines, **wanted)
        self.assertEqual(1, len(found), (wanted, found))
        return found[0]

    def follow(self, begun):
        """One attempt, from the line with which it begins in the agent's log to its result's end
        in the worker's; gives the lines of all processes."""
        attempt, lease = begun["attempt"], begun["lease"]
        agent, coordinator = self.log("agent"), self.log("coordinator")
        granted = self.one(agent, event="lease_granted", lease=lease)
        asked = self.one(agent, event="leases_asked", request=granted["request"])
        client = attempt.partition("-")[0]
        wanted = self.one(coordinator, event="leases_wanted", client=client,
                          request=granted["request"])
        self.assertEqual(asked["build"], wanted["build"])
        given = self.one(coordinator, event="lease_granted", lease=lease)
        self.assertEqual((client, begun["node"]), (given["client"], given["node"]))
        return with_field(agent, attempt=attempt), with_field(self.worker_log(begun["node"]),
                                                              attempt=attempt)

    def worker_log(self, node):
        return self.log(node.replace("w", "worker"))

    def acked(self, attempt, node):
        kilntest.wait_until(lambda: with_field(self.worker_log(node), event="result_acked",
                                               attempt=attempt), "the result to be acknowledged")

    def test_one_attempt_is_followed_through_all_processes(self):
        self.compile("followed.c")
        agent = self.log("agent")
        call = next(line for line in with_field(agent, event="call_begun")
                    if line["source"].endswith("/followed.c"))
        begun = self.one(agent, event="attempt_begun", call=call["call"])
        self.acked(begun["attempt"], begun["node"])
        at_agent, at_worker = self.follow(begun)
        self.assertEqual(OF_AN_ATTEMPT, events(at_agent, OF_AN_ATTEMPT))
        self.assertEqual(OF_A_TASK, events(at_worker, OF_A_TASK))
        accepted = with_field(at_worker, event="task_accepted")[0]
        self.assertEqual(begun["lease"], accepted["lease"])
        moments = {line["event"]: line["time"] for line in at_agent + at_worker}
        in_order = ["attempt_begun", "task_accepted", "task_started", "task_ended",
                    "result_received", "attempt_done"]
        self.assertEqual(sorted(moments[event] for event in in_order),
                         [moments[event] for event in in_order])
        ended = self.one(agent, event="call_ended", call=call["call"])
        self.assertEqual(("remote", 0), (ended["ran"], ended["exit_code"]))

    def test_a_retry_is_followed_to_its_other_node(self):
        call = self.farm.start_client(["kiln", "run", "--", "sleep", "6"])

        def started():
            begun = with_field(self.log("agent"), event="attempt_begun", task="sleep")
            return begun and with_field(self.worker_log(begun[0]["node"]), event="task_started",
                                        attempt=begun[0]["attempt"]) and begun[0]

        first = kilntest.wait_until(started, "the task to run", 60)
        self.farm.kill_worker(int(first["node"][1:]))
        self.assertEqual(0, call.wait(timeout=120))
        agent = self.log("agent")
        failed = self.one(agent, event="attempt_failed", attempt=first["attempt"])
        self.assertEqual(("warning", "another node"), (failed["level"], failed["next"]))
        self.one(self.log("coordinator"), event="worker_lost", node=first["node"])
        second = [line for line in with_field(agent, event="attempt_begun", call=first["call"])
                  if line["attempt"] != first["attempt"]][-1]
        self.assertNotEqual(first["node"], second["node"])
        self.acked(second["attempt"], second["node"])
        _, at_worker = self.follow(second)
        self.assertEqual(OF_A_TASK, events(at_worker, OF_A_TASK))

    def test_hostile_names_stay_in_their_line(self):
        name = os.fsdecode(b"a\n{\"event\":\"forged\"}\x1b[31m\xff \xe2\x80\xa8 \xc2\x9b2J.c")
        self.compile(name)
        agent = self.log("agent")
        self.assertEqual([], with_field(agent, event="forged"))
        self.assertTrue([line for line in with_field(agent, event="call_begun")
                         if "forged" in line["source"]])
        for process in ("agent", "coordinator", "worker0", "worker1"):
            for line in self.log(process):
                self.assertLessEqual({"time", "level", "part", "event"}, set(line))
                self.assertRegex(line["event"], r"^[a-z]+(_[a-z]+)*$")
            for byte in log_of(self.farm, process).read_bytes().replace(b"\n", b""):
                self.assertFalse(byte < 32 or byte == 127, byte)

    def keys(self):
        """The private keys of the farm's key files and their public ones, as files and as
        addresses spell them."""
        private, public = [], []
        for path in self.farm.keys.glob("*.key"):
            file = tomllib.loads(path.read_text())
            private.append(file["secret"])
            public += [file["public"], *file.get("coordinator", [])]
        for kind in (private, public):
            kind += [base64.b64decode(key).hex() for key in kind]
        return private, public

    def test_nothing_secret_is_written(self):
        folder = self.farm.directory / "projects"
        (folder / "content.h").write_text("#define MARK \"contentofafile\"\n")
        (folder / "b.c").write_text("#include \"content.h\"\nchar b[] = MARK;\n#error mended\n")
        token = {"SECRET_TOKEN": "abcdefvalueofacall"}
        self.assertEqual(1, self.farm.client(["kiln", "gcc", "-c", "b.c"], env=token).returncode)
        (folder / "b.c").write_text("#include \"content.h\"\nchar b[] = MARK;\n")
        self.farm.client(["kiln", "gcc", "-c", "b.c"], env=token, check=True)
        self.farm.client(["kiln", "run", "--", "sh", "-c", "echo $SECRET_TOKEN"], env=token,
                         check=True)
        private, public = self.keys()
        for process in ("agent", "coordinator", "worker0", "worker1"):
            text = log_of(self.farm, process).read_text()
            self.assertIn('"level":"debug"', text, process)
            for secret in ("abcdefvalueofacall", "SECRET_TOKEN", "contentofafile", *private):
                self.assertNotIn(secret, text, process)
            for line in lines_of(self.farm, process):
                self.assertEqual(set(), {"token", "secret", "environment", "argv"} & set(line))
                for name, value in line.items():
                    for key in public:
                        value = str(value).replace(key, "")
                    if name != "toolchain":
                        self.assertNotRegex(str(value), RANDOM, (process, line))


class LevelsTest(kilntest.FarmCase):
    @classmethod
    def setUpClass(cls):
        cls.start_class_farm(workers=1, isolated=False, environment={"KILN_LOG_FORMAT": "json"},
                             worker_flags=lambda number: ["--log-format", "json"])
        cls.farm.prime("gcc")

    def compile(self):
        (self.farm.directory / "projects" / "a.c").write_text("int a;\n")
        self.farm.client(["kiln", "gcc", "-c", "a.c"], check=True)

    def levels(self, target, *words):
        (log,) = self.farm.kiln("log", target, *words, "--json")["logs"]
        self.assertEqual(target, log["target"])
        return {part["part"]: part["level"] for part in log["parts"]}

    def wrong(self, *words):
        done = self.farm.client(["kiln", "log", *words])
        self.assertEqual(1, done.returncode)
        return " ".join(done.stderr.decode().split())

    def test_a_nodes_level_is_changed_while_it_runs(self):
        self.compile()
        self.assertEqual([], with_field(lines_of(self.farm, "worker0"), event="task_accepted"))
        levels = self.levels("w0", "warning", "tasks=debug")
        self.assertEqual(("debug", "warning"), (levels["tasks"], levels["staging"]))
        self.compile()
        worker = lines_of(self.farm, "worker0")
        self.assertTrue(with_field(worker, event="task_accepted"))
        self.assertEqual([], with_field(worker, event="task_staged"))
        self.assertEqual({"info"}, set(self.levels("w0", "info").values()))
        self.assertRegex(self.farm.kiln("log", "w0").stdout.decode(), r"w0 +tasks +info\n")

    def test_it_comes_back_by_itself(self):
        self.assertEqual("debug", self.levels("w0", "pools=debug", "--for", "1s")["pools"])
        kilntest.wait_until(lambda: self.levels("w0")["pools"] == "info", "the level to come back")

    def test_agent_and_coordinator(self):
        self.assertEqual("debug", self.levels("agent", "calls=debug")["calls"])
        self.compile()
        self.assertTrue(with_field(lines_of(self.farm, "agent"), event="call_ended"))
        self.assertEqual("debug", self.levels("coordinator", "scheduling=debug")["scheduling"])
        self.compile()
        kilntest.wait_until(lambda: "log_levels_changed" in self.farm.coordinator.tail(),
                            "the change to be written down")
        both = self.farm.kiln("log", "--json")["logs"]
        self.assertEqual(["agent", "coordinator"], [log["target"] for log in both])

    def test_what_is_wrong_is_named(self):
        self.assertIn('called "pool"; there are main', self.wrong("coordinator", "pool=debug"))
        self.assertIn('called "scheduling"', self.wrong("w0", "scheduling=debug"))
        self.assertIn('"loud"', self.wrong("agent", "loud"))
        self.assertIn('no node "w7" is connected', self.wrong("w7"))

    def test_variables_of_the_client_are_not_the_workers(self):
        for program in ("kiln-worker", "kiln-coordinator"):
            done = self.farm.client([program, "--log-level", "info,pool=debug"])
            self.assertEqual(2, done.returncode)
            self.assertIn('--log-level: no part of this log is called "pool"',
                          done.stderr.decode())
        done = self.farm.client(["kiln-worker"], env={"KILN_LOG_LEVEL": "loud",
                                                      "KILN_WORKER_LOG_LEVEL": "louder"})
        self.assertIn('KILN_WORKER_LOG_LEVEL: unknown log level "louder"', done.stderr.decode())


class HangUpTest(kilntest.FarmCase):
    def test_a_log_that_was_moved_away_is_begun_anew(self):
        holder = tempfile.TemporaryDirectory(prefix="kiln-logs-")
        self.addCleanup(holder.cleanup)
        folder = pathlib.Path(holder.name)

        def flags(name):
            return ["--log-file", folder / f"{name}.log"]

        farm = self.start_farm(workers=1, isolated=False, coordinator_flags=flags("coordinator"),
                               worker_flags=lambda number: flags("worker"))
        farm.prime("gcc")
        files = {folder / "coordinator.log": farm.coordinator.pid,
                 folder / "worker.log": farm.workers[0].pid,
                 log_of(farm, "agent"): farm.agent_pid()}
        for path, pid in files.items():
            path.rename(path.with_suffix(".1"))
            os.kill(pid, signal.SIGHUP)
            kilntest.wait_until(lambda path=path: path.exists() and
                                "main log_reopened" in path.read_text(), f"a new {path}")
        (farm.directory / "projects" / "a.c").write_text("int a;\n")
        farm.client(["kiln", "gcc", "-c", "a.c"], check=True)


if __name__ == "__main__":
    unittest.main()
