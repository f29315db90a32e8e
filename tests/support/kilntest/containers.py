"""Workers in real containers, which are on the same bridge as a farm's hosts."""

import json

from kilntest import dockerd, farm as farms
from kilntest import http, roots
from kilntest.waiting import wait_until

# What a worker needs of a container, and no more: docs/operations.md tells why.
CAPABILITIES = ("SYS_ADMIN", "SYS_CHROOT", "SETUID", "SETGID", "CHOWN", "DAC_OVERRIDE", "FOWNER",
                "KILL")
IMAGE = "kiln-worker"
KEY = "/run/worker.key"
READY_SECONDS = 60  # of a worker
# Containers get the upper half of the network, hosts have the beginning.
BRIDGE, CONTAINERS = "10.77.0.126/24", "10.77.0.128/25"


class Docker(dockerd.Dockerd):
    """A daemon of a farm, with one image: a Debian system with the libraries that kiln-worker
    needs. Ends with the farm."""

    def __init__(self, farm):
        self.farm = farm
        super().__init__(
            farm.network.add(dockerd.SETUP), farm.directory / "docker",
            farm.directory / "logs" / "dockerd.log",
            ["--bip", BRIDGE, "--fixed-cidr", CONTAINERS, "--iptables=false", "--ip6tables=false",
             "--ip-masq=false", "--ip-forward=false", "--userland-proxy=false"])
        # From here on the host is a switch, between the farm's network and the containers.
        self.host.run("ip address flush dev eth0; ip link set eth0 master docker0")
        self.import_system(roots.fetch("worker", roots.codename(),
                                       roots.packages_of([farm.bin / "kiln-worker"])), IMAGE)


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
                 f"0.0.0.0:{farms.WORKER_HTTP}", "--key-file", KEY, "--name", name, *flags]
        docker.call("run", "--detach", "--name", name, "--hostname", name, "--cap-drop", "ALL",
                    *[f"--cap-add={capability}" for capability in CAPABILITIES], *limits,
                    "--volume", f"{farm.bin}:/opt/kiln:ro", "--volume", f"{store}:/var/lib/kiln",
                    "--volume", f"{farm.keys}/worker.key:{KEY}:ro", IMAGE, "sh", "-c",
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
