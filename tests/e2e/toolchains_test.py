"""Toolchains: accepted only when they compile alike there and here, and brought once."""

import subprocess
import unittest

import kilntest
from kilntest import bound_compiler, pools
from kilntest.slow import ENDLESS_CC, SLOW_CALL, SLOW_CC

# What a build sends for a worker that finds the toolchain at another one; gcc's is 31 MB.
LITTLE_BYTES = 2_000_000


class ToolchainsTest(kilntest.FarmCase):
    def tried(self, farm, compiler, expected):
        done = farm.client(["kiln", compiler, "-c", "a.c", "-o", "a.o"])
        why = farm.kiln("why", "a.c", "--json", cwd=farm.directory / "projects")
        self.assertEqual(expected, (why["ran"], why["reason"]), done.stderr.decode())
        return done

    def test_one_that_needs_this_machine_is_refused_and_compiles_here(self):
        farm = self.start_farm(workers=1, fallback=True)
        folder = farm.directory / "projects"
        (folder / "a.c").write_text("int a;\n")
        compiler = bound_compiler.build(farm)
        for _ in range(2):
            done = self.tried(farm, compiler, ("local", "toolchain_refused"))
            self.assertEqual((0, b""), (done.returncode, done.stderr))
        through = (folder / "a.o").read_bytes()
        farm.client([compiler, "-c", "a.c", "-o", "a.o"], check=True)
        self.assertEqual((folder / "a.o").read_bytes(), through)
        self.assertEqual(1, (farm.directory / "logs" / "agent.log").read_text()
                         .count("toolchains toolchain_refused "), "the verdict was not kept")

    def test_the_client_sends_it_once_and_workers_the_rest(self):
        farm = self.start_farm(workers=2)
        farm.kill_worker(1)
        farm.wait_nodes(1)
        farm.prime("gcc")
        sent = farm.kiln("stats", "--json")["bytes_sent"]
        self.assertGreater(sent, 10 * LITTLE_BYTES)
        # Both slots of the first are taken, so that the second has to have it.
        folder = farm.directory / "projects"
        (folder / "slow.cc").write_text(ENDLESS_CC)
        (folder / "s.c").write_text("int s;\n")
        endless = [farm.start_client([*SLOW_CALL[:-1], f"slow{number}.o"],
                                     stderr=subprocess.DEVNULL) for number in range(2)]
        kilntest.wait_until(
            lambda: farm.workers[0].metric("kiln_worker_executors", state="busy") == 2,
            "both slots to be taken", 30)
        farm.restart_worker(1)
        farm.wait_nodes(2)
        farm.client(["kiln", "gcc", "-c", "s.c"], check=True)
        self.assertEqual("w1", pools.ran_on(farm, "s.c"))
        for call in endless:
            call.kill()
            call.wait(timeout=10)
        self.assertLess(farm.kiln("stats", "--json")["bytes_sent"] - sent, LITTLE_BYTES)

    def test_a_worker_that_was_killed_has_it_still(self):
        farm = self.start_farm(workers=1)
        folder = farm.directory / "projects"
        (folder / "a.c").write_text("int a;\n")
        (folder / "slow.cc").write_text(SLOW_CC)
        farm.prime("gcc", "g++")
        running = farm.start_client(SLOW_CALL, stderr=subprocess.DEVNULL)
        kilntest.wait_until(lambda: any("cc1plus" in line for _, line in
                                        farm.workers[0].host.processes()), "a running task")
        sent = farm.kiln("stats", "--json")["bytes_sent"]
        farm.kill_worker(0)
        farm.restart_worker(0)
        farm.wait_nodes(1)
        farm.client(["kiln", "gcc", "-c", "a.c"], check=True)
        why = farm.kiln("why", "a.c", "--json", cwd=folder)
        self.assertEqual("remote", why["ran"])
        self.assertLess(farm.kiln("stats", "--json")["bytes_sent"] - sent, LITTLE_BYTES)
        running.kill()
        running.wait(timeout=10)


if __name__ == "__main__":
    unittest.main()
