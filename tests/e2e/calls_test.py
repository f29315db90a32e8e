"""A call through Kiln behaves as a local one does, however it is made."""

import os
import signal
import subprocess
import unittest

import kilntest
from kilntest.slow import SLOW_CALL, SLOW_CC

class CallsTest(kilntest.FarmCase):
    @classmethod
    def setUpClass(cls):
        cls.start_class_farm(workers=1)
        cls.folder = cls.farm.directory / "projects"
        (cls.folder / "a.c").write_text("int a;\n")
        (cls.folder / "slow.cc").write_text(SLOW_CC)
        cls.farm.prime("gcc", "g++")

    def running(self):
        return self.farm.workers[0].host.processes()

    def test_ctrl_c_ends_the_call_and_its_remote_task(self):
        idle = len(self.running())
        process = self.farm.start_client(SLOW_CALL, stderr=subprocess.PIPE)
        pid = self.farm.client_host.pid_of(process)
        kilntest.wait_until(lambda: any("cc1plus" in line for _, line in self.running()),
                            "the compiler to run on the worker")
        os.kill(pid, signal.SIGINT)
        process.communicate(timeout=10)
        self.assertEqual(-signal.SIGINT, process.returncode)
        kilntest.wait_until(lambda: not any("cc1plus" in line for _, line in self.running()),
                            "the task to be gone from the worker", 5)
        kilntest.wait_until(lambda: len(self.running()) <= idle, "the worker to be idle again", 5)
        self.assertFalse((self.folder / "slow.o").exists())

    def test_kill_of_the_launcher_ends_the_remote_task(self):
        process = self.farm.start_client(SLOW_CALL, stderr=subprocess.PIPE)
        pid = self.farm.client_host.pid_of(process)
        kilntest.wait_until(lambda: any("cc1plus" in line for _, line in self.running()),
                            "the compiler to run on the worker")
        os.kill(pid, signal.SIGKILL)
        process.communicate(timeout=10)
        kilntest.wait_until(lambda: not any("cc1plus" in line for _, line in self.running()),
                            "the task to be gone from the worker", 5)

    def test_a_caller_with_other_mounts_compiles_its_own_files(self):
        inner = self.folder / "inner"
        inner.mkdir()
        (inner / "b.c").write_text("int outside;\n")
        self.farm.client(["kiln", "gcc", "-c", "b.c"], cwd=inner, check=True)
        script = ("mount -t tmpfs none . && cd \"$PWD\" && echo 'int within;' >b.c && "
                  "kiln gcc -c b.c && strings b.o")
        done = self.farm.client(["unshare", "--mount", "sh", "-ec", script], cwd=inner, check=True)
        self.assertIn(b"within", done.stdout)
        why = self.farm.kiln("why", "b.c", "--json", cwd=inner)
        self.assertEqual(("local", "other_root"), (why["ran"], why["reason"]))

    def test_through_links_named_after_compilers(self):
        links = self.farm.directory / "links"
        links.mkdir()
        names = ("gcc", "cc", "g++", "clang")
        for name in names:
            (links / name).symlink_to(self.farm.bin / "kiln")
        path = self.farm.client_environment()["PATH"]
        before = sum(self.farm.completed())
        for name in names:
            self.farm.client([name, "-c", "a.c", "-o", f"{name}.o"], check=True,
                             env={"PATH": f"{links}:{path}"})
            self.farm.client([name, "-c", "a.c", "-o", "local.o"], check=True)
            self.assertEqual((self.folder / "local.o").read_bytes(),
                             (self.folder / f"{name}.o").read_bytes())
        kilntest.wait_until(lambda: sum(self.farm.completed()) >= before + len(names),
                            "a task for each")

    def test_behind_ccache(self):
        env = {"CCACHE_DIR": self.farm.directory / "ccache", "CCACHE_PREFIX": "kiln"}
        (self.folder / "cached.c").write_text("int cached;\n")
        before = sum(self.farm.completed())
        for _ in range(2):  # the second comes out of the cache
            self.farm.client(["ccache", "gcc", "-c", "cached.c", "-o", "through.o"], env=env,
                             check=True)
        self.farm.client(["gcc", "-c", "cached.c", "-o", "local.o"], check=True)
        self.assertEqual((self.folder / "local.o").read_bytes(),
                         (self.folder / "through.o").read_bytes())
        kilntest.wait_until(lambda: sum(self.farm.completed()) > before, "its task")
        self.assertEqual(before + 1, sum(self.farm.completed()))

    def test_calls_that_only_ask_answer_as_always(self):
        for call in (["gcc", "--version"], ["gcc", "-dumpmachine"], ["g++", "-print-prog-name=as"],
                     ["gcc", "-E", "a.c"], ["gcc"], ["gcc", "--no-such-option"]):
            with self.subTest(call):
                local, through = self.farm.client(call), self.farm.client(["kiln", *call])
                self.assertEqual((local.returncode, local.stdout, local.stderr),
                                 (through.returncode, through.stdout, through.stderr))

    def test_source_from_standard_input(self):
        call = ["gcc", "-x", "c", "-c", "-", "-o", "stdin.o"]
        self.farm.client(call, input=b"int b;\n", check=True)
        local = (self.folder / "stdin.o").read_bytes()
        self.farm.client(["kiln", *call], input=b"int b;\n", check=True)
        self.assertEqual(local, (self.folder / "stdin.o").read_bytes())

    def test_modes_follow_the_callers_umask(self):
        for mask in ("022", "077", "027"):
            calls = f"umask {mask}; gcc -c a.c -o l.o; kiln gcc -c a.c -o r.o"
            self.farm.client(["sh", "-ec", calls], check=True)
            self.assertEqual((self.folder / "l.o").stat().st_mode,
                             (self.folder / "r.o").stat().st_mode)
            (self.folder / "l.o").unlink()
            (self.folder / "r.o").unlink()

    def test_an_unwritable_output_is_an_error_as_always(self):
        call = ["gcc", "-c", "a.c", "-o", "no/such/folder/a.o"]
        local, through = self.farm.client(call), self.farm.client(["kiln", *call])
        self.assertEqual((local.returncode, local.stderr), (through.returncode, through.stderr))

    def test_settings_that_keep_the_agent_from_starting(self):
        call = ["kiln", "gcc", "-c", "a.c", "-o", "bad.o"]
        for name, value in (("KILN_COORDINATOR", "host:port"), ("KILN_CACHE_DIR", "/proc/none"),
                            ("KILN_IDLE_TIMEOUT", "soon")):
            env = {"KILN_SOCKET": self.farm.directory / "bad.sock", "KILN_FALLBACK": "1",
                   name: value}
            with self.subTest(name):
                done = self.farm.client(call, env=env)
                self.assertEqual((0, b"", b""), (done.returncode, done.stdout, done.stderr))
                for asked in (["kiln", "status"], ["kiln", "doctor"]):
                    done = self.farm.client(asked, env=env)
                    self.assertNotEqual(0, done.returncode)
                    self.assertIn(name, (done.stdout + done.stderr).decode())
                done = self.farm.client(call, env={**env, "KILN_FALLBACK": "0"})
                self.assertEqual(1, done.returncode)
                self.assertIn(name, done.stderr.decode())

    def test_settings_of_a_call_that_cannot_be_used(self):
        for name, value in (("KILN_PRIORITY", "high"), ("KILN_MODE", "magic"),
                            ("KILN_ROUTE", "sideways"), ("KILN_FALLBACK", "perhaps")):
            with self.subTest(name):
                done = self.farm.client(["kiln", "gcc", "-c", "a.c"], env={name: value})
                self.assertEqual(1, done.returncode)
                self.assertIn(name, done.stderr.decode())

    def test_addresses_that_others_reach_are_warned_about_where_there_are_no_keys(self):
        for daemon in (self.farm.coordinator, *self.farm.workers):
            self.assertNotIn("warning main insecure", daemon.log.read_text())
        farm = self.start_farm(workers=1, keys=False)
        for daemon in (farm.coordinator, *farm.workers):
            self.assertIn("warning main insecure", daemon.log.read_text())

    def test_disabled_kiln_is_just_the_compiler(self):
        before = sum(self.farm.completed())
        self.farm.client(["kiln", "gcc", "-c", "a.c"], env={"KILN_DISABLE": "1"}, check=True)
        self.assertEqual(before, sum(self.farm.completed()))

    def test_a_missing_compiler(self):
        done = self.farm.client(["kiln", "no-such-compiler-gcc", "-c", "a.c"])
        self.assertEqual(127, done.returncode)
        self.assertIn("no-such-compiler-gcc", done.stderr.decode())


if __name__ == "__main__":
    unittest.main()
