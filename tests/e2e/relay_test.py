"""Clients that reach their workers through the coordinator alone."""

import os
import signal
import subprocess
import unittest

import kilntest
from kilntest.projects import Project, objects


class RelayTest(kilntest.FarmCase):
    """`refused` and `dropped` name workers that the client cannot reach: one way or the other."""

    def start_apart(self, refused=(), dropped=(), **options):
        farm = self.start_farm(workers=2, **options)
        for kind, numbers in (("unreachable", refused), ("blackhole", dropped)):
            for number in numbers:
                farm.client_host.run(
                    f"ip route add {kind} {farm.workers[number].host.address}/32")
        self.folder = farm.directory / "projects"
        return farm

    def relayed(self, farm, towards="workers"):
        return farm.coordinator.metric("kiln_relay_bytes_total", towards=towards)

    def told(self, farm):
        """The workers that the agent says it reaches through the coordinator."""
        log = (farm.directory / "logs" / "agent.log").read_text()
        return {name for name in ("w0", "w1")
                if any(f"node={name} " in line for line in log.splitlines()
                       if "worker_relayed" in line)}

    def test_a_build_through_the_coordinator_is_that_of_a_local_build(self):
        farm = self.start_apart(refused=[0], dropped=[1])
        farm.prime("gcc", "g++")
        project = Project(farm, "zlib", "gcc", "-O2 -g")
        local = project.build_local()
        project.fresh()
        before = sum(farm.completed())
        remote = project.build(["kiln"])
        self.assertEqual([], kilntest.differences(local, remote))
        self.assertEqual(len(objects(remote)), sum(farm.completed()) - before)
        self.assertTrue(all(farm.completed()), farm.completed())
        self.assertEqual({"w0", "w1"}, self.told(farm))
        # The toolchain went this way too.
        self.assertGreater(self.relayed(farm), 10_000_000)
        self.assertGreater(self.relayed(farm, "clients"), 0)
        self.assertEqual(0, farm.kiln("stats", "--json")["fallback"]["total"])

    def test_each_worker_has_its_own_way(self):
        farm = self.start_apart(refused=[1])
        farm.prime("gcc")
        self.compile_on_both(farm)
        self.assertEqual({"w1"}, self.told(farm))

    def compile_on_both(self, farm):
        for number in range(24):
            (self.folder / f"f{number}.c").write_text(f"int f{number};\n")
        (self.folder / "Makefile").write_text(
            "all: $(patsubst %.c,%.o,$(wildcard *.c))\n%.o: %.c\n\t@$(CC) -c $< -o $@\n")
        before = farm.completed()
        farm.client(["make", "-j4", "CC=kiln gcc"], check=True)
        self.assertTrue(all(now > then for now, then in zip(farm.completed(), before)))

    def test_workers_that_are_reached_directly_are(self):
        farm = self.start_apart()
        farm.prime("gcc")
        self.compile_on_both(farm)
        self.assertEqual(0, self.relayed(farm))

    def test_who_says_relay_gets_it(self):
        farm = self.start_apart(environment={"KILN_ROUTE": "relay"})
        farm.prime("gcc")
        self.compile_on_both(farm)
        self.assertGreater(self.relayed(farm), 10_000_000)
        connections = subprocess.run(farm.client_host.enter(["ss", "-Htn"]), capture_output=True,
                                     text=True, check=True).stdout
        self.assertIn(":10650", connections)
        self.assertNotIn(":10652", connections)

    def test_who_says_direct_does_not_get_a_relay(self):
        farm = self.start_apart(refused=[0, 1], environment={"KILN_ROUTE": "direct"})
        (self.folder / "a.c").write_text("int a;\n")
        done = farm.client(["kiln", "gcc", "-c", "a.c"], seconds=120)
        self.assertEqual(1, done.returncode)
        self.assertEqual(0, self.relayed(farm))

    def start_sleeper(self, farm, seconds):
        return farm.start_client(["kiln", "run", "--", "sleep", str(seconds)],
                                 stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def wait_running(self, farm):
        kilntest.wait_until(lambda: [worker for worker in farm.workers
                                     if worker.metric("kiln_worker_executors", state="busy") == 1],
                            "the task to run")
        return next(worker for worker in farm.workers
                    if worker.metric("kiln_worker_executors", state="busy") == 1)

    def test_a_coordinator_that_is_started_anew_costs_no_task(self):
        farm = self.start_apart(refused=[0, 1])
        farm.kiln("run", "--", "sleep", "0")
        before = sum(farm.completed())
        task = self.start_sleeper(farm, 6)
        self.wait_running(farm)
        farm.stop_coordinator(signal.SIGKILL)
        farm.restart_coordinator()
        self.assertEqual((0, b""), (task.wait(timeout=60), task.stderr.read()))
        task.stderr.close()
        self.assertEqual(before + 1, sum(farm.completed()), "it ran once")

    def test_a_coordinator_that_stands_still_costs_no_task(self):
        farm = self.start_apart(refused=[0, 1])
        farm.kiln("run", "--", "sleep", "0")
        before = sum(farm.completed())
        task = self.start_sleeper(farm, 12)
        self.wait_running(farm)
        log = farm.directory / "logs" / "agent.log"
        with farm.coordinator.stopped():
            kilntest.wait_until(lambda: "coordinator_silent" in log.read_text(),
                                "the agent to notice", 20)
        self.assertEqual((0, b""), (task.wait(timeout=60), task.stderr.read()))
        task.stderr.close()
        self.assertEqual(before + 1, sum(farm.completed()), "it ran once")

    def test_a_worker_that_dies_under_a_task_is_replaced(self):
        farm = self.start_apart(refused=[0, 1])
        farm.kiln("run", "--", "sleep", "0")
        task = self.start_sleeper(farm, 4)
        worker = self.wait_running(farm)
        worker.end(signal.SIGKILL)
        self.assertEqual((0, b""), (task.wait(timeout=60), task.stderr.read()))
        task.stderr.close()

    def test_an_agent_that_dies_leaves_no_stream(self):
        farm = self.start_apart(refused=[0, 1])
        farm.kiln("run", "--", "sleep", "0")
        streams = lambda: farm.coordinator.metric("kiln_relay_streams")
        self.assertGreater(streams(), 0)
        self.start_sleeper(farm, 60).stderr.close()
        self.wait_running(farm)
        os.kill(farm.agent_pid(), signal.SIGKILL)
        kilntest.wait_until(lambda: streams() == 0, "the streams to be closed")
        kilntest.wait_until(lambda: not any(
            worker.metric("kiln_worker_executors", state="busy") for worker in farm.workers),
                            "the task that nobody waits for to be ended", 40)

    def test_a_stopped_worker_slows_nobody_else(self):
        farm = self.start_apart(refused=[0, 1])
        farm.prime("gcc")
        (self.folder / "a.c").write_text("int a;\n")
        with farm.workers[1].stopped():
            done = farm.client(["kiln", "gcc", "-c", "a.c"], seconds=60)
        self.assertEqual(0, done.returncode, done.stderr.decode())


if __name__ == "__main__":
    unittest.main()
