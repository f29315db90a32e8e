"""The pools that Kiln is compared with, on hosts of the same network: how each is started and what
goes before the compiler."""

import os
import shutil
import subprocess

import kilntest
from kilntest.hosts import small_disk

JOBS = 4
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


class Peer:
    """`launcher` goes before the compiler, `environment` to the build; cpu() are the seconds that
    its daemons on the client have used."""

    def __init__(self, name, launcher, environment=None, daemons=()):
        self.name, self.launcher, self.environment = name, launcher, environment or {}
        self._daemons = daemons  # functions that give pids

    def cpu(self):
        return sum(cpu_seconds(pid()) for pid in self._daemons)


def cpu_seconds(pid):
    """Of a process and those of its children that have ended."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def local():
    return Peer("local", ())


def kiln(farm):
    return Peer("kiln", ("kiln",), daemons=[lambda: _agent_pid(farm)])


def _agent_pid(farm):
    return next(pid for pid, line in farm.client_host.processes() if "kiln-agent" in line)


def distcc(farm, network):
    host = network.add(["mkdir -p /run"])
    server = host.start(["distccd", "--no-detach", "--daemon", "--allow", "10.77.0.0/24", "--jobs",
                         str(JOBS), "--log-stderr"], cwd="/", **QUIET)
    host.pid_of(server)
    kilntest.wait_until(lambda: _answers(farm.client_host, host.address, 3632), "distccd")
    (farm.directory / "distcc").mkdir()
    return Peer("distcc", ("distcc",), {"DISTCC_HOSTS": f"{host.address}/{JOBS},lzo",
                                        "DISTCC_FALLBACK": "0",
                                        "DISTCC_DIR": str(farm.directory / "distcc")})


def icecream(farm, network):
    owned = "chown icecc:icecc /var/cache/icecc"  # the daemon drops root before it looks
    host = network.add([*small_disk("/var/cache/icecc", 2000), owned])
    scheduler = ["icecc-scheduler", "-n", "kilnbench", "-p", "8765"]
    worker = ["iceccd", "-s", host.address, "-n", "kilnbench", "-m", str(JOBS), "-N", "worker",
              "-b", "/var/cache/icecc"]
    client = ["iceccd", "-s", host.address, "-n", "kilnbench", "-m", "1", "--no-remote", "-N",
              "client", "-b", str(farm.directory / "icecc")]
    (farm.directory / "icecc").mkdir()
    shutil.chown(farm.directory / "icecc", "icecc", "icecc")
    host.start(scheduler, cwd="/", **QUIET)
    kilntest.wait_until(lambda: _answers(farm.client_host, host.address, 8765), "icecc-scheduler")
    host.start(worker, cwd="/", **QUIET)
    daemon = farm.client_host.start(client, cwd="/", **QUIET)
    pid = farm.client_host.pid_of(daemon)
    kilntest.wait_until(lambda: _answers(farm.client_host, host.address, 10245), "iceccd")
    # Its daemon would pack the compiler at the first call; ours is packed beforehand too.
    farm.client(["icecc-create-env", "/usr/bin/gcc"], cwd=farm.directory / "icecc", check=True)
    archive = next((farm.directory / "icecc").glob("*.tar.*"))
    return Peer("icecream", ("icecc",),
                {"ICECC_PREFERRED_HOST": "worker", "ICECC_VERSION": str(archive)}, [lambda: pid])


def _answers(host, address, port):
    try:
        host.connect(address, port, 1.0).close()
        return True
    except OSError:
        return False
