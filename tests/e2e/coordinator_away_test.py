"""The coordinator goes away in the middle of a build and comes back: the build ends well."""

import os
import signal
import unittest

import kilntest

# Enough files that the leases at hand, of few tasks each, end long before them.
FILES_WHILE_AWAY, FILES_AFTER, LEASE_TASKS = 200, 24, 4
GATED_MAKEFILE = """
all: $(patsubst %.c,%.o,$(wildcard after*.c))
after%.o: after%.c gate
\t$(CC) -O1 -c $< -o $@
gate: $(patsubst %.c,%.o,$(wildcard away*.c))
\tcat fifo
away%.o: away%.c
\t$(CC) -O1 -c $< -o $@
"""


class CoordinatorTest(kilntest.FarmCase):
    """The build stands at a gate until the coordinator is back."""

    def build(self, farm):
        folder = farm.directory / "projects"
        for name, count in (("away", FILES_WHILE_AWAY), ("after", FILES_AFTER)):
            for number in range(count):
                (folder / f"{name}{number}.c").write_text(f"int {name}{number};\n")
        (folder / "Makefile").write_text(GATED_MAKEFILE)
        os.mkfifo(folder / "fifo")
        with open(farm.directory / "logs" / "build.log", "wb") as log:
            return farm.start_client(["make", "-j4", "CC=kiln gcc"], stdout=log, stderr=log)

    def totals(self, farm):
        stats = farm.kiln("stats", "--json")
        return {name: stats[name]["total"] for name in ("fallback", "failed", "retried")}

    def rises(self, farm, by, what):
        before = sum(farm.completed())
        kilntest.wait_until(lambda: sum(farm.completed()) >= before + by, what, 60)

    def test_stops_then_leases_at_hand_then_here_then_remotely_again(self):
        self.goes_and_comes_back(signal.SIGTERM)

    def test_is_killed_and_it_is_the_same(self):
        self.goes_and_comes_back(signal.SIGKILL)

    def goes_and_comes_back(self, how):
        farm = self.start_farm(workers=2, fallback=True,
                               coordinator_flags=["--lease-tasks", str(LEASE_TASKS)])
        farm.prime("gcc")
        build = self.build(farm)
        self.rises(farm, 12, "the build to be under way")
        farm.stop_coordinator(how)
        self.rises(farm, 2, "tasks that run on the leases at hand")
        kilntest.wait_until(lambda: self.totals(farm)["fallback"] > 0, "calls to run here", 60)
        farm.restart_coordinator()
        farm.wait_nodes(2)
        kilntest.wait_until(lambda: farm.kiln("status", "--json")["remote_possible"],
                            "the agent to find its coordinator again", 30)
        with open(farm.directory / "projects" / "fifo", "wb"):  # opens when the build stands there
            before, totals = sum(farm.completed()), self.totals(farm)
        self.assertEqual(0, build.wait(timeout=120))
        kilntest.wait_until(lambda: sum(farm.completed()) >= before + FILES_AFTER,
                            "all that was left to have run remotely", 5)
        self.assertEqual(totals, self.totals(farm))
        self.assertEqual((0, 0), (totals["failed"], totals["retried"]))
        self.assert_objects_of_all(farm.directory / "projects", farm)

    def assert_objects_of_all(self, folder, farm):
        through = kilntest.Snapshot.of(folder)
        self.assertEqual(FILES_WHILE_AWAY + FILES_AFTER, len(through.files))
        for name in through.files:
            (folder / name).unlink()
        farm.client(["sh", "-ec", "for file in *.c; do gcc -O1 -c $file; done"], check=True)
        self.assertEqual([], kilntest.differences(kilntest.Snapshot.of(folder), through))


if __name__ == "__main__":
    unittest.main()
