"""Pools under load: many of them, and everything that can be done with one, at random, while calls
run and processes die. No call is lost, and nothing is left behind."""

import collections
import os
import pathlib
import random
import signal
import subprocess
import time
import unittest

import kilntest
from kilntest import pools

SEED = int(os.environ.get("KILN_TEST_SEED", "20261127"))
STORM_SECONDS = float(os.environ.get("KILN_STORM_SECONDS", "15"))
MANY_POOLS, SAMPLE = 200, 20
NAMES = ("a", "b", "c")
SETTLE_SECONDS = 60


class PoolStormTest(kilntest.FarmCase):
    maxDiff = None

    def shell(self, farm, commands):
        """One shell for all: a command costs less than its test's own process would."""
        farm.client(["sh", "-c", "; ".join(f"{command} >/dev/null || exit 1"
                                           for command in commands)], check=True)

    def test_two_hundred_pools(self):
        farm = self.start_farm(workers=2)
        farm.prime("gcc")
        names = [f"p{number}" for number in range(MANY_POOLS)]
        sample = names[::MANY_POOLS // SAMPLE]
        warm = dict(zip(sample[::2], pools.CONTEXTS * SAMPLE))
        before = Leftovers(farm)
        self.shell(farm, [f"kiln pool create {name} --executors 1" +
                          (f" --context {warm[name]} --toolchain gcc --warm all"
                           if name in warm else "") for name in names])
        listed = {pool["name"]: pool for pool in farm.kiln("pools", "--json")["pools"]}
        self.assertEqual({*names, "default"}, set(listed))
        self.assertEqual({name: [1, 1] for name in warm},
                         {name: [node["pool"]["ready"] for node in listed[name]["nodes"]]
                          for name in warm})
        folder = farm.directory / "projects"
        for name in sample:
            (folder / f"{name}.c").write_text(f"int {name};\n")
            pools.compile_in(farm, name, ["gcc", "-c", f"{name}.c"], check=True)
            self.assertIsNotNone(pools.ran_on(farm, f"{name}.c"))
        used = {name: 1 if name in sample else 0 for name in names}
        kilntest.wait_until(lambda: {name: total_of(farm, "tasks", name) for name in names} == used,
                            "each pool to have had its own tasks and no others")
        self.assertEqual({name: 1 for name in warm},
                         {name: total_of(farm, "warm_hits", name) for name in warm})
        self.shell(farm, [f"kiln pool delete {name}" for name in names])
        self.assertEqual(["default"],
                         [pool["name"] for pool in farm.kiln("pools", "--json")["pools"]])
        before.wait_for_no_others(self)

    def test_everything_at_random_under_load(self):
        farm = self.start_farm(workers=2)
        farm.prime("gcc", "clang")
        before = Leftovers(farm)
        storm = Storm(farm, random.Random(SEED))
        for name in NAMES:
            storm.create(name)
        ends = time.monotonic() + STORM_SECONDS
        late = ends + 120  # a slow machine takes its time
        while time.monotonic() < ends or (storm.calls <= 20 and time.monotonic() < late):
            storm.step()
        failures = storm.finish()
        self.assertEqual([], failures, f"seed {SEED}: {storm.story}")
        self.assertGreater(storm.calls, 20)
        for name in NAMES:
            farm.client(["kiln", "pool", "delete", name], check=True)
        before.wait_for_no_others(self, f"seed {SEED}")


def total_of(farm, field, pool):
    return sum(node["pool"][field] for known in farm.kiln("pools", "--json")["pools"]
               if known["name"] == pool for node in known["nodes"])


class Leftovers:
    """What an idle farm has: the processes of each host with the mounts that they see, and the
    passing files of each store, on the disk and in the memory that its nursery sees."""

    def __init__(self, farm):
        self._farm = farm
        self._expected = kilntest.wait_until(self._idle, "the farm to be idle", SETTLE_SECONDS)

    def _idle(self):
        """How it is, when all that is to be ready is, and nothing of a task goes on."""
        ready = all(pool["ready"] == pool["executors"]
                    for pool in pools.nodes(self._farm, "default").values())
        before = self._look()
        tasks = [name for names in before["scratch"] for name in names if name.startswith("task")]
        return before if ready and not tasks and self._look() == before else None

    def wait_for_no_others(self, case, note=""):
        def same():
            return self._look() == self._expected
        try:
            kilntest.wait_until(same, "the farm to be as before", SETTLE_SECONDS)
        except AssertionError:
            case.assertEqual(self._expected, self._look(), note)

    def _look(self):
        stores = [self._farm.directory / f"store{number}"
                  for number in range(len(self._farm.workers))]
        return {
            "processes": [self._processes(host) for host in self._farm.network.hosts],
            "stores": [pools.passing_of(store) for store in stores],
            "scratch": [sorted(os.listdir(
                f"/proc/{pools.nursery_of(worker)}/root{store}/scratch"))
                        for worker, store in zip(self._farm.workers, stores)]}

    @staticmethod
    def _processes(host):
        return collections.Counter((pathlib.PurePath(line.split()[0]).name,
                                    tuple(pools.mounts_of(pid))) for pid, line in host.processes())


class Storm:
    """Random deeds and the calls that run meanwhile; `story` is what was done, for a replay."""

    def __init__(self, farm, chance):
        self.farm, self.chance = farm, chance
        self.folder = farm.directory / "projects"
        self.running, self.failures, self.story, self.calls = [], [], [], 0

    def create(self, name):
        context = self.chance.choice(pools.CONTEXTS)
        self._kiln("create", name, "--context", context, "--toolchain", "clang", "--executors",
                   str(self.chance.randint(1, 3)))

    def step(self):
        self._start_call(self.chance.choice(NAMES))
        name = self.chance.choice(NAMES)
        deed = self.chance.choices(("quiesce", "wake", "resize", "again", "kill", "nothing"),
                                   (3, 3, 2, 3, 1, 6))[0]
        if deed == "resize":
            self._kiln("resize", name, str(self.chance.randint(1, 3)))
        elif deed == "again":
            self._make_again(name)
        elif deed == "kill":
            self._kill_something()
        elif deed == "quiesce":
            self._kiln("quiesce", name)
        elif deed == "wake":
            # It is not waited for, and what was killed too often is broken.
            self._kiln("wake", name, "--timeout", "1ms", unless=(" broken ", "is not as warm as"))
        self._wait_for_calls(6)

    def finish(self):
        self._wait_for_calls(0)
        return self.failures

    def _kiln(self, *words, unless=()):
        """`unless`: what is said where it may fail."""
        self.story.append(" ".join(words))
        done = self.farm.client(["kiln", "pool", *words])
        told = (done.stdout + done.stderr).decode()
        if done.returncode != 0 and not any(reason in " ".join(told.split()) for reason in unless):
            self.failures.append(f"{self.story[-1]}: {told}")

    def _make_again(self, name):
        """Deletes it under its calls, which may fail for that, as may one that comes then."""
        for call in self.running:
            call.doomed |= call.pool == name
        self._kiln("delete", name)
        self._start_call(name, doomed=True)
        if self.chance.random() < 0.5:
            self._wait_for_calls(0)  # so that some find none for good
        self.create(name)

    def _kill_something(self):
        """Any process below a worker but its nursery: executors, templates, inits, compilers."""
        worker = self.chance.choice(self.farm.workers)
        below = sorted(pools.descendants(pools.nursery_of(worker)))
        if not below:
            return
        self.story.append("kill")
        try:
            os.kill(self.chance.choice(below), signal.SIGKILL)
        except ProcessLookupError:
            pass  # it has ended by itself

    def _start_call(self, pool, doomed=False):
        number, self.calls = self.calls, self.calls + 1
        compiler = self.chance.choice(("gcc", "clang"))
        source = self.folder / f"storm{number}.c"
        source.write_text(f"int storm{number}(int a) {{ return a + {number}; }}\n")
        process = self.farm.start_client(["kiln", compiler, "-c", source.name],
                                         env={"KILN_POOL": pool}, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.PIPE)
        self.running.append(Call(process, pool, source, doomed))

    def _wait_for_calls(self, most):
        """Until at most so many calls run."""
        while len(self.running) > most:
            if reason := self.running.pop(0).failure():
                self.failures.append(reason)


class Call:
    """A compile in a pool; doomed: the pool was deleted in its time."""

    def __init__(self, process, pool, source, doomed):
        self.process, self.pool, self.source, self.doomed = process, pool, source, doomed

    def failure(self):
        """Waits for its end: why that is wrong, or None."""
        _, told = self.process.communicate(timeout=120)
        told = told.decode()
        if self.process.returncode == 0 and self.source.with_suffix(".o").exists():
            return None
        if self.doomed and f'there is no pool "{self.pool}"' in " ".join(told.split()):
            return None
        return f"{self.source.name} in {self.pool}{' (deleted)' if self.doomed else ''}: {told}"


if __name__ == "__main__":
    unittest.main()
