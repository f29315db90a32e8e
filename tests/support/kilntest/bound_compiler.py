"""A compiler that needs something of this machine that no toolchain brings along."""

SOURCE = """
#include <unistd.h>
int main(int count, char** words) {
  (void)count;
  if (access("/etc/debian_version", R_OK) != 0) return 3;
  words[0] = "/usr/bin/gcc";
  execv(words[0], words);
  return 127;
}
"""


def build(farm):
    """Compiles it, as `own/gcc` in the farm's projects. Returns its path."""
    folder = farm.directory / "projects"
    (folder / "bound.c").write_text(SOURCE)
    (folder / "own").mkdir()
    farm.client(["gcc", "-O1", "bound.c", "-o", "own/gcc"], check=True)
    return folder / "own" / "gcc"
