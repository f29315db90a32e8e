"""The farm of docker-compose.yml, by Debian's docker-compose and a Docker daemon of its own."""

import json
import pathlib
import subprocess
import tempfile

from kilntest import dockerd, http, packages, releases, roots, trees
from kilntest.hosts import Host
from kilntest.waiting import wait_until

# The images' base, under the name that deploy/Dockerfile gives it: no registry is asked.
BASE = "debian:bookworm-slim"
# Debian's Prometheus stands in for the official image, and starts as that does.
PROMETHEUS = "kiln-test-prometheus"
PROMETHEUS_FILE = f"""FROM {BASE}
RUN install -d -o 65534 -g 65534 /prometheus
USER 65534
WORKDIR /prometheus
ENTRYPOINT ["/usr/bin/prometheus"]
"""
# There is no image of Grafana to be had: something takes its place that does not end.
GRAFANA = "kiln-test-grafana"
GRAFANA_FILE = f"""FROM {BASE}
ENTRYPOINT ["sleep", "infinity"]
"""
PROJECT = "kiln"
SETTINGS = {"COMPOSE_PROJECT_NAME": PROJECT, "COMPOSE_DOCKER_CLI_BUILD": "0",
            "DOCKER_BUILDKIT": "0", "KILN_PACKAGES": "packages", "KILN_BUILD_NETWORK": "none",
            "KILN_PROMETHEUS_IMAGE": PROMETHEUS, "KILN_GRAFANA_IMAGE": GRAFANA,
            "KILN_WORKER_CPUS": "1", "KILN_WORKER_MEMORY": "2g"}
HEALTHY_SECONDS = 120


class Engine:
    """A daemon with images of this build's packages, and the project's files in a folder of their
    own. Use it by `with`."""

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kc", dir="/var/tmp"))
        self.folder.chmod(0o755)
        self.host = Host(setup=dockerd.SETUP)
        self.docker = None
        self.project = self.folder / "project"
        try:
            # What containers publish on loopback is carried by a proxy.
            self.docker = dockerd.Dockerd(self.host, self.folder / "docker",
                                          self.folder / "dockerd.log", ["--ip-forward=false"])
            system = roots.fetch("image", roots.codename(), self._packages())
            self.docker.import_system(system, BASE, 'CMD ["bash"]')
            self.check_out(releases.current())
            self._stand_in(PROMETHEUS, PROMETHEUS_FILE)
            self._stand_in(GRAFANA, GRAFANA_FILE)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *ignored):
        if self.docker:
            self.docker.close()
        self.host.close()
        dockerd.remove_groups()
        trees.remove(self.folder)

    def _build(self, *words):
        self.docker.run(["docker", "build", "--network", "none", *words], environment=SETTINGS,
                        cwd=self.project)

    def _stand_in(self, name, text):
        (self.folder / name).write_text(text)
        self._build("--file", self.folder / name, "--tag", name, self.project / "scripts")

    def check_out(self, release):
        """Has its files in the project's folder, and its images under their usual names."""
        release.lay_out(self.project)
        self.compose("build", "coordinator", "worker")
        self._build("--file", "deploy/Dockerfile", "--target", "client", "--tag",
                    "kiln-client", "--build-arg", "KILN_PACKAGES=packages", ".")

    def _packages(self):
        programs = [packages.binaries() / name
                    for name in ("kiln-agent", "kiln-coordinator", "kiln-worker")]
        return [*roots.packages_of(programs), "prometheus"]

    def compose(self, *words, check=True):
        """A command of docker-compose in the project's folder."""
        return self.docker.run(["docker-compose", *words], check, SETTINGS, cwd=self.project)

    def type(self, text, environment):
        """What people type in the project's folder."""
        return self.docker.run(["sh", "-ec", text], True, {**environment, **SETTINGS},
                               cwd=self.project)

    def containers(self, service):
        """What docker inspect says of each container of a service."""
        names = self.docker.call("ps", "--all", "--quiet", "--filter",
                                 f"label=com.docker.compose.service={service}").stdout.split()
        return json.loads(self.docker.call("inspect", *names).stdout) if names else []

    def wait_healthy(self, service, count=1):
        def states():
            return [one["State"].get("Health", {}).get("Status") for one in
                    self.containers(service)]

        wait_until(lambda: states() == ["healthy"] * count, f"{count} of {service} to be healthy",
                   HEALTHY_SECONDS, alive=lambda: self._ended(service))

    def _ended(self, service):
        ended = [one["Name"] for one in self.containers(service)
                 if one["State"]["Status"] == "exited"]
        if not ended:
            return None
        return f"{ended} ended: " + self.compose("logs", "--no-color", service, check=False).stdout

    def get(self, container, port, path):
        """(status, body) of an HTTP page of a container that is on the farm's network."""
        return http.get(self.host, self.address(container), port, path)

    @staticmethod
    def address(container):
        """On the farm's network."""
        return container["NetworkSettings"]["Networks"][f"{PROJECT}_farm"]["IPAddress"]


