"""What Kiln is compared with, on hosts of the same network: how each is started and what goes
before the compiler. All daemons end with their hosts."""

import os
import pathlib
import shutil
import subprocess

import kilntest
from kilntest.hosts import small_disk

from builds import JOBS

QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
# iceccd's clients find it by a path below /run, so that each host needs its own; and it drops root
# before it looks.
OWN_RUN = [*small_disk("/run", 1), "mkdir /run/icecc", "chown icecc:icecc /run/icecc"]
LISTENING = "0A"  # /proc/net/tcp
DISTCC_PORT, SCHEDULER_PORT, ICECC_PORT = 3632, 8765, 10245


class Peer:
    """`launcher` goes before the compiler; `environment`, and `by_compiler[compiler]`, to the
    build; `daemons` are functions that give the pids of its daemons on the client."""

    def __init__(self, name, launcher, environment=None, by_compiler=None, daemons=()):
        self.name, self.launcher = name, launcher
        self._environment, self._by_compiler = environment or {}, by_compiler or {}
        self._daemons = daemons

    def environment_of(self, compiler):
        return {**self._environment, **self._by_compiler.get(compiler, {})}

    def daemon_cpu(self):
        """Seconds of user and system time that its daemons on the client have used."""
        return sum(_cpu_seconds(pid()) for pid in self._daemons)


def local():
    return Peer("local", ())


def kiln(farm):
    return Peer("kiln", ("kiln",), daemons=[lambda: _agent_pid(farm)])


def distcc(farm):
    """As it comes: no compression, which costs time where the network is not what limits."""
    host = farm.network.add()
    server = host.start(["distccd", "--no-detach", "--daemon", "--allow", "10.77.0.0/24", "--jobs",
                         str(JOBS), "--log-stderr"], cwd="/", **QUIET)
    _wait(host, DISTCC_PORT, server)
    folder = _folder(farm, "distcc")  # without one of its own it compiles locally, and silently
    return Peer("distcc", ("distcc",), {"DISTCC_HOSTS": f"{host.address}/{JOBS}",
                                        "DISTCC_FALLBACK": "0", "DISTCC_DIR": str(folder)})


def icecream(farm, compilers):
    """Its daemon would pack the compiler at the first call; here that is done beforehand."""
    host = farm.network.add([*small_disk("/var/cache/icecc", 2000), *OWN_RUN,
                             "chown icecc:icecc /var/cache/icecc"])
    scheduler = host.start(["icecc-scheduler", "-n", "kilnbench", "-p", str(SCHEDULER_PORT)],
                           cwd="/", **QUIET)
    _wait(host, SCHEDULER_PORT, scheduler)
    common = ["iceccd", "-s", host.address, "-n", "kilnbench"]
    worker = host.start([*common, "-m", str(JOBS), "-N", "worker", "-b", "/var/cache/icecc"],
                        cwd="/", **QUIET)
    _wait(host, ICECC_PORT, worker)
    farm.client_host.run("\n".join(OWN_RUN))
    folder = _folder(farm, "icecc")
    shutil.chown(folder, "icecc", "icecc")
    daemon = farm.client_host.start([*common, "-m", "1", "--no-remote", "-N", "client", "-b",
                                     str(folder)], cwd="/", **QUIET)
    pid = farm.client_host.pid_of(daemon)
    kilntest.wait_until(pathlib.Path(f"/proc/{pid}/root/run/icecc/iceccd.socket").exists,
                        "iceccd to listen on the client")
    versions = {name: {"ICECC_VERSION": _packed(farm, name)} for name in compilers}
    peer = Peer("icecream", ("icecc",), {"ICECC_PREFERRED_HOST": "worker"}, versions, [lambda: pid])
    _wait_until_remote(farm, compilers[0], peer.environment_of(compilers[0]))
    return peer


def _packed(farm, compiler):
    folder = _folder(farm, f"icecc-{compiler}")
    farm.client(["icecc-create-env", f"/usr/bin/{compiler}"], cwd=folder, check=True)
    return str(next(folder.glob("*.tar.*")))


def _folder(farm, name):
    (farm.directory / name).mkdir()
    return farm.directory / name


def _wait(host, port, process):
    """Until somebody listens there. Seen from outside: a connection that says nothing holds
    icecream's scheduler up for half a minute."""
    kilntest.wait_until(lambda: _listens(host, port), f"port {port} of {host.address} to be open",
                        alive=lambda: None if process.poll() is None else "its daemon ended")


def _listens(host, port):
    tables = [pathlib.Path(f"/proc/{host.pid}/net/{name}").read_text() for name in ("tcp", "tcp6")]
    return any(f":{port:04X}" == line.split()[1][-5:] and line.split()[3] == LISTENING
               for table in tables for line in table.splitlines()[1:])


def _wait_until_remote(farm, compiler, environment):
    """Until icecc no longer compiles locally, which it does in silence while its daemons have not
    found each other."""
    folder = _folder(farm, "icecc-first")
    (folder / "first.c").write_text("int first;\n")

    def went():
        done = farm.client(["icecc", compiler, "-c", "first.c"], cwd=folder, check=True,
                           env={**environment, "ICECC_DEBUG": "debug"})
        return b"Have to use host" in done.stderr

    kilntest.wait_until(went, "icecream to compile on its worker", 120)


def _agent_pid(farm):
    return next(pid for pid, line in farm.client_host.processes() if "kiln-agent" in line)


def _cpu_seconds(pid):
    """Of a process and of those of its children that have ended."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
