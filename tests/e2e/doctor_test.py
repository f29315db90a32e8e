"""`kiln doctor` finds each thing that can be wrong, and says how to mend it."""

import json
import subprocess
import unittest

import kilntest
from kilntest import bound_compiler
from kilntest.screen import Terminal
from kilntest.slow import ENDLESS_CC, SLOW_CALL


class DoctorCase(kilntest.FarmCase):
    def wrong(self, farm, *words, env=None, rendered=True):
        """The checks that failed, by name. Each says how to mend it, in the text as well."""
        done = farm.client(["kiln", "doctor", *words, "--json"], env=env, seconds=60)
        checks = json.loads(done.stdout)["checks"]
        failed = {check["name"]: check for check in checks if not check["ok"]}
        self.assertEqual(1 if failed else 0, done.returncode, checks)
        if rendered:
            text = farm.client(["kiln", "doctor", *words], env=env, seconds=60).stdout.decode()
            for check in failed.values():
                self.assertGreater(len(check["mend"]), 10, check)
                self.assertIn(_one_line(check["mend"]), _one_line(text))
        return failed


class SoundFarmTest(DoctorCase):
    @classmethod
    def setUpClass(cls):
        cls.start_class_farm(workers=1, isolated=False, slots=1, fallback=True)
        cls.folder = cls.farm.directory / "projects"
        cls.farm.prime("gcc")

    def test_nothing_is_wrong(self):
        self.assertEqual({}, self.wrong(self.farm))

    def test_a_terminal_is_told_what_goes_on_until_the_answer_is_there(self):
        terminal = Terminal()
        self.addCleanup(terminal.close)
        process = self.farm.start_client(["kiln", "doctor"], stdin=terminal.theirs,
                                         stdout=terminal.theirs, stderr=terminal.theirs)
        terminal.started()
        self.assertEqual(0, terminal.wait_end(process))
        going_on = "trying settings, coordinators, nodes and a compile"
        self.assertIn(going_on, terminal.read())
        self.assertNotIn(going_on, "".join(terminal.screen()[0]))

    def test_settings_that_keep_calls_here(self):
        for name, value, mend in (("KILN_DISABLE", "1", "unset KILN_DISABLE"),
                                  ("KILN_MODE", "local", "unset KILN_MODE"),
                                  ("KILN_PRIORITY", "high", "kiln --help"),
                                  ("KILN_POOL", "no pool", "kiln --help")):
            with self.subTest(name):
                failed = self.wrong(self.farm, env={name: value}, rendered=name != "KILN_DISABLE")
                self.assertEqual(["settings"], list(failed))
                self.assertIn(name if name != "KILN_MODE" else "local",
                              failed["settings"]["detail"])
                self.assertIn(mend, failed["settings"]["mend"])

    def test_no_such_compiler(self):
        failed = self.wrong(self.farm, "no-such-gcc")
        self.assertEqual(["toolchain"], list(failed))
        self.assertIn("no-such-gcc", failed["toolchain"]["detail"])

    def test_a_compiler_that_is_another_one_there(self):
        failed = self.wrong(self.farm, bound_compiler.build(self.farm))
        self.assertEqual(["probe compile"], list(failed))

    def test_no_room(self):
        (self.folder / "slow.cc").write_text(ENDLESS_CC)
        self.farm.prime("g++")
        call = self.farm.start_client(SLOW_CALL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.end, call)
        kilntest.wait_until(lambda: any(task["phase"] == "running" for task in self.tasks()),
                            "the slot to be taken", 60)
        failed = self.wrong(self.farm, rendered=False)
        self.assertIn("0 of 1 slots", failed["node with room"]["detail"])
        self.assertIn("kiln tasks", failed["node with room"]["mend"])
        self.assertIn("a slot did not come free", failed["probe compile"]["detail"])

    def tasks(self):
        return self.farm.kiln("tasks", "--json")["tasks"]

    def end(self, call):
        call.terminate()
        call.wait(timeout=20)
        kilntest.wait_until(lambda: not self.tasks(), "the slot to be free", 20)


class BrokenFarmTest(DoctorCase):
    def test_no_coordinator(self):
        farm = self.start_farm(workers=0, isolated=False, coordinator=False, fallback=True)
        failed = self.wrong(farm)
        check = failed[f"coordinator tcp://{farm.coordinator_endpoint}"]
        self.assertIn("kiln-coordinator", check["mend"])
        self.assertIn("the coordinator first", failed["nodes"]["mend"])

    def test_no_worker(self):
        farm = self.start_farm(workers=0, isolated=False, fallback=True)
        failed = self.wrong(farm)
        self.assertEqual(["nodes"], list(failed))
        self.assertIn("kiln-worker", failed["nodes"]["mend"])
        self.assertIn("its log", failed["nodes"]["mend"])

    def test_a_worker_that_may_make_no_more_namespaces(self):
        farm = self.start_farm(workers=1, isolated=False, fallback=True)
        worker = farm.workers[0]
        worker.end()
        # The limit is of the user namespace that it is set in: this machine's stays.
        worker.argv = ["unshare", "--user", "--map-root-user", *worker.argv]
        farm.restart_worker(0)
        farm.wait_nodes(1)
        farm.prime("gcc")
        self.limit_namespaces(worker, 0)
        folder = farm.directory / "projects"
        (folder / "a.c").write_text("int a;\n")

        def has_given_up():  # when calls have used up what was made ahead
            farm.client(["kiln", "gcc", "-c", "a.c"], check=True)
            return farm.ready_nodes() == 0

        kilntest.wait_until(has_given_up, "the worker to give up")
        failed = self.wrong(farm)
        self.assertEqual(["nodes", "namespaces"], list(failed))
        self.assertIn("kiln-worker on w0", failed["nodes"]["mend"])
        self.assertIn("no executor on w0", failed["namespaces"]["detail"])
        self.limit_namespaces(worker, 1000)
        kilntest.wait_until(lambda: not self.wrong(farm, rendered=False), "the worker to recover",
                            60)

    def limit_namespaces(self, worker, count):
        subprocess.run(["nsenter", f"--target={worker.pid}", "--user", "--preserve-credentials",
                        "sh", "-ec", f"echo {count} >/proc/sys/user/max_pid_namespaces"],
                       check=True, timeout=10)


def _one_line(text):
    return " ".join(text.split())


if __name__ == "__main__":
    unittest.main()
