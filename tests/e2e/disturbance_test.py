"""Something of the farm goes away in the middle of a build: the build ends well and its objects are
those of a local build."""

import os
import signal
import unittest

import kilntest
from kilntest.projects import Project

KILN = ("kiln",)


class DisturbanceTest(kilntest.FarmCase):
    def prepared(self, farm):
        project = Project(farm, "lua", "gcc", "-O1")
        return project, project.build_local()

    def start_build(self, farm, project):
        (argv, cwd), = project.commands(KILN)
        with open(farm.directory / "logs" / "build.log", "wb") as log:
            return farm.start_client(argv, cwd=cwd, stdout=log, stderr=log)

    def finish(self, build, project, local):
        self.assertEqual(0, build.wait(timeout=300))
        self.assertEqual([], kilntest.differences(local, project.snapshot()))

    def build_under_way(self, farm, project):
        """Starts the build and waits until each worker has done a few tasks of it."""
        before = farm.completed()
        build = self.start_build(farm, project)
        kilntest.wait_until(lambda: all(now - then >= 3 for now, then in
                                        zip(farm.completed(), before)), "the build to be under way",
                            60)
        return build

    def test_a_worker_is_killed(self):
        farm = self.start_farm(workers=2)
        project, local = self.prepared(farm)
        farm.prime("gcc", "g++")
        project.fresh(KILN)
        build = self.build_under_way(farm, project)
        farm.kill_worker(0)
        self.finish(build, project, local)
        stats = farm.kiln("stats", "--json")
        self.assertEqual((0, 0), (stats["fallback"]["total"], stats["failed"]["total"]))
        farm.wait_nodes(1)

    def test_a_worker_vanishes_without_a_word(self):
        farm = self.start_farm(workers=2)
        project, local = self.prepared(farm)
        farm.prime("gcc", "g++")
        project.fresh(KILN)
        build = self.build_under_way(farm, project)
        farm.cut_worker(0)
        self.finish(build, project, local)

    def test_the_only_worker_is_killed_and_the_build_goes_on_here(self):
        farm = self.start_farm(workers=1, fallback=True)
        project, local = self.prepared(farm)
        farm.prime("gcc", "g++")
        project.fresh(KILN)
        build = self.build_under_way(farm, project)
        farm.kill_worker(0)
        self.finish(build, project, local)
        self.assertGreater(farm.kiln("stats", "--json")["fallback"]["total"], 0)

    def test_without_a_coordinator_everything_is_local_and_status_says_why(self):
        farm = self.start_farm(workers=0, coordinator=False, fallback=True)
        project, local = self.prepared(farm)
        project.fresh(KILN)
        self.finish(self.start_build(farm, project), project, local)
        status = farm.kiln("status", "--json")
        self.assertFalse(status["remote_possible"])
        self.assertTrue(status["reason"])
        self.assertIn(farm.coordinator_endpoint, farm.kiln("status").stdout.decode())


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
    """One build, in the middle of which the coordinator stops and comes back. The build stands at a
    gate until that is so."""

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
