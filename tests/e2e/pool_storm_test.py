"""Pools under load: many of them, and everything that can be done with one, at random, while calls
run and processes die. No call is lost, and nothing is left behind."""

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
STORM_SECONDS = float(os.environ.get("KILN_STORM_SECONDS", "60"))
MANY_POOLS = 200
NAMES = ("a", "b", "c")


class PoolStormTest(kilntest.FarmCase):
    def test_two_hundred_pools(self):
        farm = self.start_farm(workers=2)
        farm.prime("gcc")
        names = [f"p{number}" for number in range(MANY_POOLS)]
        # One shell for all: a command costs less than its test's own process would.
        script = "; ".join(f"kiln pool create {name} --executors 1 >/dev/null || exit 1"
                           for name in names)
        farm.client(["sh", "-c", script], check=True)
        listed = {pool["name"] for pool in farm.kiln("pools", "--json")["pools"]}
        self.assertEqual({*names, "default"}, listed)
        folder = farm.directory / "projects"
        for name in (names[0], names[MANY_POOLS // 2], names[-1]):
            (folder / f"{name}.c").write_text(f"int {name};\n")
            pools.compile_in(farm, name, ["gcc", "-c", f"{name}.c"], check=True)
            self.assertIsNotNone(pools.ran_on(farm, f"{name}.c"))
        farm.client(["sh", "-c", "; ".join(f"kiln pool delete {name} >/dev/null || exit 1"
                                           for name in names)], check=True)
        self.assertEqual(["default"],
                         [pool["name"] for pool in farm.kiln("pools", "--json")["pools"]])

    def test_everything_at_random_under_load(self):
        farm = self.start_farm(workers=2)
        farm.prime("gcc", "clang")
        before = [len(pools.descendants(worker.pid)) for worker in farm.workers]
        mounts = [mounts_of(worker) for worker in farm.workers]
        storm = Storm(farm, random.Random(SEED))
        for name in NAMES:
            storm.create(name)
        ends = time.monotonic() + STORM_SECONDS
        while time.monotonic() < ends:
            storm.step()
        failures = storm.finish()
        self.assertEqual([], failures, f"seed {SEED}: {storm.story}")
        self.assertGreater(storm.calls, 20)
        for name in NAMES:
            farm.client(["kiln", "pool", "delete", name])
        for worker, count, mounted in zip(farm.workers, before, mounts):
            kilntest.wait_until(
                lambda w=worker, c=count: len(pools.descendants(w.pid)) <= c + 2,
                f"{worker.name} to have no more processes than before (seed {SEED})")
            self.assertEqual(mounted, mounts_of(worker))
            kilntest.wait_until(lambda w=worker: not workspaces_of(farm, w),
                                f"{worker.name} to have no task's directory (seed {SEED})")


def mounts_of(worker):
    """How many file systems the worker and its nursery see."""
    nursery = pools.nursery_of(worker)
    return [len(pathlib.Path(f"/proc/{pid}/mountinfo").read_text().splitlines())
            for pid in (worker.pid, nursery)]


def workspaces_of(farm, worker):
    """The private directories of tasks, in the memory file system that the nursery sees."""
    nursery = pools.nursery_of(worker)
    store = farm.directory / f"store{farm.workers.index(worker)}"
    scratch = pathlib.Path(f"/proc/{nursery}/root{store}/scratch")
    return [path.name for path in scratch.iterdir() if path.name.startswith("task")]


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
        self._start_call()
        name = self.chance.choice(NAMES)
        deed = self.chance.choices(("quiesce", "wake", "resize", "again", "kill", "nothing"),
                                   (3, 3, 2, 1, 1, 6))[0]
        if deed == "resize":
            self._kiln("resize", name, str(self.chance.randint(1, 3)))
        elif deed == "again":
            self._wait_for_calls(0, name)  # a pool that is gone fails its calls, and rightly
            self._kiln("delete", name)
            self.create(name)
        elif deed == "kill":
            self._kill_something()
        elif deed in ("quiesce", "wake"):
            self._kiln(deed, name, *(["--timeout", "1ms"] if deed == "wake" else []))
        self._wait_for_calls(6)

    def finish(self):
        self._wait_for_calls(0)
        return self.failures

    def _kiln(self, *words):
        self.story.append(" ".join(words))
        self.farm.client(["kiln", "pool", *words])

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

    def _start_call(self):
        number, self.calls = self.calls, self.calls + 1
        name = self.chance.choice(NAMES)
        compiler = self.chance.choice(("gcc", "clang"))
        source = self.folder / f"storm{number}.c"
        source.write_text(f"int storm{number}(int a) {{ return a + {number}; }}\n")
        call = self.farm.start_client(["kiln", compiler, "-c", source.name],
                                      env={"KILN_POOL": name}, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.PIPE)
        self.running.append((call, name, source))

    def _wait_for_calls(self, most, pool=None):
        """Until at most so many calls run (of that pool)."""
        mine = [entry for entry in self.running if pool is None or entry[1] == pool]
        for entry in mine[:max(0, len(mine) - most)]:
            call, name, source = entry
            _, told = call.communicate(timeout=120)
            if call.returncode != 0 or not source.with_suffix(".o").exists():
                self.failures.append(f"{source.name} in {name}: {told.decode()}")
            self.running.remove(entry)


if __name__ == "__main__":
    unittest.main()
