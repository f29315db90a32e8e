"""Parts of a pool die: its executors, its templates, its worker, its coordinator."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import unittest

import kilntest
from kilntest import pools

GONE_SECONDS = 2


def lives(pid):
    """Whether the process is there and not only waits for being buried."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class PoolDeathsTest(kilntest.FarmCase):
    def farm_with_pool(self, context, **options):
        farm = self.start_farm(workers=1, **options)
        farm.prime("clang")
        pools.create(farm, "cc", "--context", context, "--toolchain", "clang", "--warm", "all")
        (farm.directory / "projects" / "a.c").write_text("int a;\n")
        return farm

    def compiles(self, farm):
        done = pools.compile_in(farm, "cc", ["clang", "-c", "a.c"])
        self.assertEqual(0, done.returncode, done.stderr.decode())
        self.assertIsNotNone(pools.ran_on(farm, "a.c"))

    def test_row_7_kill_9_of_the_worker_leaves_no_executor_and_no_compiler(self):
        for context in pools.CONTEXTS:
            with self.subTest(context):
                farm = self.farm_with_pool(context)
                below = pools.descendants(farm.workers[0].pid)
                self.assertGreater(len(below), 4)
                farm.kill_worker(0)
                kilntest.wait_until(lambda: not [pid for pid in below if lives(pid)],
                                    "everything below the worker to be gone", GONE_SECONDS)

    def test_rows_15_and_16_what_is_killed_below_a_worker_is_replaced(self):
        for context in pools.CONTEXTS:
            with self.subTest(context):
                farm = self.farm_with_pool(context)
                nursery = pools.nursery_of(farm.workers[0])
                for pid in pools.descendants(nursery):
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        continue  # with another one
                self.compiles(farm)
                pools.wait_pool(farm, "cc", lambda pool: pool["ready"] + pool["busy"] == 2,
                                "new executors")
                self.assertGreater(pools.total(farm, "cc", "crashes"), 0)

    def test_a_worker_that_is_killed_while_it_warms_comes_back_with_its_pool(self):
        farm = self.start_farm(workers=1)
        farm.prime("gcc")
        pools.create(farm, "slow", "--toolchain", "sleep", "--init", "sleep 2", "--min-warm", "1",
                     "--executors", "1")
        kilntest.wait_until(lambda: pools.total(farm, "slow", "starting") > 0, "it to warm")
        farm.kill_worker(0)
        farm.restart_worker(0)
        farm.wait_nodes(1)
        pools.wait_pool(farm, "slow", lambda pool: pool["ready"] == 1, "the pool to be warm")

    def test_definitions_survive_a_coordinator_with_and_without_its_disk(self):
        farm = self.farm_with_pool("spawn")
        for empty in (False, True):
            with self.subTest(empty=empty):
                farm.stop_coordinator(signal.SIGKILL)
                if empty:
                    shutil.rmtree(farm.directory / "state")
                farm.restart_coordinator()
                farm.wait_nodes(1)
                kilntest.wait_until(lambda: [pool["name"] for pool in farm.kiln(
                    "pools", "--json")["pools"] if pool["name"] == "cc"], "the pool to be known")
                self.compiles(farm)

    def test_a_deleted_pool_does_not_come_back_with_an_absent_worker(self):
        farm = self.start_farm(workers=2)
        farm.prime("gcc")
        pools.create(farm, "old", "--warm", "all")
        farm.kill_worker(1)
        farm.wait_nodes(1)
        farm.client(["kiln", "pool", "delete", "old"], check=True)
        farm.restart_worker(1)
        farm.wait_nodes(2)
        pools.create(farm, "new", "--warm", "all")  # every worker has reported by then
        self.assertEqual({"default", "new"},
                         {pool["name"] for pool in farm.kiln("pools", "--json")["pools"]})

    def test_a_node_that_vanishes_while_its_pool_is_made_is_not_waited_for(self):
        farm = self.start_farm(workers=2)
        farm.prime("gcc")
        making = farm.start_client(["kiln", "pool", "create", "half", "--toolchain", "sleep",
                                    "--init", "sleep 3", "--warm", "all", "--json"],
                                   stdout=subprocess.DEVNULL)
        kilntest.wait_until(lambda: "half" in [pool["name"] for pool in farm.kiln(
            "pools", "--json")["pools"]] and pools.total(farm, "half", "starting") > 0,
                            "the pool to be under way")
        farm.cut_worker(1)
        self.assertEqual(0, making.wait(timeout=60))
        self.assertEqual("ready", pools.nodes(farm, "half")["w0"]["state"])

    def test_row_26_quiesced_executors_give_their_memory_back(self):
        farm = self.farm_with_pool("forkserver")
        self.compiles(farm)
        warm = pools.resident_bytes(pools.descendants(farm.workers[0].pid))
        farm.client(["kiln", "pool", "quiesce", "cc"], check=True)
        pools.wait_pool(farm, "cc", lambda pool: pool["state"] == "quiesced", "the quiesce")
        kilntest.wait_until(
            lambda: pools.resident_bytes(pools.descendants(farm.workers[0].pid)) < warm / 2,
            f"half of the {warm} bytes to be free")


