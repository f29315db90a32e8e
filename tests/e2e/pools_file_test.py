"""The operator's file of pools: read at the start, and warm without anybody's call."""

import unittest

import kilntest
from kilntest import pools

POOLS = """
[[pool]]
name = "cc"
context = "forkserver"
executors = {executors}
nodes = ["zone=a"]
min_warm = {executors}
limits = {{time = "10m", memory = "4G", output = "32M"}}
toolchains = [{{name = "clang", program = "{program}", architecture = "{architecture}", \
digest = "{digest}"}}]
init = [["{program}", "--version"]]
init_limit = "1m"
environment = {{LANG = "C"}}
probe = ["{program}", "--version"]

[[pool]]
name = "always"
windows = [{{days = "daily", from = "0:00", to = "12:00", ready = 3}},
           {{days = "daily", from = "12:00", to = "0:00", ready = 3}}]
"""


class PoolsFileTest(kilntest.FarmCase):
    def setUp(self):
        self.farm = self.start_farm(workers=2, worker_flags=lambda number: [
            "--label", f"zone={'ab'[number]}"])
        self.file = self.farm.directory / "pools.toml"
        self.farm.prime("clang")

    def clang(self):
        """As `kiln pool show --json` tells of a pool that was made with it."""
        pools.create(self.farm, "asked", "--toolchain", "clang", "--executors", "1")
        toolchain = pools.show(self.farm, "asked")["toolchains"][0]
        self.farm.client(["kiln", "pool", "delete", "asked"], check=True)
        return toolchain

    def restart_with(self, executors):
        self.file.write_text(POOLS.format(executors=executors, **self.toolchain))
        self.farm.coordinator.end()
        self.farm.restart_coordinator()
        self.farm.wait_nodes(2)

    def test_its_pools_get_warm_by_themselves_and_follow_it_at_the_next_start(self):
        self.toolchain = self.clang()
        self.farm.coordinator.argv += ["--pools", self.file]
        self.restart_with(executors=1)
        for executors in (1, 2):
            if executors == 2:
                self.restart_with(executors)
            there = pools.wait_pool(self.farm, "cc", lambda pool, n=executors: pool["ready"] == n,
                                    f"{executors} executors of cc")
            self.assertEqual(["w0"], list(there))
            self.assertEqual("", there["w0"].get("fallback", ""))
        kilntest.wait_until(lambda: pools.total(self.farm, "always", "ready") == 3,
                            "what the window asks for", 30)
        (self.farm.directory / "projects/f.c").write_text("int f;\n")
        pools.compile_in(self.farm, "cc", ["clang", "-c", "f.c"], check=True)
        self.assertEqual("w0", pools.ran_on(self.farm, "f.c"))

    def test_one_that_cannot_be_keeps_the_coordinator_from_starting_and_says_why(self):
        self.file.write_text('[[pool]]\nname = "cc"\ncontext = "spoon"\n')
        self.farm.coordinator.argv += ["--pools", self.file]
        self.farm.coordinator.end()
        self.farm.coordinator.start()
        kilntest.wait_until(lambda: not self.farm.coordinator.running, "the coordinator's end")
        self.assertIn('pools.toml:1: pool "cc": context: "spoon" is no context',
                      self.farm.coordinator.tail())


if __name__ == "__main__":
    unittest.main()
