"""make bench: Kiln beside a local build, distcc and icecream, all in one run on the same cores, the
workers on hosts of their own. Usage: bench.py SUMMARY.json"""

import json
import os
import pathlib
import resource
import statistics
import sys
import time

import kilntest
import peers
from kilntest.projects import JOBS, Project, objects

ROUNDS = 3
CALLS = 40


class Bench:
    def __init__(self, farm):
        self.farm = farm
        self.rows = []

    def row(self, name, unit, kiln, **others):
        self.rows.append({"name": name, "unit": unit, "kiln": round(kiln, 3),
                          "peers": {peer: round(value, 3) for peer, value in others.items()}})
        row = self.rows[-1]
        print(f"{name:34} {unit:6} " + "  ".join(
            f"{peer} {value:g}" for peer, value in [("kiln", row["kiln"]), *row["peers"].items()]),
            flush=True)

    # ---- whole builds ---------------------------------------------------------------------------

    def one_build(self, peer, project):
        """(wall seconds, client CPU seconds, bytes over the client's cable, objects) of a build."""
        project.fresh(peer.launcher)
        cpu, moved = self.client_cpu(peer), self.bytes_moved()
        started = time.monotonic()
        snapshot = project.build(peer.launcher, env=peer.environment)
        wall = time.monotonic() - started
        return wall, self.client_cpu(peer) - cpu, self.bytes_moved() - moved, snapshot

    def client_cpu(self, peer):
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime + peer.cpu()

    def bytes_moved(self):
        text = self.farm.client(["cat", "/proc/net/dev"], check=True).stdout.decode()
        line = next(line for line in text.splitlines() if "eth0" in line)
        fields = line.partition(":")[2].split()
        return int(fields[0]) + int(fields[8])

    def builds(self, contenders, flags):
        project = Project(self.farm, "lua", "gcc", flags)
        for peer in contenders:
            self.one_build(peer, project)  # toolchains travel, caches fill
        found = {peer.name: [] for peer in contenders}
        for _ in range(ROUNDS):
            for peer in contenders:
                found[peer.name].append(self.one_build(peer, project))
        count = len(objects(found["local"][0][3]))
        self.median(f"lua {flags} -j{JOBS} wall", "s", found, lambda build: build[0])
        local = statistics.median(build[0] for build in found["local"])
        self.median(f"lua {flags} -j{JOBS} wall over local", "%", found,
                    lambda build: 100 * (build[0] / local - 1))
        self.median(f"lua {flags} client CPU per file", "ms", found,
                    lambda build: 1000 * build[1] / count)
        self.median(f"lua {flags} bytes moved per file", "KiB", found,
                    lambda build: build[2] / 1024 / count)
        self.median(f"lua {flags} objects unlike local", "files", found, lambda build: len(
            kilntest.differences(found["local"][0][3], build[3])))

    def median(self, name, unit, found, value):
        medians = {peer: statistics.median(map(value, builds)) for peer, builds in found.items()}
        self.row(name, unit, **medians)

    # ---- single calls ---------------------------------------------------------------------------

    def single_calls(self):
        folder = self.farm.directory / "projects"
        (folder / "small.c").write_text("int small;\n")
        call = ["kiln", "gcc", "-c", "small.c"]
        self.farm.client(call, check=True)
        walls, rests = [], []
        for _ in range(CALLS):
            self.farm.client(call, check=True)
            why = self.farm.kiln("why", "small.c", "--json")
            phases = why["phases"]
            walls.append(why["wall_ms"])
            rests.append(why["wall_ms"] - phases["run_ms"] - phases["list_ms"])
        self.row("small file, whole call", "ms", statistics.median(walls))
        self.row("small file, less compile and -M", "ms", statistics.median(rests))
        self.row("launcher, CPU of its own", "ms", self.launcher_ms(call, folder))
        root = self.farm.workers[0]
        seconds = root.metric("kiln_worker_task_root_seconds_sum")
        count = root.metric("kiln_worker_task_root_seconds_count")
        self.row("hermetic root, mean", "ms", 1000 * seconds / max(count, 1))

    def launcher_ms(self, call, folder):
        """User and system time of the launcher, less that of the same with nothing to start."""
        code = ("import os, sys, resource\n"
                "for _ in range(int(sys.argv[1])):\n"
                "    pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)\n"
                "    _, status, usage = os.wait4(pid, 0)\n"
                "    print(1000 * (usage.ru_utime + usage.ru_stime))\n")
        done = self.farm.client([sys.executable, "-c", code, CALLS, *call], cwd=folder, check=True)
        return statistics.median(map(float, done.stdout.split()))


def main():
    target = pathlib.Path(sys.argv[1])
    with kilntest.Farm(workers=1, slots=JOBS) as farm:
        bench = Bench(farm)
        contenders = [peers.local(), peers.kiln(farm), peers.distcc(farm, farm.network),
                      peers.icecream(farm, farm.network)]
        farm.prime("gcc", "g++")
        for flags in ("-O0", "-O2"):
            bench.builds(contenders, flags)
        bench.single_calls()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(bench.rows, indent=2) + "\n")
    print(f"cores: {os.cpu_count()}; written to {target}")


if __name__ == "__main__":
    main()
