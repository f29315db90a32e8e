"""Programs whose loader finds their libraries beside them, by $ORIGIN."""

import pathlib
import subprocess

LIBRARY = "const char* greeting(void) { return \"from beside\"; }\n"
PROGRAM = """
#include <stdio.h>
const char* greeting(void);
int main(int count, char** words) { printf("%s %d %s\\n", greeting(), count, words[1]); }
"""


def build(farm):
    """Compiles one, as `beside/bin/greet` in the farm's projects. Returns its path."""
    folder = farm.directory / "projects" / "beside"
    for name in ("bin", "lib"):
        (folder / name).mkdir(parents=True)
    (folder / "lib" / "greeting.c").write_text(LIBRARY)
    (folder / "bin" / "greet.c").write_text(PROGRAM)
    farm.client(["gcc", "-shared", "-fPIC", "lib/greeting.c", "-o", "lib/libgreeting.so"],
                cwd=folder, check=True)
    farm.client(["gcc", "bin/greet.c", "-o", "bin/greet", "-Llib", "-lgreeting",
                 "-Wl,-rpath,$ORIGIN/../lib"], cwd=folder, check=True)
    return folder / "bin" / "greet"


def real_rustc():
    """Not rustup's proxy, which needs a home; None where there is no rustc."""
    try:
        done = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True,
                              check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return pathlib.Path(done.stdout.strip(), "bin", "rustc")