# Long enough to be seen and ended by a test on a machine with much else to do.
NAP, NAP_SECONDS = "/usr/bin/sleep", 6


class MovedCallsTest(kilntest.FarmCase):
    """What a call ran on goes away in the middle of it, and nothing may run on the client: the call
    ends well on the other node."""

    @classmethod
    def setUpClass(cls):
        cls.start_class_farm(workers=2, worker_flags=lambda number: ["--grace", "1s"])
        for context in pools.CONTEXTS:
            pools.create(cls.farm, context, "--context", context, "--toolchain", NAP,
                         "--warm", "all")

    def goes_on_elsewhere(self, end, look=lambda worker: None):
        """`end(worker, seen)` ends what a call runs on; `seen` is what `look` gave before the
        call, as there is no time for looking while it runs."""
        for context in pools.CONTEXTS:
            with self.subTest(context):
                seen = [look(worker) for worker in self.farm.workers]
                call = self.farm.start_client(["kiln", "run", "--", NAP, NAP_SECONDS],
                                              env={"KILN_POOL": context})
                first = kilntest.wait_until(lambda c=context: self.busy_node(c), "the call to run")
                number = int(first[1:])
                end(self.farm.workers[number], seen[number])
                self.assertEqual(0, call.wait(timeout=60))
                self.whole_again()
                why = self.farm.kiln("why", NAP, "--json")
                self.assertEqual("remote", why["ran"])
                self.assertEqual([first, "w1" if first == "w0" else "w0"],
                                 [attempt["node"] for attempt in why["attempts"]])
        stats = self.farm.kiln("stats", "--json")
        self.assertEqual((0, 0), (stats["fallback"]["total"], stats["failed"]["total"]))

    def busy_node(self, pool):
        return next((name for name, there in pools.nodes(self.farm, pool).items()
                     if there["busy"] > 0), None)

    def whole_again(self):
        for number, worker in enumerate(self.farm.workers):
            if not worker.running:
                self.farm.restart_worker(number)
        self.farm.wait_nodes(2)
        for context in pools.CONTEXTS:
            pools.wait_pool(self.farm, context, lambda pool: pool["version"] > 0, "the pool's news")

    def test_row_15_the_call_of_an_executor_that_dies_ends_well_elsewhere(self):
        def look(worker):
            return pools.descendants(pools.nursery_of(worker))

        def kill(worker, executors):
            for pid in executors:
                with contextlib.suppress(ProcessLookupError):  # it went with another one
                    os.kill(pid, signal.SIGKILL)

        self.goes_on_elsewhere(kill, look)

    def test_row_27_the_call_of_a_worker_that_stops_ends_well_elsewhere(self):
        self.goes_on_elsewhere(lambda worker, seen: worker.end(signal.SIGTERM))

    def test_row_29_the_call_of_a_worker_that_is_killed_ends_well_elsewhere(self):
        self.goes_on_elsewhere(lambda worker, seen: worker.end(signal.SIGKILL))


if __name__ == "__main__":
    unittest.main()
