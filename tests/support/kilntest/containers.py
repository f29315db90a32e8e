"""Workers in real containers. Docker's daemon runs on a host of a farm's network, so that nothing
of it shows outside, and all of it ends with that host; its containers are on the same bridge as the
farm's hosts. Only its control groups are the machine's: take them away with remove_groups()."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess

from kilntest import farm as farms
from kilntest import http, roots
from kilntest.waiting import wait_until

# What a worker needs of a container, and no more: docs/operations.md tells why.
CAPABILITIES = ("SYS_ADMIN", "SYS_CHROOT", "SETUID", "SETGID", "CHOWN", "DAC_OVERRIDE", "FOWNER",
                "KILL")
IMAGE = "kiln-worker"
READY_SECONDS = 60
# Containers get the upper half of the network, hosts have the beginning.
BRIDGE, CONTAINERS = "10.77.0.126/24", "10.77.0.128/25"


def group_name():
    return f"kiln-test-{os.getpid()}"


def remove_groups():
    """The control groups of this process's containers, when these have ended."""
    for top in pathlib.Path("/sys/fs/cgroup").glob(f"**/{group_name()}"):
        for folder, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)


class Docker:
    """A daemon of a farm, with one image: a Debian system with the libraries that kiln-worker
    needs. Ends with the farm."""

    def __init__(self, farm):
        self.farm, self.folder = farm, farm.directory / "docker"
        self.folder.mkdir()
        self.log = farm.directory / "logs" / "dockerd.log"
        self.host = farm.network.add(["mount -t tmpfs none /run"])
        self._socket = f"unix://{self.folder}/socket"
        command = ["dockerd", "--data-root", self.folder / "data", "--exec-root",
                   self.folder / "exec", "--pidfile", self.folder / "pid", "--host", self._socket,
                   "--bip", BRIDGE, "--fixed-cidr", CONTAINERS, "--iptables=false",
                   "--ip6tables=false", "--ip-masq=false", "--ip-forward=false",
                   "--userland-proxy=false", "--cgroup-parent", f"/{group_name()}",
                   "--exec-opt", "native.cgroupdriver=cgroupfs", "--log-level", "error"]
        with open(self.log, "wb") as log:
            self._daemon = self.host.start([str(word) for word in command], stdout=log, stderr=log,
                                           stdin=subprocess.DEVNULL)
        wait_until(lambda: self.call("version", check=False).returncode == 0, "Docker's daemon",
                   READY_SECONDS, alive=self._ended)
        # From here on the host is a switch, between the farm's network and the containers.
        self.host.run("ip address flush dev eth0; ip link set eth0 master docker0")
        self._import_image()

    def _ended(self):
        if self._daemon.poll() is None:
            return None
        return "it ended: " + self.log.read_text(errors="replace")[-4000:]

    def _import_image(self):
        system = roots.fetch("worker", roots.codename(),
                             roots.packages_of([self.farm.bin / "kiln-worker"]))
        with subprocess.Popen(["tar", "-C", system, "-c", "."], stdout=subprocess.PIPE) as tar:
            self.call("import", "-", IMAGE, stdin=tar.stdout)

    def call(self, *words, check=True, **options):
        """A docker command: a CompletedProcess with text."""
        process = self.host.start(
            ["docker", "--host", self._socket, *map(str, words)], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, **{"stdin": subprocess.DEVNULL, **options})
        out, _ = process.communicate()
        if check and process.returncode != 0:
            raise AssertionError(f"docker {words} ended with {process.returncode}\n{out}")
        return subprocess.CompletedProcess(words, process.returncode, out)

    def close(self):
        """Ends the daemon and waits until it is gone; its containers end with its host."""
        if self._daemon.poll() is None:
            os.kill(self.host.pid_of(self._daemon), signal.SIGKILL)
        self._daemon.wait()


class Worker:
    """A worker in a container of its own, which `limits` are options of docker run for. Its slots
    are its own choice unless `flags` says otherwise."""

    def __init__(self, docker, name, limits=(), flags=()):
        self.docker, self.name = docker, name
        farm = docker.farm
        store = docker.folder / f"store-{name}"
        store.mkdir()
        words = ["--coordinator", farm.coordinator.addresses["--worker-endpoint"][len("tcp://"):],
                 "--listen", f"tcp://0.0.0.0:{farms.TASK_PORT}", "--http",
                 f"0.0.0.0:{farms.WORKER_HTTP}", "--insecure", "--name", name, *flags]
        docker.call("run", "--detach", "--name", name, "--hostname", name, "--cap-drop", "ALL",
                    *[f"--cap-add={capability}" for capability in CAPABILITIES], *limits,
                    "--volume", f"{farm.bin}:/opt/kiln:ro", "--volume", f"{store}:/var/lib/kiln",
                    IMAGE, "sh", "-c",
                    f'exec /opt/kiln/kiln-worker --advertise "$(hostname -i)" {" ".join(words)}')
        self.address = self._state()["NetworkSettings"]["IPAddress"]
        wait_until(lambda: self.get("/readyz")[0] == 200, f"{name} to be ready", READY_SECONDS,
                   alive=lambda: None if self.running else "it ended: " + self.log())

    def _state(self):
        return json.loads(self.docker.call("inspect", self.name).stdout)[0]

    @property
    def running(self):
        return self._state()["State"]["Running"]

    @property
    def exit_code(self):
        return self._state()["State"]["ExitCode"]

    def log(self):
        return self.docker.call("logs", self.name, check=False).stdout

    def get(self, path):
        return http.get(self.docker.host, self.address, farms.WORKER_HTTP, path)

    def metric(self, name, **labels):
        return http.sample(self.get("/metrics")[1], name, **labels) or 0.0

    def remove(self):
        self.docker.call("rm", "--force", self.name)
