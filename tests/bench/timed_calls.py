"""Runs commands in turns and prints how long each took: [[{"wall_ms", "cpu_ms", "after"}, …], …].
Standard input: {"rounds": N, "commands": [{"argv", "env", "after"}, …]}, where `after` is a command
that is run after each turn, untimed, whose output (JSON) is kept, or null."""

import json
import os
import subprocess
import sys
import time


def timed(argv, environment):
    null = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, null, number) for number in (0, 1)]
    started = time.monotonic()
    pid = os.posix_spawnp(argv[0], argv, environment, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    wall = time.monotonic() - started
    os.close(null)
    if status != 0:
        raise SystemExit(f"{argv} ended with status {status}")
    return {"wall_ms": 1000 * wall, "cpu_ms": 1000 * (usage.ru_utime + usage.ru_stime)}


def turn(command):
    environment = {**os.environ, **command["env"]}
    found = timed(command["argv"], environment)
    if command["after"]:
        done = subprocess.run(command["after"], env=environment, stdout=subprocess.PIPE, check=True)
        found["after"] = json.loads(done.stdout)
    return found


def main():
    job = json.load(sys.stdin)
    found = [[] for _ in job["commands"]]
    for _ in range(job["rounds"] + 1):
        for command, turns in zip(job["commands"], found):
            turns.append(turn(command))
    json.dump([turns[1:] for turns in found], sys.stdout)  # the first one warmed


if __name__ == "__main__":
    main()
