"""Something of the farm goes away in the middle of a build: the build ends well and its objects are
those of a local build."""

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


if __name__ == "__main__":
    unittest.main()
