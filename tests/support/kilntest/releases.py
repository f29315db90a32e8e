"""Kiln's files and packages as this checkout has them, and as the commit before it had them."""

import fcntl
import os
import pathlib
import shutil
import subprocess

from kilntest import packages

ROOT = pathlib.Path(__file__).resolve().parents[3]
PREVIOUS = ROOT / "build" / "previous"
PACKAGES = ("kiln", "kiln-coordinator", "kiln-worker")
# What docker-compose needs of a checkout when packages are made already.
FILES = ("docker-compose.yml", ".env", ".dockerignore", "scripts/deps.sh",
         "scripts/pack-client.sh", "LICENSE")


class Release:
    """`tree` has the files, `binaries` is a folder of built programs."""

    def __init__(self, tree, binaries):
        self.tree, self.binaries = tree, binaries

    def lay_out(self, project):
        """Makes `project` a checkout of it with packages in the folder `packages`, whatever was
        there before."""
        shutil.rmtree(project, ignore_errors=True)
        shutil.copytree(self.tree / "deploy", project / "deploy")
        (project / "scripts").mkdir()
        for name in FILES:
            if (self.tree / name).exists():  # an earlier commit may have had no need of it
                shutil.copy(self.tree / name, project / name)
        packages.make(project / "packages", PACKAGES, self.binaries)


def current():
    return Release(ROOT, packages.binaries())


def previous():
    """Builds it unless that has been done; its objects are mostly in ccache."""
    commit = _git("rev-parse", "--verify", "--quiet", "HEAD~1").decode().strip()
    tree = PREVIOUS / commit
    PREVIOUS.mkdir(parents=True, exist_ok=True)
    with open(PREVIOUS / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (tree / "built").exists():
            for old in PREVIOUS.glob("*/"):
                shutil.rmtree(old)
            tree.mkdir()
            _run(["tar", "-x"], cwd=tree, input=_git("archive", commit))
            _run(["cmake", "--preset", "release", "-DKILN_TESTS=OFF"], cwd=tree)
            _run(["cmake", "--build", "--preset", "release", "-j", str(os.cpu_count())], cwd=tree)
            (tree / "built").touch()
    return Release(tree, tree / "build" / "release" / "bin")


def _git(*words):
    # The checkout may be another user's than root's, who runs the tests.
    return _run(["git", "-c", f"safe.directory={ROOT}", *words], cwd=ROOT)


def _run(argv, **options):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                          **options)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).decode(errors="replace")[-4000:]
        raise AssertionError(f"{argv} ended with {done.returncode}\n{said}")
    return done.stdout
