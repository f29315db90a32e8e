"""Parts of a pool die: its executors, its templates, its worker, its coordinator."""

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


if __name__ == "__main__":
    unittest.main()
