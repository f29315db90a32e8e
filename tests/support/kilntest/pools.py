"""Pools of a farm, as `kiln pool` shows them."""

import json
import subprocess

from kilntest.waiting import wait_until

CONTEXTS = ("spawn", "fork", "forkserver")
# Where a worker's store keeps what can be used again: blobs, staged files, definitions.
_KEPT = ("blobs", "instances", "pools.bin", "spare", "toolchains", "trees")


def create(farm, name, *words, check=True):
    """`kiln pool create`: the pool as it then is; with `check` False the CompletedProcess."""
    done = farm.client(["kiln", "pool", "create", name, *words, "--json"], check=check)
    return json.loads(done.stdout)["pools"][0] if check else done


def show(farm, name):
    return farm.kiln("pool", "show", name, "--json")["pools"][0]


def nodes(farm, name):
    """How the pool stands on each of its nodes: a dict by the node's name."""
    return {node["node"]: node["pool"] for node in show(farm, name)["nodes"]}


def total(farm, name, field):
    return sum(node[field] for node in nodes(farm, name).values())


def wait_pool(farm, name, condition, what, seconds=30):
    """Until `condition` holds of every node's pool; returns them all."""
    def look():
        now = nodes(farm, name)
        return now if now and all(condition(pool) for pool in now.values()) else None
    return wait_until(look, what, seconds)


def compile_in(farm, pool, argv, **options):
    return farm.client(["kiln", *argv], env={"KILN_POOL": pool}, **options)


def ran_on(farm, name):
    """The node that compiled the file `name` of the farm's projects last, remotely."""
    why = farm.kiln("why", name, "--json", cwd=farm.directory / "projects")
    return why["node"] if why.get("ran") == "remote" else None


def descendants(pid):
    """The processes below `pid` on this machine: a dict of pid to command name."""
    below, found = [pid], {}
    while below:
        listed = subprocess.run(["ps", "--ppid", str(below.pop()), "-o", "pid=,comm="],
                                capture_output=True, text=True, check=False).stdout
        for line in listed.splitlines():
            child, name = line.split(None, 1)
            found[int(child)] = name
            below.append(int(child))
    return found


def nursery_of(worker):
    """The worker's one child, which everything else below it descends from."""
    return next(iter(descendants(worker.pid)))


def resident_bytes(pids):
    """What these processes have in memory, what they share counted in parts."""
    sum_of = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
                sum_of += sum(int(line.split()[1]) * 1024 for line in rollup
                              if line.startswith("Pss:"))
        except OSError:
            pass  # it has ended
    return sum_of


def passing_of(store):
    """All that is in a worker's store only as long as a task, an executor or a transfer needs it:
    names, sorted."""
    names = (path.relative_to(store) for path in store.rglob("*"))
    return sorted(str(name) for name in names if name.parts[0] not in _KEPT)


def mounts_of(pid):
    """Where the process sees file systems mounted, sorted; nothing once it has ended."""
    try:
        with open(f"/proc/{pid}/mountinfo", encoding="utf-8") as mounts:
            return sorted(line.split()[4] for line in mounts)
    except OSError:
        return []
