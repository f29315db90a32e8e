"""What a call runs on goes away in the middle of it, and nothing may run on the client: the call
ends well on another node."""

import contextlib
import os
import signal
import unittest

import kilntest
from kilntest import pools

# Long enough to be seen and ended by a test on a machine with much else to do.
NAP, NAP_SECONDS = "/usr/bin/sleep", 6


class MovedCallsTest(kilntest.FarmCase):
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
