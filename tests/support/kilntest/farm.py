"""A farm of real processes: a coordinator, workers and a client, each on a host of its own where
the caller is root, else all on this machine's loopback."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from kilntest import http
from kilntest.hosts import Machine, Network, small_disk, without_compilers
from kilntest.waiting import wait_until

READY_SECONDS = 20
CLIENT_PORT, WORKER_PORT, COORDINATOR_HTTP = 10650, 10651, 10660
TASK_PORT, WORKER_HTTP = 10652, 10661


class Daemon:
    """A kiln daemon on a host: start, kill, stop, its HTTP address and its log."""

    def __init__(self, host, name, argv, log, http_address):
        self.host, self.name, self.argv, self.log = host, name, argv, log
        self.http_address = http_address  # (address, port)
        self._process = None
        self.pid = None

    def start(self):
        with open(self.log, "ab") as log:
            self._process = self.host.start(self.argv, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)
        self.pid = self.host.pid_of(self._process)

    @property
    def running(self):
        return self._process is not None and self._process.poll() is None

    def end(self, how=signal.SIGTERM, seconds=10):
        """Sends a signal and waits until the process is gone. Returns its exit status."""
        if self.running:
            os.kill(self.pid, how)
        return self._process.wait(timeout=seconds)

    def get(self, path):
        return http.get(self.host, *self.http_address, path)

    def metric(self, name, **labels):
        """The sum of the samples of that name and labels; 0 when there are none."""
        return http.sample(self.get("/metrics")[1], name, **labels) or 0.0

    def wait_healthy(self, path="/healthz"):
        wait_until(lambda: self.get(path)[0] == 200, f"{self.name} to answer {path}", READY_SECONDS,
                   alive=lambda: None if self.running else "it ended: " + self.tail())

    def tail(self, characters=4000):
        text = pathlib.Path(self.log).read_text(errors="replace") if self.log.exists() else ""
        return text[-characters:]


class Farm:
    """Options: `workers` and `slots` (each), `isolated` (None: hosts where root), `fallback` as
    KILN_FALLBACK, `worker_flags(i)` and `coordinator_flags` are added to theirs, `environment` is
    added to the client's, `store_megabytes` puts each store on a disk of that size, `coordinator`
    False starts none, `setup` are shell commands of each worker's host (default: no compilers)."""

    def __init__(self, workers=2, slots=2, isolated=None, fallback=False, environment=None,
                 worker_flags=None, coordinator_flags=(), store_megabytes=None, coordinator=True,
                 setup=None):
        self.isolated = os.geteuid() == 0 if isolated is None else isolated
        self.count, self.slots, self.fallback = workers, slots, fallback
        self.environment = dict(environment or {})
        self.worker_flags = worker_flags or (lambda number: [])
        self.coordinator_flags = list(coordinator_flags)
        self.store_megabytes, self.with_coordinator = store_megabytes, coordinator
        self.setup = setup
        self.bin = pathlib.Path(os.environ["KILN_BIN_DIR"])
        self.workers, self.coordinator, self.client_host = [], None, None
        self.network, self._started, self._handlers = None, [], {}

    # ---- life -----------------------------------------------------------------------------------

    def __enter__(self):
        # A signal must not leave hosts and processes behind: it becomes an exception.
        for number in (signal.SIGTERM, signal.SIGHUP):
            self._handlers[number] = signal.signal(number, _raise_exit)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="kt", dir="/var/tmp"))
        os.chmod(self.directory, 0o755)
        try:
            self._start()
        except BaseException:
            self._report()
            self._close()
            raise
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None:
            self._report()
        self._close()

    def _start(self):
        for name in ("logs", "run", "cache", "home", "projects"):
            (self.directory / name).mkdir()
        (self.directory / "run").chmod(0o700)
        if self.isolated:
            self.network = Network()
            coordinator_host = self.network.add()
            self.client_host = self.network.add()
        else:
            coordinator_host = self.client_host = Machine()
        self._ports = _FreePorts(self.isolated)
        self._define_coordinator(coordinator_host)
        for number in range(self.count):
            self._define_worker(number)
        if self.with_coordinator:
            self.coordinator.start()
            self.coordinator.wait_healthy()
        for worker in self.workers:
            worker.start()
        for worker in self.workers:
            worker.wait_healthy()
        if self.with_coordinator:
            self.wait_nodes(self.count)

    def _close(self):
        for process in self._started:
            if process.poll() is None:
                process.kill()
        if not self.isolated:
            self._stop_agent()
        for daemon in [*self.workers, self.coordinator]:
            if daemon and daemon.running:
                daemon.end(signal.SIGKILL)
        if self.network:
            self.network.close()
        for process in self._started:
            process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _stop_agent(self):
        if (self.directory / "run").exists():
            self.client([self.bin / "kiln", "agent", "stop"], seconds=20)

    def _report(self):
        """After a failure: the end of every log."""
        logs = self.directory / "logs"
        for log in sorted(logs.iterdir()) if logs.exists() else []:
            print(f"---- {log.name}\n{log.read_text(errors='replace')[-6000:]}", flush=True)

    # ---- daemons --------------------------------------------------------------------------------

    def _define_coordinator(self, host):
        client, worker, web = self._ports.take(CLIENT_PORT, WORKER_PORT, COORDINATOR_HTTP)
        address = host.address
        self.coordinator_endpoint = f"{address}:{client}"
        self._worker_endpoint = f"{address}:{worker}"
        argv = [self.bin / "kiln-coordinator", "--client-endpoint", f"tcp://{address}:{client}",
                "--worker-endpoint", f"tcp://{address}:{worker}", "--http", f"{address}:{web}",
                "--state-dir", self.directory / "state", *self._insecure(),
                *self.coordinator_flags]
        self.coordinator = Daemon(host, "coordinator", _words(argv),
                                  self.directory / "logs" / "coordinator.log", (address, web))

    def _define_worker(self, number):
        store = self.directory / f"store{number}"
        host = Machine()
        if self.isolated:
            setup = list(without_compilers() if self.setup is None else self.setup)
            if self.store_megabytes:
                setup += small_disk(store, self.store_megabytes)
            host = self.network.add(setup)
        task, _, web = self._ports.take(TASK_PORT, TASK_PORT + 1, WORKER_HTTP)
        argv = [self.bin / "kiln-worker", "--coordinator", self._worker_endpoint, "--listen",
                f"tcp://{host.address}:{task}", "--advertise", f"{host.address}:{task}", "--name",
                f"w{number}", "--slots", self.slots, "--store", store, "--http",
                f"{host.address}:{web}", *self._insecure(), *self.worker_flags(number)]
        self.workers.append(Daemon(host, f"worker {number}", _words(argv),
                                   self.directory / "logs" / f"worker{number}.log",
                                   (host.address, web)))

    def _insecure(self):
        return ["--insecure"] if self.isolated else []

    def kill_worker(self, number):
        self.workers[number].end(signal.SIGKILL)

    def cut_worker(self, number):
        """Pulls the worker's cable: nobody is told. Hosts only."""
        self.network.cut(self.workers[number].host)

    def restart_worker(self, number):
        self.workers[number].start()
        self.workers[number].wait_healthy()

    def stop_coordinator(self):
        self.coordinator.end()

    def restart_coordinator(self):
        self.coordinator.start()
        self.coordinator.wait_healthy()

    def wait_nodes(self, count, seconds=READY_SECONDS):
        """Until that many nodes are ready in the coordinator's eyes."""
        wait_until(lambda: self.ready_nodes() == count, f"{count} nodes to be ready", seconds,
                   alive=lambda: None if self.coordinator.running else self.coordinator.tail())

    def ready_nodes(self):
        status, body = self.coordinator.get("/api/v1/nodes")
        if status != 200:
            return None
        nodes = json.loads(body)
        nodes = nodes.get("nodes", nodes) if isinstance(nodes, dict) else nodes
        return sum(node.get("state") == "ready" for node in nodes)

    def completed(self):
        """Tasks that the workers counted as completed, from their own metrics, by worker."""
        return [int(worker.metric("kiln_worker_tasks_completed_total")) for worker in self.workers]

    # ---- the client -----------------------------------------------------------------------------

    def client_environment(self, extra=None):
        """What a call sees: nothing of the caller's but PATH, Kiln's programs first."""
        private = self.directory
        environment = {
            "PATH": f"{self.bin}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(private / "home"), "XDG_RUNTIME_DIR": str(private / "run"),
            "KILN_SOCKET": str(private / "run" / "agent.sock"),
            "KILN_CACHE_DIR": str(private / "cache"),
            "KILN_LOG_FILE": str(private / "logs" / "agent.log"),
            "KILN_COORDINATOR": self.coordinator_endpoint,
            "KILN_FALLBACK": "1" if self.fallback else "0", "LC_ALL": "C.UTF-8"}
        for name, value in {**self.environment, **(extra or {})}.items():
            environment.pop(name, None)
            if value is not None:
                environment[name] = str(value)
        return environment

    def start_client(self, argv, cwd=None, env=None, **options):
        """A Popen of argv on the client's host."""
        process = self.client_host.start(_words(argv), cwd=str(cwd or self.directory / "projects"),
                                         env=self.client_environment(env), **options)
        self._started.append(process)
        return process

    def client(self, argv, cwd=None, env=None, seconds=300, check=False, input=b""):
        """Runs argv on the client's host to its end: a CompletedProcess with bytes."""
        process = self.start_client(argv, cwd, env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(input, timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"{_words(argv)} did not end within {seconds} s\n"
                                 f"{out.decode(errors='replace')}{err.decode(errors='replace')}")
        done = subprocess.CompletedProcess(_words(argv), process.returncode, out, err)
        if check and done.returncode != 0:
            raise AssertionError(f"{done.args} ended with {done.returncode}\n"
                                 f"{out.decode(errors='replace')}{err.decode(errors='replace')}")
        return done

    def kiln(self, *arguments, **options):
        """A command of `kiln`; with --json among them the parsed answer, else CompletedProcess."""
        if "--json" in arguments:
            return json.loads(self.client(["kiln", *arguments], check=True, **options).stdout)
        return self.client(["kiln", *arguments], **options)

    def project(self, source, name=None):
        """A fresh copy of a source tree for this farm."""
        target = self.directory / "projects" / (name or pathlib.Path(source).name)
        shutil.copytree(source, target, symlinks=True)
        return target

    def prime(self, *compilers):
        """Makes the toolchains known to the farm, probe compiles and all, before what counts."""
        folder = self.directory / "prime"
        folder.mkdir(exist_ok=True)
        (folder / "a.c").write_text("int a;\n")
        (folder / "a.cc").write_text("int a;\n")
        for compiler in compilers:
            source = "a.cc" if "++" in compiler else "a.c"
            self.client(["kiln", compiler, "-c", source, "-o", "a.o"], cwd=folder, check=True)


class _FreePorts:
    """Well-known ports on hosts of their own; on a shared machine free ones, those of one call in a
    row, found below the range that the kernel hands out."""

    def __init__(self, isolated):
        self._isolated = isolated
        self._next = 12000 + (os.getpid() * 37 + time.monotonic_ns() // 1000) % 18000

    def take(self, *usual):
        while not self._isolated:
            ports = tuple(range(self._next, self._next + len(usual)))
            self._next += len(usual)
            if all(map(_is_free, ports)):
                return ports
        return usual


def _is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _words(argv):
    return [str(word) for word in argv]


def _raise_exit(number, frame):
    raise SystemExit(128 + number)
