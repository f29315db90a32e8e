"""The commands and options that the programs' --help names, and what they take besides."""

import functools
import os
import pathlib
import re
import subprocess

_OPTION = re.compile(r"(?<![\w-])--[a-z][\w-]*")


def run(program, *words):
    return subprocess.run([pathlib.Path(os.environ["KILN_BIN_DIR"]) / program, *words], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=20)


@functools.cache
def text(program, *words):
    done = run(program, *words, "--help")
    if done.returncode != 0:
        raise AssertionError(f"{program} {words} --help ended with {done.returncode}: "
                             f"{done.stderr}")
    return done.stdout


def flags(program):
    """{flag: variable or None} of a daemon."""
    return {flag: re.search(r"(?:\[(KILN_\w+)\])?$", rest)[1] for flag, rest in
            re.findall(r"^ +(?:-h,)?(--[\w-]+)(.*)$", text(program), re.MULTILINE)}


def variables():
    """What `kiln --help` lists below "Environment"."""
    return set(re.findall(r"^  (KILN_\w+)", text("kiln"), re.MULTILINE))


@functools.cache
def commands():
    """{command of kiln, with its action where it has some: its options but --help}."""
    names = ["--version", *(name for name in _entries(text("kiln"), until="Options")
                            if name != "keys"),
             *(f"keys {action}" for action in _entries(text("kiln", "keys"), until="Roles"))]
    return {name: _options(name.split()) for name in names}


def _entries(page, until):
    """What stands at the left, without what is written large: `pool create` of `pool create NAME`.
    """
    page = page.partition(f"\n{until}\n")[0]
    found = re.findall(r"^  (-j|[a-z]+(?: [a-z]+)?)(?=  | [A-Z\[]|$)", page, re.MULTILINE)
    return dict.fromkeys(found)


def _options(command):
    page = text("kiln", *command)
    if f"usage: kiln {' '.join(command)} " in page:
        return set(_OPTION.findall(page)) - {"--help"}
    # A page of several commands: each says itself which of the options are its own.
    pages = text("kiln") + text("kiln", "keys") + text("kiln", "warm")
    named = set(_OPTION.findall(pages))
    return {option for option in named - {"--help"} if _takes(command, option)}


def _takes(command, option):
    """Never done, for the option after it."""
    done = run("kiln", *command, option, "value", "--no-such-option")
    complaint = " ".join(done.stderr.split())
    if done.returncode != 2:
        raise AssertionError(f"{command} {option} ended with {done.returncode}: {complaint}")
    return f"unknown option '{option}'" not in complaint
