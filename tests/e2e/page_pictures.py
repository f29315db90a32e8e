"""Pictures of the live page over a real farm under load, for the documents.
Usage: page_pictures.py FOLDER"""

import json
import pathlib
import sys

from kilntest import Farm, pools, wait_until
from kilntest.chromium import Chromium

WORKERS, SLOTS = 6, 8
BUILDS = {"nightly": ("gcc", 14), "feature/arena": ("clang", 10), "asan": ("gcc", 8)}
FOLDERS = ("src", "lib/net", "lib/codec", "core")
NAMES = ("arena", "buffer", "codec", "digest", "frame", "lexer", "parser", "planner", "queue",
         "reactor", "scanner", "session", "table", "timer", "writer")
# Enough to compile for a picture of it: some hundred functions that the optimiser takes time for.
FUNCTION = ("int f{0}(const int *p, int n) {{ int s = {0}; for (int i = 0; i < n; ++i) for (int j ="
            " 0; j < 8; ++j) s = s * 31 + (p[i] ^ (s >> (j & {1}))); return s; }}\n")
LOOP = """while :; do
  make -s -k -j{jobs} >/dev/null 2>&1
  find . -name '*.o' -delete
done
"""
MAKEFILE = """all: $(patsubst %.c,%.o,$(wildcard */*.c */*/*.c))
%.o: %.c
\t@kiln {compiler} -O2 -c $< -o $@
"""
SIZES = {"": (1440, 1000), "-narrow": (400, 900)}
WORKED = 45  # points of the series that a picture has at least


def start_build(farm, name, compiler, jobs):
    folder = farm.directory / "projects" / name.replace("/", "-")
    for number, place in enumerate(FOLDERS):
        (folder / place).mkdir(parents=True)
        for file, word in enumerate(NAMES):
            count = 40 + (number * 37 + file * 53) % 260
            (folder / place / f"{word}.c").write_text(
                "".join(FUNCTION.format(at, 1 + at % 7) for at in range(count)))
    (folder / "Makefile").write_text(MAKEFILE.format(compiler=compiler))
    return farm.start_client(["sh", "-c", LOOP.format(jobs=jobs)], cwd=folder,
                             env={"KILN_BUILD": name})


def live(farm):
    return json.loads(farm.coordinator.get("/api/v1/live")[1])


def worked(farm):
    return sum(point[1] > 0 for point in live(farm)["series"]["points"]) >= WORKED


def shown(browser, address, view, ready, what):
    browser.open("about:blank")
    browser.open(f"{address}/{view}")
    browser.wait(ready, what, 60)


def take(browser, address, farm, folder):
    number = next(one["id"] for one in live(farm)["builds"] if one["name"] == "nightly")
    tasks = "document.querySelectorAll('#running tbody tr').length > 3"
    timeline = "/\\d\\d jobs/.test(document.querySelector('.timeline .more')?.innerText)"
    for theme in ("dark", "light"):
        browser.prefer(dark=theme == "dark")
        for suffix, size in SIZES.items():
            browser.resize(*size)
            shown(browser, address, "#/", tasks, "tasks")
            browser.screenshot(folder / f"page-{theme}{suffix}.png")
        browser.resize(*SIZES[""])
        browser.type("b")
        browser.screenshot(folder / f"page-{theme}-builds.png")
        shown(browser, address, f"#/build/{number}", timeline, "the timeline")
        browser.screenshot(folder / f"page-{theme}-timeline.png")


def main():
    folder = pathlib.Path(sys.argv[1])
    with Farm(workers=WORKERS, slots=SLOTS, isolated=False) as farm:
        farm.prime("gcc", "clang")
        pools.create(farm, "cc", "--context", "forkserver", "--toolchain", "gcc", "--warm", "all",
                     "--min-warm", "3")
        loops = [start_build(farm, name, *how) for name, how in BUILDS.items()]
        try:
            wait_until(lambda: worked(farm), "the farm to have worked for a while", 300)
            address = "http://{}:{}".format(*farm.coordinator.http_address)
            with Chromium() as browser:
                take(browser, address, farm, folder)
        finally:
            for loop in loops:
                loop.kill()


if __name__ == "__main__":
    main()
