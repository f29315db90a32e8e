"""Real projects to compile: Debian source packages, fetched once per checkout."""

import fcntl
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]
CACHE = pathlib.Path(os.environ.get("KILN_SOURCES_DIR", ROOT / "build" / "sources"))


def fetch(package):
    """The unpacked source tree of a Debian package. Do not build in it: copy it (Farm.project)."""
    CACHE.mkdir(parents=True, exist_ok=True)
    place = CACHE / package
    with open(CACHE / f"{package}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            _download(package, place)
    return place


def _download(package, place):
    scratch = CACHE / f"{package}.new"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    command = ["apt-get", "source", "-qq", "-o", "APT::Sandbox::User=root", package]
    done = subprocess.run(command, cwd=scratch, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    trees = [path for path in scratch.iterdir() if path.is_dir()]
    if done.returncode != 0 or len(trees) != 1:
        raise RuntimeError(f"fetching the source of {package} failed (`make deps` adds the source "
                           f"entries that apt needs):\n{done.stdout}")
    trees[0].rename(place)
    shutil.rmtree(scratch)
