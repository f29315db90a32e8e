"""Kiln's Debian packages, made of the binaries that are tested."""

import os
import pathlib
import subprocess

PACKAGES = ("kiln", "kiln-coordinator", "kiln-worker", "libkiln-dev")


def binaries():
    """The folder of the programs that are tested."""
    return pathlib.Path(os.environ["KILN_BIN_DIR"])


def make(folder, packages=PACKAGES, programs=None):
    """Makes them in `folder`, of `programs`' folder or the programs that are tested: a dictionary
    of name and path."""
    command = ["cpack", "-G", "DEB", "-B", folder, "-D",
               f"CPACK_COMPONENTS_ALL={';'.join(packages)}"]
    done = subprocess.run(command, cwd=(programs or binaries()).parent, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"cpack ended with {done.returncode}\n{done.stdout}")
    found = {path.name.split("_")[0]: path for path in pathlib.Path(folder).glob("*.deb")}
    if set(found) != set(packages):
        raise AssertionError(f"cpack made {sorted(found)}\n{done.stdout}")
    return found
