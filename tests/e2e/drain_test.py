"""Nodes go out of service and come back, daemons are started anew, and no job notices."""

import json
import signal
import unittest

import kilntest
from kilntest.rounds import Rounds


class DrainTest(kilntest.FarmCase):
    def start(self, **options):
        farm = self.start_farm(workers=2, **options)
        farm.prime("gcc")
        return farm

    def build(self, farm):
        return Rounds(farm, farm.directory / "projects" / "rounds")

    def rises(self, farm, number, by=3):
        before = farm.completed()[number]
        kilntest.wait_until(lambda: farm.completed()[number] >= before + by,
                            f"w{number} to complete tasks", 60)

    def node(self, farm, name):
        return next(node for node in farm.kiln("nodes", "--json")["nodes"] if node["name"] == name)

    def test_a_drained_node_is_empty_and_stays_so_until_it_resumes(self):
        farm = self.start()
        build = self.build(farm)
        self.rises(farm, 0)
        drained = farm.client(["kiln", "drain", "w0"], check=True)
        self.assertEqual("w0 takes no new tasks until kiln resume w0; none is left there\n",
                         drained.stdout.decode())
        before = farm.completed()[0]
        self.rises(farm, 1, 20)
        self.assertEqual(before, farm.completed()[0])
        there = self.node(farm, "w0")
        self.assertEqual(("draining", 0, 0), (there["state"], there["running"], there["queued"]))
        resumed = farm.client(["kiln", "resume", "w0"], check=True)
        self.assertEqual("w0 takes tasks again\n", resumed.stdout.decode())
        self.rises(farm, 0)
        self.assertEqual([], build.end())

    def test_it_waits_for_what_runs_there(self):
        farm = self.start(slots=1)
        task = farm.start_client(["kiln", "run", "--", "sleep", "8"])
        kilntest.wait_until(lambda: [one for one in farm.kiln("nodes", "--json")["nodes"]
                                     if one["running"]], "the task to run")
        name = next(one["name"] for one in farm.kiln("nodes", "--json")["nodes"] if one["running"])
        late = farm.client(["kiln", "drain", name, "--timeout", "500ms"])
        self.assertEqual(1, late.returncode)
        self.assertIn("1 task running", " ".join(late.stderr.decode().split()))
        done = json.loads(farm.client(["kiln", "drain", name, "--json"], check=True).stdout)
        self.assertEqual(("draining", 0), (done["state"], done["running"]))
        self.assertEqual(0, task.wait(timeout=30))

    def test_nodes_that_are_not_there_are_named(self):
        farm = self.start()
        for action in ("drain", "resume"):
            done = farm.client(["kiln", action, "w7"])
            self.assertEqual(1, done.returncode)
            self.assertIn('no node "w7"', " ".join(done.stderr.decode().split()))

    def test_everything_is_started_anew_one_by_one_and_no_job_fails(self):
        farm = self.start(environment={"KILN_ROUTE": "direct"})
        self.restart_all(farm)

    def test_so_it_is_through_the_coordinator(self):
        farm = self.start(environment={"KILN_ROUTE": "relay"})
        self.restart_all(farm)

    def restart_all(self, farm):
        build = self.build(farm)
        self.rises(farm, 0)
        for number in range(2):
            # As `docker-compose restart` and systemd do it.
            self.assertEqual(0, farm.workers[number].end(signal.SIGTERM, seconds=60))
            farm.restart_worker(number)
            farm.wait_nodes(2)
            self.rises(farm, number)
        farm.stop_coordinator(signal.SIGTERM)
        farm.restart_coordinator()
        farm.wait_nodes(2)
        for number in range(2):
            self.rises(farm, number)
        self.assertEqual([], build.end())


if __name__ == "__main__":
    unittest.main()
