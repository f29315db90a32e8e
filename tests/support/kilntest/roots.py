"""Whole Debian systems in folders, made by debootstrap once per checkout: compilers that stand on
another C library, and what an image of a container is made of. Needs root."""

import fcntl
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]
CACHE = pathlib.Path(os.environ.get("KILN_ROOTS_DIR", ROOT / "build" / "roots"))


def fetch(name, suite, packages):
    """The folder `name` of the cache, with these packages. Change nothing in it: lay a directory
    over it."""
    CACHE.mkdir(parents=True, exist_ok=True)
    place, listed = CACHE / name, CACHE / f"{name}.packages"
    wanted = " ".join([suite, *packages]) + "\n"
    with open(CACHE / f"{name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists() or not listed.exists() or listed.read_text() != wanted:
            shutil.rmtree(place, ignore_errors=True)
            _make(suite, packages, place)
            listed.write_text(wanted)
    return place


def _make(suite, packages, place):
    scratch = place.with_name(f"{place.name}.new")
    shutil.rmtree(scratch, ignore_errors=True)
    # What it mounts in the new system must not outlive it.
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "debootstrap",
               "--variant=minbase", f"--include={','.join(packages)}", suite, scratch, _mirror()]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode != 0:
        shutil.rmtree(scratch, ignore_errors=True)
        raise RuntimeError(f"debootstrap of {suite} failed:\n{done.stdout}")
    shutil.rmtree(scratch / "var" / "cache" / "apt")
    scratch.rename(place)


def codename():
    """Of the system that this machine runs."""
    with open("/etc/os-release", encoding="utf-8") as lines:
        values = dict(line.rstrip().split("=", 1) for line in lines if "=" in line)
    return values["VERSION_CODENAME"].strip('"')


def _mirror():
    """Where this machine itself gets its packages from."""
    told = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)", "Created-By: Packages"],
        capture_output=True, text=True, check=True).stdout
    for line in told.splitlines():
        release, address = line.split()
        if release == codename():
            return address
    raise RuntimeError(f"apt has no source of {codename()} to take a mirror from: apt-get update?")


def packages_of(programs):
    """The packages that own the shared libraries of programs."""
    told = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=False).stdout
    files = {os.path.realpath(line.split()[2]) for line in told.splitlines() if " => /" in line}
    owners = subprocess.run(["dpkg-query", "--search", *sorted(files)], capture_output=True,
                            text=True, check=False).stdout
    return sorted({line.split(":")[0] for line in owners.splitlines()})
