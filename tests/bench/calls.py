"""Single calls, one at a time: the launcher's own cost, and what a small task costs besides its
compile."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys

from report import Row

TIMED_CALLS = pathlib.Path(__file__).with_name("timed_calls.py")


class Calls:
    """`count`: how often each call is made."""

    def __init__(self, farm, count):
        self.farm, self.count = farm, count
        self.folder = farm.directory / "projects" / "single"
        self.folder.mkdir()
        (self.folder / "small.c").write_text("int small;\n")
        (self.folder / "nothing.c").write_text("int main(void) { return 0; }\n")
        farm.client(["gcc", "-O2", "-static", "nothing.c", "-o", "nothing"], cwd=self.folder,
                    check=True)

    def small_file(self, contenders):
        """One file with nothing in it, from the start of the call to its end."""
        commands = [_command([*peer.launcher, "gcc", "-c", "small.c"], peer.environment_of("gcc"),
                             ["kiln", "why", "small.c", "--json"] if peer.name == "kiln" else None)
                    for peer in contenders]
        found = dict(zip((peer.name for peer in contenders), self._timed(commands)))
        walls = {name: [turn["wall_ms"] for turn in turns] for name, turns in found.items()}
        phases = [turn["after"]["phases"] for turn in found["kiln"]]
        rest = [wall - phase["run_ms"] - phase["list_ms"]
                for wall, phase in zip(walls["kiln"], phases)]
        return [Row("empty file: whole call", "ms", walls, spread=True),
                Row("empty file: listing (gcc -M)", "ms", {"kiln": _phase(phases, "list_ms")}),
                Row("empty file: compile on the worker", "ms", {"kiln": _phase(phases, "run_ms")}),
                Row("empty file: all but these two", "ms", {"kiln": rest}, spread=True),
                Row("hermetic root, on the way of a task", "ms",
                    {"kiln": _phase(phases, "root_ms")}, spread=True)]

    def launcher(self):
        """What goes before every compile: against the same program started directly."""
        nothing = str(self.folder / "nothing")
        socket = self.farm.directory / "run" / "instant.sock"
        with _instant_agent(socket):
            plain, disabled, icecc, called = self._timed([
                _command([nothing]),
                _command(["kiln", nothing], {"KILN_DISABLE": "1"}),
                _command(["icecc", nothing], {"ICECC": "disable"}),
                _command(["kiln", "gcc", "-c", "small.c"], {"KILN_SOCKET": str(socket)})])

        def over(turns, kind):
            return [turn[kind] - base[kind] for turn, base in zip(turns, plain)]

        def row(name, kind):
            return Row(name, "ms", {"icecream": over(icecc, kind), "kiln": over(disabled, kind)})

        return [row("launcher, switched off: wall", "wall_ms"),
                row("launcher, switched off: CPU", "cpu_ms"),
                Row("launcher, agent answers at once: wall", "ms",
                    {"kiln": [turn["wall_ms"] for turn in called]}),
                Row("launcher, agent answers at once: CPU", "ms",
                    {"kiln": [turn["cpu_ms"] for turn in called]})]

    def _timed(self, commands):
        job = {"rounds": self.count, "commands": commands}
        done = self.farm.client([sys.executable, "-B", TIMED_CALLS], cwd=self.folder, check=True,
                                input=json.dumps(job).encode())
        return json.loads(done.stdout)


@contextlib.contextmanager
def _instant_agent(socket):
    program = pathlib.Path(os.environ["KILN_BIN_DIR"], "instant_agent")
    with subprocess.Popen([program, str(socket)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as agent:
        agent.stdout.readline()  # it listens
        yield
        agent.stdin.close()


def _command(argv, env=None, after=None):
    return {"argv": argv, "env": env or {}, "after": after}


def _phase(phases, name):
    return [phase[name] for phase in phases]