class Client:
    """Builds through the farm as a kilntest.Farm's client does, in `directory`, with this machine's
    compilers and Kiln's programs out of its image of clients. `name` tells several apart; `key` is
    of the farm's own."""

    def __init__(self, engine, name, coordinator, key="client", environment=None):
        self.engine, self.name = engine, name
        self.directory = engine.folder / name
        self.log = self.directory / "agent.log"
        for folder in ("projects", "home", "run"):
            (self.directory / folder).mkdir(parents=True)
        (self.directory / "run").chmod(0o700)
        docker = engine.docker
        docker.call("create", "--name", "programs", "kiln-client")
        docker.call("cp", "programs:/opt/kiln", self.directory / "kiln")
        docker.call("rm", "programs")
        self._bring_key(key)
        self.environment = {
            "PATH": f"{self.directory}/kiln/bin:/usr/bin:/bin", "HOME": self.directory / "home",
            "XDG_RUNTIME_DIR": self.directory / "run",
            "KILN_SLOT_DIR": self.directory / "slots",
            "KILN_COORDINATOR": coordinator, "KILN_KEY_FILE": self.directory / "key.toml",
            "KILN_LOG_FILE": self.log, "KILN_FALLBACK": "0", "LC_ALL": "C.UTF-8",
            **(environment or {})}

    def _bring_key(self, name):
        coordinator = self.engine.containers("coordinator")[0]["Id"]
        key = self.directory / "key.toml"
        key.touch(mode=0o600)
        key.write_text(self.engine.docker.call("exec", coordinator, "cat",
                                               f"/etc/kiln/keys/{name}.key").stdout)

    def start_client(self, argv, cwd=None, env=None, **options):
        """A Popen of argv."""
        environment = {**self.environment, **(env or {})}
        return self._start([str(word) for word in argv],
                           [f"{name}={value}" for name, value in environment.items()],
                           str(cwd or self.directory / "projects"), **options)

    def client(self, argv, cwd=None, env=None, seconds=300, check=False):
        process = self.start_client(["timeout", seconds, *argv], cwd, env,
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, text=True)
        out, _ = process.communicate()
        if check and process.returncode != 0:
            raise AssertionError(f"{argv} ended with {process.returncode}\n{out}")
        return subprocess.CompletedProcess(argv, process.returncode, out)

    def kiln(self, *words):
        """The parsed answer of a command of kiln, which has --json among its words."""
        return json.loads(self.client(["kiln", *words], check=True).stdout)

    def own(self, tree):
        """Trees are root's, as the client is."""

    def close(self):
        self.client(["kiln", "agent", "stop"])


class InsideClient(Client):
    """A build container on the farm's network, which reaches workers directly."""

    def __init__(self, engine, **options):
        super().__init__(engine, "inside", "coordinator", **options)
        engine.docker.call("run", "--detach", "--name", self.name, "--network",
                           f"{PROJECT}_farm", "--user", "0", "--volume", "/usr:/usr:ro",
                           "--volume", f"{self.directory}:{self.directory}", "kiln-client",
                           "sleep", "infinity")

    def _start(self, argv, environment, cwd, **options):
        settings = [f"--env={setting}" for setting in environment]
        return self.engine.docker.start(["docker", "exec", *settings, "--workdir", cwd, self.name,
                                         *argv], **options)

    def close(self):
        self.engine.docker.call("rm", "--force", self.name)


class OutsideClient(Client):
    """On the machine that runs the farm: it reaches the coordinator's one port and no worker."""

    def __init__(self, engine):
        super().__init__(engine, "outside", "127.0.0.1")

    def _start(self, argv, environment, cwd, **options):
        return self.engine.host.start(["env", "-i", *environment, *argv], cwd=cwd, **options)
