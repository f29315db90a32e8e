"""A real project through two workers gives exactly what a local build gives, and nothing of it was
compiled on the client."""

import subprocess

import kilntest
from kilntest.projects import Project, objects

KILN = ("kiln",)


class IdenticalCase(kilntest.FarmCase):
    """Subclasses call check() with the projects they are about; `user` runs the farm."""

    user = None

    @classmethod
    def setUpClass(cls):
        # A local build may take so long that an agent would end for want of calls, and the next one
        # is under no recorder.
        cls.start_class_farm(workers=2, slots=2, user=cls.user,
                             environment={"KILN_IDLE_TIMEOUT": "0"})
        # The agent runs under a recorder of its own from its first breath.
        cls.agent_recorder = kilntest.Recorder(cls.farm.directory / "agent.strace")
        asks = cls.agent_recorder.wrap(["kiln", "status"])
        cls.farm.start_client(asks, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
        kilntest.wait_until((cls.farm.directory / "run" / "agent.sock").exists, "the agent")
        cls.farm.prime("gcc", "g++", "clang", "clang++")

    def check(self, name, compiler, flags):
        project = Project(self.farm, name, compiler, flags)
        local = project.build_local()
        project.fresh(KILN)
        before = self.farm.completed()
        agent_before = self.agent_recorder.position()
        recorder = kilntest.Recorder(self.farm.directory / "build.strace")
        remote = project.build(KILN, wrap=recorder.wrap)
        self.assert_same(project, local, remote)
        count = len(objects(remote))
        self.assertGreater(count, 10)
        here = (recorder.generated_code() + self.agent_recorder.generated_code(agent_before))
        self.assertEqual([], here, "the client compiled")
        # The agent asks the compiler for the inputs of each: a recorder that sees fewer is blind.
        listings = [start for start in self.agent_recorder.started(agent_before)
                    if "-M" in start.argv]
        self.assertGreaterEqual(len(listings), count, "the agent was not recorded")
        self.assert_completed(before, count)

    def assert_same(self, project, local, remote):
        differences = kilntest.differences(local, remote)
        if differences:  # a second local build is only worth its time for what it tells of these
            self.assertEqual([], kilntest.differences(local, project.build_local()),
                             "two local builds differ as well: this project shows nothing")
        self.assertEqual([], differences)

    def assert_completed(self, before, count):
        """The workers' own counts: exactly one task for each compile call, and each took part."""
        def done():
            return [now - then for now, then in zip(self.farm.completed(), before)]

        kilntest.wait_until(lambda: sum(done()) >= count, f"{count} tasks to be counted, not "
                            f"{done()}", 5)
        self.assertEqual(count, sum(done()))
        self.assertTrue(all(done()), f"a worker had no part in it: {done()}")
