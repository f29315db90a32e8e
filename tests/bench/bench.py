"""make bench: Kiln beside a local build, distcc and icecream, all in one run on the same cores, the
workers on hosts of their own. docs/benchmarks.md says what is measured and how."""

import argparse
import os
import pathlib

import kilntest
import peers
import report
from builds import JOBS, Builds
from calls import Calls

QUIET_LOAD = 0.5
START, END = "<!-- figures: written by scripts/bench.sh --docs -->", "<!-- end of figures -->"
SETTINGS = (("gcc", "-O0"), ("gcc", "-O2"), ("clang", "-O0"))


def measure(farm, options):
    """Yields rows as they are found."""
    settings = SETTINGS[:options.settings]
    compilers = sorted({compiler for compiler, _ in settings})
    contenders = [peers.local(), peers.distcc(farm), peers.kiln(farm)]
    if not options.without_icecream:
        contenders.append(peers.icecream(farm, compilers))
    farm.prime(*compilers)
    builds = Builds(farm, options.files)
    for compiler, level in settings:
        yield from builds.compare(contenders, compiler, level, options.rounds)
    calls = Calls(farm, options.calls)
    yield from calls.small_file(contenders)
    yield from calls.launcher()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("summary", type=pathlib.Path, help="JSON to write; table.md goes beside it")
    parser.add_argument("--rounds", type=int, default=7, help="builds of each contender")
    parser.add_argument("--calls", type=int, default=100, help="single calls of each contender")
    parser.add_argument("--files", type=int, help="only so many of lua's files")
    parser.add_argument("--settings", type=int, help="only so many compilers and levels")
    parser.add_argument("--without-icecream", action="store_true",
                        help="it gives a busy machine no jobs, and waits")
    parser.add_argument("--docs", type=pathlib.Path, nargs="?",
                        const=pathlib.Path("docs/benchmarks.md"),
                        help="puts the table there, between its marks (default: %(const)s)")
    return parser.parse_args()


def write_docs(page, conditions, table):
    text = page.read_text()
    before, _, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"cannot put the table into {page}: it lacks the lines '{START}', '{END}'")
    page.write_text(f"{before}{START}\n{conditions}.\n\n{table}{END}{after}")


def main():
    options = arguments()
    load = os.getloadavg()[0]
    conditions = (f"{os.cpu_count()} cores, load {load:.2f} before the run, lua 5.4, -j{JOBS}, "
                  f"{options.rounds} rounds")
    print(f"{conditions}\n{report.heading()}", flush=True)
    rows = []
    with kilntest.Farm(workers=1, slots=JOBS) as farm:
        for row in measure(farm, options):
            rows.append(row)
            print(row.text(), flush=True)
    options.summary.parent.mkdir(parents=True, exist_ok=True)
    options.summary.write_text(report.summary(rows))
    table = options.summary.with_name("table.md")
    table.write_text(report.markdown(rows))
    print(f"\nAs Markdown:\n\n{table.read_text()}\nwritten: {options.summary}, {table}")
    if options.docs:
        write_docs(options.docs, conditions, table.read_text())
    if load > QUIET_LOAD:
        print("the machine was busy before the run: these figures compare nothing")


if __name__ == "__main__":
    main()
