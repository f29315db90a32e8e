"""scripts/bench.sh worker: lua through the worker's own side alone, beside a plain local build, in
turns: worker_side.cc says what is in it."""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile

from kilntest import sources

CONTEXTS = ("spawn", "forkserver")


def calls(tree, compiler, level):
    """One compile for each C file of lua."""
    folder = pathlib.Path(tree, "src")
    (folder / "lua5.4-deb-multiarch.h").write_text(
        '#define DEB_HOST_MULTIARCH "x86_64-linux-gnu"\n')  # Debian's build makes it
    return [{"argv": [compiler, level, "-DLUA_COMPAT_5_3", "-DLUA_USE_LINUX", "-c", path.name,
                      "-o", path.stem + ".o"],
             "cwd": str(folder), "output": path.stem + ".o"}
            for path in sorted(folder.glob("*.c"))]


def measure(options):
    """The answer of worker_side, in a directory that is gone afterwards."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        subprocess.run(["cp", "-r", str(sources.fetch("lua5.4")), f"{folder}/lua"], check=True)
        job = {"calls": calls(f"{folder}/lua", options.compiler, options.level),
               "jobs": options.jobs, "rounds": options.rounds, "contexts": CONTEXTS}
        program = pathlib.Path(os.environ["KILN_BIN_DIR"], "worker_side")
        done = subprocess.run([program, f"{folder}/worker"], input=json.dumps(job), text=True,
                              stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("summary", type=pathlib.Path, help="JSON to write")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--compiler", default="clang")
    parser.add_argument("--level", default="-O0")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    answer = measure(options)
    print(f"{os.cpu_count()} cores, load {load:.2f} before the run, lua, {options.compiler} "
          f"{options.level}, {options.jobs} at a time, {options.rounds} rounds")
    for name in ("local", *CONTEXTS):
        print(f"{name:12}{statistics.median(answer[name]):8.3f} s  "
              f"({min(answer[name]):.3f}–{max(answer[name]):.3f})")
    print(f"objects unlike local: {answer['unlike_local']}; {'; '.join(answer['facts'])}")
    options.summary.parent.mkdir(parents=True, exist_ok=True)
    options.summary.write_text(json.dumps(answer, indent=2) + "\n")


if __name__ == "__main__":
    main()
