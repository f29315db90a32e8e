#!/usr/bin/python3
"""docs/conformance.md: which tests prove each behaviour that a compile pool is known to need. Tests
say so by their name, row_N_… or rows_N_and_M_…; the page is made of these names, and a rule fails
where the two differ. Usage: conformance.py, to write the page."""

import pathlib
import re

from finding import Finding, read_tree

PAGE = "docs/conformance.md"
ROWS = {
    1: "a pool is made with context, initializer, count and warmth; the answer tells each "
       "node's ready executors and the time of each step",
    2: "executors: explicit, else the cores that the process may use",
    3: "warm before the first task, or cold; tasks that come meanwhile never fail for it",
    4: "waiting has a limit and says what it waits for",
    5: "the same pool twice is one; another definition is refused with the difference",
    6: "an executor knows that it is one: no nested pools, no agent inside a task",
    7: "kill -9 of the worker leaves no executor and no compiler after 2 s",
    8: "Ctrl-C at the worker's terminal makes no noise from executors",
    9: "no inherited descriptors, no environment but the declared one",
    10: "a failing initializer: its exit code and output; three in a row break the pool on the "
        "node; it can be told to try again",
    11: "a hanging initializer is killed at its limit and reported likewise",
    12: "the fork context stays single-threaded until it has forked",
    13: "results reach the right callers whatever the order",
    14: "a failing task returns exit code, signal and streams whole, and its name",
    15: "an executor that dies costs only its task and is replaced",
    16: "a template or forkserver that dies is restarted; after three in a row its tasks go "
        "elsewhere",
    17: "a result that is too large, truncated or undecodable fails only its own task",
    18: "a queued and a running task can be cancelled, its process group is gone",
    19: "nothing of one task is seen by the next",
    20: "a task past its time limit is killed and says so; its output is kept",
    21: "a task past its memory limit is killed and says so; others live",
    22: "long tasks are reported each interval with phase, times and process id",
    23: "a queued task is reported as queued",
    24: "quiesce and wake in any order, repeatedly, and under load no task is lost",
    25: "idle time re-arms with every result, never fires early, and fires once",
    26: "quiesced executors give their memory back",
    27: "ordered stop: no new tasks, grace, SIGTERM, SIGKILL",
    28: "pending tasks of a closing pool end with a reason",
    29: "a death of worker or coordinator ends or moves every pending task within seconds",
    30: "metrics of each pool and node",
    31: "executor output goes to the task or the pool's log",
}
_NUMBERS = re.compile(r"^rows?((?:_(?:and_)?[0-9]+)+)")


def proofs(sources):
    """Row -> sorted (path, test) of the tests that name it."""
    found = {row: set() for row in ROWS}
    for source in sources:
        path = str(source.path)
        if not path.startswith("tests/") or path.startswith("tests/house/"):
            continue
        for match in re.finditer(r"(?:\b|(?<=_))rows?_[0-9][a-z0-9_]*", source.text):
            numbers = _NUMBERS.match(match.group())
            for row in map(int, re.findall("[0-9]+", numbers.group(1))):
                found.setdefault(row, set()).add((path, match.group()))
    return {row: sorted(tests) for row, tests in found.items()}


def page_of(sources):
    lines = ["# What a compile pool must do, and where it is shown", "",
             "Each behaviour has tests whose names say its row. Written by "
             "`tests/house/conformance.py`.", ""]
    for row, tests in sorted(proofs(sources).items()):
        lines += [f"**{row}.** {ROWS.get(row, '?')}", ""]
        lines += [f"- {path.removeprefix('tests/')}: `{test}`" for path, test in tests] + [""]
    return "\n".join(lines).rstrip() + "\n"


def check_conformance(sources):
    pages = [source for source in sources if str(source.path) == PAGE]
    if not pages:
        return
    for row, tests in proofs(sources).items():
        if row not in ROWS:
            yield Finding(tests[0][0], 0, "conformance", f"there is no row {row}")
        elif not tests:
            yield Finding(PAGE, 0, "conformance", f"no test proves row {row}")
    if pages[0].text != page_of(sources):
        yield pages[0].finding(0, "conformance", "is not of the tests' names: run "
                                                 "tests/house/conformance.py")


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    (root / PAGE).write_text(page_of(read_tree(root)))


if __name__ == "__main__":
    main()
