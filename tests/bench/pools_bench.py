"""scripts/bench.sh pools: what pools cost and gain, the three contexts side by side in one run.
docs/benchmarks.md says what is measured and how."""

import argparse
import pathlib
import shutil
import subprocess
import time

import kilntest
import pool_report
from kilntest import beside, pools
from pool_report import CONTEXTS, Row

SLOTS = 2
MANY_NODES = 4
POOL = "bench"


class PoolBench:
    def __init__(self, farm, options):
        self.farm, self.options = farm, options
        self.folder = farm.directory / "projects"
        (self.folder / "empty.c").write_text("")

    # ---- until warm -----------------------------------------------------------------------------

    def until_warm(self, staged):
        """`pool create --warm all`, from the command's start to its end."""
        found = {context: [] for context in CONTEXTS}
        if staged:  # on every node, not only where a call has been
            self._create(CONTEXTS[0], "--warm", "all")
            self._delete()
        for _ in range(self.options.rounds):
            for context in CONTEXTS:
                if not staged:
                    self._empty_stores()
                started = time.monotonic()
                self._create(context, "--warm", "all")
                found[context].append(time.monotonic() - started)
                self._delete()
        nodes = f"{self.farm.count} node" + ("s" if self.farm.count > 1 else "")
        how = "staged" if staged else "not staged"
        return Row(f"create to warm: {nodes}, {how}", "s", found)

    def _empty_stores(self):
        for number, worker in enumerate(self.farm.workers):
            worker.end()
            shutil.rmtree(self.farm.directory / f"store{number}")
        for number in range(self.farm.count):
            self.farm.restart_worker(number)
        self.farm.wait_nodes(self.farm.count)
        # The agent that knew the workers before would first have to notice that these are others.
        self.farm.kiln("agent", "stop")
        self.farm.kiln("status")

    def _create(self, context, *words):
        pools.create(self.farm, POOL, "--context", context, "--toolchain", "clang", *words)

    def _delete(self):
        self.farm.client(["kiln", "pool", "delete", POOL], check=True)
        kilntest.wait_until(lambda: POOL not in [pool["name"] for pool in self.farm.kiln(
            "pools", "--json")["pools"]], "the pool to be gone")

    # ---- first tasks ----------------------------------------------------------------------------

    def first_tasks(self):
        """The first call in a pool of each temperature, and the steady state after it."""
        found = {what: {context: [] for context in CONTEXTS}
                 for what in ("cold", "quiesced", "warm", "steady")}
        for _ in range(self.options.rounds):
            for context in CONTEXTS:
                self._create(context)
                found["cold"][context].append(self._call())
                self.farm.client(["kiln", "pool", "quiesce", POOL], check=True)
                pools.wait_pool(self.farm, POOL, lambda pool: pool["state"] == "quiesced",
                                "the quiesce")
                found["quiesced"][context].append(self._call())
                self._delete()
                self._create(context, "--warm", "all")
                found["warm"][context].append(self._call())
                found["steady"][context] += [self._call() for _ in range(5)]
                self._delete()
        return [Row(f"clang -c of an empty file: {what}", "ms", samples)
                for what, samples in found.items()]

    def _call(self):
        started = time.monotonic()
        pools.compile_in(self.farm, POOL, ["clang", "-c", "empty.c"], check=True)
        return 1000 * (time.monotonic() - started)

    # ---- the task alone -------------------------------------------------------------------------

    def tasks(self):
        """What one task takes on its worker, root and run together."""
        commands = {"gcc": ["gcc", "-c", "empty.c"], "clang": ["clang", "-c", "empty.c"],
                    "python3": ["run", "--", "/usr/bin/python3", "--version"]}
        if rustc := beside.real_rustc():
            commands["rustc"] = ["run", "--", str(rustc), "--version"]
        return [self._one_task(name, argv) for name, argv in commands.items()]

    def _one_task(self, name, argv):
        program = argv[2] if argv[0] == "run" else name
        asked = argv[2] if argv[0] == "run" else "empty.c"
        found = {context: [] for context in CONTEXTS}
        for context in CONTEXTS:
            pools.create(self.farm, f"{name}-{context}", "--context", context, "--toolchain",
                         program, "--warm", "all")
        for turn in range(self.options.calls + 1):
            for context in CONTEXTS:
                pools.compile_in(self.farm, f"{name}-{context}", argv, check=True)
                phases = self.farm.kiln("why", asked, "--json", cwd=self.folder)["phases"]
                if turn > 0:  # the first one warms
                    found[context].append(phases["root_ms"] + phases["run_ms"])
        for context in CONTEXTS:
            self.farm.client(["kiln", "pool", "delete", f"{name}-{context}"], check=True)
        return Row(f"a task on its worker: {name}", "ms", found)

    # ---- memory ---------------------------------------------------------------------------------

    def memory(self):
        """What an idle executor of a warm pool adds to the worker's processes."""
        found = {context: [] for context in CONTEXTS}
        for _ in range(self.options.rounds):
            for context in CONTEXTS:
                before = self._below()
                self._create(context, "--warm", "all")
                found[context].append((self._below() - before) / SLOTS / 2**20)
                self._delete()
                kilntest.wait_until(lambda b=before: self._below() < b + 2**20, "the memory back")
        return Row("an idle executor's memory (clang)", "MiB", found)

    def _below(self):
        return pools.resident_bytes(pools.descendants(self.farm.workers[0].pid))


def measure(options):
    with kilntest.Farm(workers=1, slots=SLOTS) as farm:
        farm.prime("gcc", "clang")
        bench = PoolBench(farm, options)
        yield bench.until_warm(staged=True)
        yield from bench.first_tasks()
        yield from bench.tasks()
        yield bench.memory()
        yield bench.until_warm(staged=False)
    with kilntest.Farm(workers=MANY_NODES, slots=SLOTS) as farm:
        farm.prime("gcc", "clang")
        bench = PoolBench(farm, options)
        yield bench.until_warm(staged=True)
        yield bench.until_warm(staged=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("summary", type=pathlib.Path, help="JSON to write; pools.md goes beside it")
    parser.add_argument("--rounds", type=int, default=7, help="pools of each context")
    parser.add_argument("--calls", type=int, default=30, help="single tasks of each context")
    options = parser.parse_args()
    pool_report.run(measure(options), options.summary, options.rounds)


if __name__ == "__main__":
    main()
