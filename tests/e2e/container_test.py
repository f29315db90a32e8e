"""A worker in a real container, which has the capabilities that it needs and no more, limits, and
control groups that it can only read."""

import atexit
import os
import subprocess
import unittest

import kilntest
from kilntest import containers, dockerd, pools
from kilntest.projects import Project, objects
from kilntest.slow import SLOW_CALL, SLOW_CC

# What a task does that is asked for too much: keeps so many megabytes, writes them, or only waits.
TASK = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int count, char** words) {
  if (count < 3) return 2;
  const long number = atol(words[2]);
  if (strcmp(words[1], "keep") == 0) {
    char* all = malloc(number << 20);
    if (all == NULL) return 3;
    for (long at = 0; at < number << 20; at += 4096) all[at] = 1;
    sleep(60);
  } else if (strcmp(words[1], "write") == 0) {
    static char megabyte[1 << 20];
    FILE* file = fopen("/tmp/file", "w");
    for (long at = 0; at < number; ++at) {
      if (fwrite(megabyte, sizeof megabyte, 1, file) != 1) return 4;
    }
  } else {
    sleep(number);
  }
  return puts("whole") < 0;
}
"""


def limits(memory, cores=None, processors=None):
    words = ["--memory", memory, "--memory-swap", memory]
    words += ["--cpus", cores] if cores else []
    return words + (["--cpuset-cpus", processors] if processors else [])


class ContainerTest(kilntest.FarmCase):
    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup(dockerd.remove_groups)
        atexit.register(dockerd.remove_groups)
        # A worker outside, for what the one in the container cannot do.
        cls.start_class_farm(workers=1)
        cls.folder = cls.farm.directory / "projects"
        cls.docker = containers.Docker(cls.farm)
        cls.addClassCleanup(cls.docker.close)
        cls.farm.prime("gcc", "clang")
        (cls.folder / "task.c").write_text(TASK)
        cls.farm.client(["gcc", "task.c", "-o", "task"], check=True)

    def start_worker(self, name, *options, flags=()):
        worker = containers.Worker(self.docker, name, limits(*options), flags)
        self.addCleanup(worker.remove)
        return worker

    def make_pool(self, name, node, *words):
        self.addCleanup(self.farm.client, ["kiln", "pool", "delete", name])
        return pools.create(self.farm, name, "--nodes", f"name={node}", "--warm", "all", *words)

    def test_row_2_executors_are_the_cores_and_memory_of_the_container(self):
        cores = len(os.sched_getaffinity(0))
        self.assertGreater(cores, 1, "a machine with one core has none to withhold")
        for name, given, expected in (("quota", ("8g", "1"), 1), ("affinity", ("8g", None, "0"), 1),
                                      ("memory", ("3g",), 1), ("share", ("8g", "1.5"), 2)):
            with self.subTest(name):
                worker = self.start_worker(name, *given)
                self.assertEqual(expected, worker.metric("kiln_worker_slots"))
                there = self.make_pool(name, name)["nodes"][0]["pool"]
                self.assertEqual((expected, expected), (there["executors"], there["ready"]))

    def test_a_forkserver_pool_in_a_container_gives_the_objects_of_a_local_build(self):
        worker = self.start_worker("warm", "4g", "2")
        there = self.make_pool("warm", "warm", "--context", "forkserver", "--toolchain",
                               "clang")["nodes"][0]["pool"]
        self.assertEqual(("forkserver", ""), (there["context"], there["fallback"]))
        project = Project(self.farm, "zlib", "clang", "-O2 -g")
        local = project.build_local()
        project.fresh()
        remote = project.build(["kiln"], env={"KILN_POOL": "warm"})
        self.assertEqual([], kilntest.differences(local, remote))
        self.assertEqual(len(objects(local)), worker.metric("kiln_pool_executed_tasks_total",
                                                            pool="warm", way="forked"))

    def run_in(self, pool, *words):
        return self.farm.start_client(
            ["kiln", "run", "--", "./task", *words], env={"KILN_POOL": pool},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def end_of(self, process):
        out, told = process.communicate(timeout=120)
        return process.returncode, out, told.decode()

    def test_rows_15_and_21_a_task_beyond_the_containers_memory_costs_nobody_else_his(self):
        worker = self.start_worker("small", "1g", flags=["--slots", "2"])
        self.make_pool("small", "small", "--toolchain", "./task")
        other = self.run_in("small", "wait", "8")
        kilntest.wait_until(lambda: pools.total(self.farm, "small", "busy") == 1, "the other task")
        code, out, told = self.end_of(self.run_in("small", "keep", "2000"))
        self.assertNotEqual(0, code)
        self.assertNotIn(b"whole", out, told)
        self.assertGreater(worker.metric("kiln_worker_tasks_completed_total", outcome="signalled"),
                           0)
        self.assertEqual((0, b"whole\n"), self.end_of(other)[:2])
        self.assertTrue(worker.running, worker.log())
        self.assertEqual((0, b"whole\n"), self.end_of(self.run_in("small", "wait", "0"))[:2])
        self.assertEqual(0, pools.total(self.farm, "small", "crashes"))

    def test_row_21_the_limit_of_a_pool_holds_where_control_groups_are_read_only(self):
        worker = self.start_worker("limit", "3g")
        self.make_pool("limit", "limit", "--toolchain", "./task", "--limit", "memory=300M")
        code, _, told = self.end_of(self.run_in("limit", "keep", "800"))
        self.assertNotEqual(0, code)
        self.assertIn("memory_limit", told)
        self.assertEqual(1, worker.metric("kiln_worker_tasks_completed_total",
                                          outcome="memory_limit"))

    def test_what_tasks_write_has_half_of_the_containers_memory(self):
        self.start_worker("scratch", "1g")
        self.make_pool("scratch", "scratch", "--toolchain", "./task")
        self.assertEqual((0, b"whole\n"), self.end_of(self.run_in("scratch", "write", "400"))[:2])
        code, _, told = self.end_of(self.run_in("scratch", "write", "600"))
        self.assertNotEqual(0, code)
        self.assertIn("not_started", told)

    def test_rows_7_and_29_the_tasks_of_a_killed_container_go_elsewhere(self):
        worker = self.start_worker("killed", "4g", "2")
        self.farm.prime("g++")
        self.addCleanup(self.farm.client, ["kiln", "pool", "delete", "both"])
        pools.create(self.farm, "both", "--toolchain", "g++", "--warm", "all")
        # Some seconds of work: it is done twice.
        (self.folder / "slow.cc").write_text(SLOW_CC.replace("S<400>", "S<6>"))
        self.farm.kill_worker(0)
        try:
            self.farm.wait_nodes(1)
            call = self.farm.start_client(SLOW_CALL, env={"KILN_POOL": "both"})
            kilntest.wait_until(lambda: any("cc1plus" in line for line in self.processes()),
                                "the task to run in the container")
        finally:
            self.farm.restart_worker(0)
        self.farm.wait_nodes(2)
        self.docker.call("kill", worker.name)
        self.assertEqual(0, call.wait(timeout=120))
        self.assertEqual("w0", pools.ran_on(self.farm, "slow.cc"))
        words = ("cc1plus", "/opt/kiln/", "kiln-nursery")
        kilntest.wait_until(lambda: not [line for line in self.processes() if
                                         any(word in line for word in words)],
                            "the container's processes to be gone")

    def test_row_27_docker_stop_ends_a_worker_in_good_order(self):
        worker = self.start_worker("stopped", "4g", "2")
        self.make_pool("stopped", "stopped", "--toolchain", "clang")
        self.docker.call("stop", "--time", "60", worker.name)
        self.assertEqual(0, worker.exit_code, worker.log())

    def processes(self):
        """The command lines of everything in containers."""
        return [line for _, line in self.docker.host.processes()]


if __name__ == "__main__":
    unittest.main()
