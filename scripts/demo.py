"""make demo: see demo.sh."""

import sys
import time

import kilntest
from kilntest.projects import JOBS, Project, objects

NAME, COMPILER, FLAGS = "lua", "gcc", "-O2 -g"


def timed(action):
    started = time.monotonic()
    result = action()
    return result, time.monotonic() - started


def table(rows):
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths)).rstrip())


def compare(farm):
    """(exit code, closing line) of the demonstration on a running farm."""
    project = Project(farm, NAME, COMPILER, FLAGS)
    project.fresh()
    print(f"building {project.recipe.package} locally with {COMPILER} {FLAGS}, -j{JOBS} …",
          flush=True)
    local, local_seconds = timed(project.build)
    print("sending the compilers to the farm, once …", flush=True)
    farm.prime("gcc", "g++")
    before = farm.completed()
    project.fresh(("kiln",))
    print("building it again through kiln …\n", flush=True)
    through, kiln_seconds = timed(lambda: project.build(("kiln",)))
    ran = [now - then for now, then in zip(farm.completed(), before)]
    jobs, differ = len(objects(local)), kilntest.differences(local, through)
    identical = "no" if differ else "yes"
    table([("build", "jobs", *(f"on {w.name}" for w in farm.workers), "here", "seconds",
            "objects identical"),
           ("local", jobs, *(0 for _ in ran), jobs, f"{local_seconds:.2f}", "-"),
           ("kiln", jobs, *ran, jobs - sum(ran), f"{kiln_seconds:.2f}", identical)])
    for line in differ[:10]:
        print("  " + line)
    print("\nWorkers and client share this machine's cores here: the farm cannot be faster\n"
          "than the local build. What it shows is what Kiln itself costs, and that objects\n"
          "are equal.")
    closing = (f"demo: jobs={jobs} remote={sum(ran)} identical={identical} "
               f"local_seconds={local_seconds:.2f} kiln_seconds={kiln_seconds:.2f}")
    return (0 if identical == "yes" and sum(ran) == jobs else 1), closing


def main():
    with kilntest.Farm(workers=2, isolated=False) as farm:
        code, closing = compare(farm)
    print(closing)
    return code


if __name__ == "__main__":
    sys.exit(main())
