"""A farm of real processes: a coordinator, workers and a client, each on a host of its own where
the caller is root, else all on this machine's loopback."""

import atexit
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile

from kilntest import http, trees
from kilntest.hosts import Machine, Network, small_disk, without_compilers
from kilntest.waiting import wait_until

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
READY_SECONDS = 20
AGENT_SECONDS = 20
ORDINARY_USER = 65534
CLIENT_PORT, WORKER_PORT, COORDINATOR_HTTP = 10650, 10651, 10660
TASK_PORT, WORKER_HTTP = 10652, 10661
PROGRAMS = ("kiln", "kiln-agent", "kiln-worker", "kiln-nursery", "kiln-coordinator")

# The key in a daemon's endpoints.json for each flag that names an address.
_ENDPOINT_OF = {"--client-endpoint": "client", "--worker-endpoint": "worker", "--listen": "tasks",
                "--http": "http"}


class Daemon:
    """A kiln daemon on a host: start, kill, stop, its HTTP address and its log. `addresses` are
    its flags that name one; where a port is 0 it is the daemon's own choice at the first start,
    read from the file `endpoints`, and stays that at the next."""

    def __init__(self, host, name, argv, addresses, endpoints, log):
        self.host, self.name, self.argv, self.log = host, name, argv, log
        self.addresses, self.endpoints = addresses, endpoints
        self._process = self._pid = None

    @property
    def http_address(self):
        address, _, port = self.addresses["--http"].rpartition(":")
        return address, int(port)

    def start(self):
        """Starts the process; with ports of its own choice, waits until it has told them."""
        self._run([word for pair in self.addresses.items() for word in pair])
        if self.http_address[1] == 0:
            bound = wait_until(self._bound, f"{self.name} to tell its addresses", READY_SECONDS,
                               alive=self._ended)
            self.addresses = {flag: bound[_ENDPOINT_OF[flag]] for flag in self.addresses}

    def _bound(self):
        try:
            return json.loads(self.endpoints.read_text())
        except OSError:
            return None

    def _ended(self):
        return None if self.running else "it ended: " + self.tail()

    def _run(self, flags):
        with open(self.log, "ab") as log:
            self._process = self.host.start([*self.argv, *flags], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        self._pid = None

    @property
    def pid(self):
        """As this machine sees it. It may have ended before anybody could ask."""
        if self._pid is None:
            self._pid = self.host.pid_of(self._process)
        return self._pid

    @property
    def running(self):
        return self._process is not None and self._process.poll() is None

    def end(self, how=signal.SIGTERM, seconds=10):
        """Sends a signal and waits until the process is gone. Returns its exit status."""
        if self.running:
            os.kill(self.pid, how)
        return self._process.wait(timeout=seconds)

    @contextlib.contextmanager
    def stopped(self):
        """It stands still meanwhile."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            # What started it on its host stops and goes on with it.
            for pid in (self.pid, self._process.pid):
                os.kill(pid, signal.SIGCONT)

    def get(self, path):
        return http.get(self.host, *self.http_address, path)

    def metric(self, name, **labels):
        """The sum of the samples of that name and labels; 0 when there are none."""
        return http.sample(self.get("/metrics")[1], name, **labels) or 0.0

    def wait_healthy(self, path="/healthz"):
        wait_until(lambda: self.get(path)[0] == 200, f"{self.name} to answer {path}", READY_SECONDS,
                   alive=self._ended)

    def tail(self, characters=4000):
        text = pathlib.Path(self.log).read_text(errors="replace") if self.log.exists() else ""
        return text[-characters:]


class Farm:
    """Options: `workers` and `slots` (each), `isolated` (None: hosts where root), `fallback` as
    KILN_FALLBACK, `worker_flags(i)` and `coordinator_flags` are added to theirs, `environment` is
    added to the client's, `store_megabytes` puts each store on a disk of that size, `coordinator`
    False starts none, `setup` are shell commands of each worker's host (default: no compilers) and
    `client_setup` of the client's, `client_root` is a folder that its calls see as their root,
    `user` (a number; the caller is root) is who runs everything, `keys` says whether connections
    need keys (None: on hosts); then calls have an administrator's."""

    def __init__(self, workers=2, slots=2, isolated=None, fallback=False, environment=None,
                 worker_flags=None, coordinator_flags=(), store_megabytes=None, coordinator=True,
                 setup=None, client_setup=(), client_root=None, user=None, keys=None):
        self.isolated = os.geteuid() == 0 if isolated is None else isolated
        self.keyed = self.isolated if keys is None else keys
        self.count, self.slots, self.fallback = workers, slots, fallback
        self.environment = dict(environment or {})
        self.worker_flags = worker_flags or (lambda number: [])
        self.coordinator_flags = list(coordinator_flags)
        self.store_megabytes, self.with_coordinator = store_megabytes, coordinator
        self.setup, self.client_setup, self.user = setup, list(client_setup), user
        self.client_root = client_root
        self.bin = pathlib.Path(os.environ["KILN_BIN_DIR"])
        self.workers, self.coordinator, self.client_host = [], None, None
        self.network, self._started, self._handlers, self._kept_ports = None, [], {}, []

    # ---- life -----------------------------------------------------------------------------------

    def __enter__(self):
        # A signal must not leave hosts and processes behind: it becomes an exception.
        for number in ENDING_SIGNALS:
            self._handlers[number] = signal.signal(number, _raise_exit)
        # unittest does not clean classes up on its way out of that.
        atexit.register(self._close)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="kt", dir="/var/tmp"))
        os.chmod(self.directory, 0o755)
        try:
            self._start()
        except BaseException:
            self.report()
            self._close()
            raise
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None:
            self.report()
        self._close()

    def _start(self):
        for name in ("logs", "run", "cache", "home", "projects", "slots", "tmp"):
            (self.directory / name).mkdir()
        (self.directory / "run").chmod(0o700)
        if self.user is not None:
            self._give_to_user()
        if self.keyed:
            self._make_keys()
        if self.isolated:
            self.network = Network()
            coordinator_host = self.network.add()
            self.client_host = self.network.add(self.client_setup)
        else:
            coordinator_host = self.client_host = Machine()
        self._define_coordinator(coordinator_host)
        if self.with_coordinator:
            self.coordinator.start()
            self.coordinator.wait_healthy()
        for number in range(self.count):
            self._define_worker(number)
        for worker in self.workers:
            worker.start()
        for worker in self.workers:
            worker.wait_healthy()
        if self.with_coordinator:
            self.wait_nodes(self.count)

    def _give_to_user(self):
        """The user may use the farm's folder, and reach the programs wherever they were built."""
        shutil.copytree(self.bin, self.directory / "bin",
                        ignore=lambda folder, names: [n for n in names if n not in PROGRAMS])
        self.bin = self.directory / "bin"
        for path in (self.directory, *self.directory.iterdir()):
            os.chown(path, self.user, self.user)

    @property
    def keys(self):
        """The farm's folder of keys."""
        return self.directory / "keys"

    def _make_keys(self):
        argv = self._as_user([self.bin / "kiln", "keys", "init", "--dir", self.keys])
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, timeout=READY_SECONDS)

    def _close(self):
        atexit.unregister(self._close)
        with contextlib.ExitStack() as last:  # each step is taken, whatever becomes of the others
            for number, handler in self._handlers.items():
                last.callback(signal.signal, number, handler)
            last.callback(trees.remove, self.directory)
            for port in self._kept_ports:
                last.callback(port.close)
            for process in self._started:
                last.callback(process.wait)
            if self.network:
                last.callback(self.network.close)
            for daemon in [self.coordinator, *self.workers]:
                if daemon and daemon.running:
                    last.callback(daemon.end, signal.SIGKILL)
            if not self.isolated:
                last.callback(self._end_agent)
            for process in self._started:
                if process.poll() is None:
                    last.callback(process.kill)

    def _end_agent(self):
        """Tells the agent to stop, and kills the one that does not."""
        pid = self.agent_pid()
        if pid is None:
            return
        try:
            self.client([self.bin / "kiln", "agent", "stop"], seconds=AGENT_SECONDS)
        finally:
            if self.agent_pid() == pid:
                os.kill(pid, signal.SIGKILL)

    def agent_pid(self):
        """The process that listens at the agent's socket, as this machine sees it, or None."""
        with socket.socket(socket.AF_UNIX) as link:
            try:
                link.connect(str(self.directory / "run" / "agent.sock"))
            except OSError:
                return None
            peer = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            return struct.unpack("3i", peer)[0]

    def report(self):
        """After a failure: the end of every log."""
        logs = self.directory / "logs"
        for log in sorted(logs.iterdir()) if logs.exists() else []:
            print(f"---- {log.name}\n{log.read_text(errors='replace')[-6000:]}", flush=True)

    # ---- daemons --------------------------------------------------------------------------------

    def _define_coordinator(self, host):
        # Hosts of its own give a farm the well-known ports; on a shared machine the daemons choose.
        def at(port):
            return f"{host.address}:{port if self.isolated else 0}"

        state = self.directory / "state"
        argv = [self.bin / "kiln-coordinator", "--state-dir", state,
                *self._security("--keys", self.keys), *self.coordinator_flags]
        addresses = {"--client-endpoint": f"tcp://{at(CLIENT_PORT)}",
                     "--worker-endpoint": f"tcp://{at(WORKER_PORT)}",
                     "--http": at(COORDINATOR_HTTP)}
        self.coordinator = Daemon(host, "coordinator", self._as_user(argv), addresses,
                                  state / "endpoints.json",
                                  self.directory / "logs" / "coordinator.log")
        if not self.isolated and not self.with_coordinator:
            self._nowhere = f"{host.address}:{self._unanswered_port()}"

    @property
    def coordinator_endpoint(self):
        """What clients call: nobody's for as long as the farm is there, if it has none."""
        if not self.isolated and not self.with_coordinator:
            return self._nowhere
        return self.coordinator.addresses["--client-endpoint"].removeprefix("tcp://")

    def _unanswered_port(self):
        port = socket.socket()
        self._kept_ports.append(port)
        port.bind(("127.0.0.1", 0))  # and never listens
        return port.getsockname()[1]

    def _define_worker(self, number):
        store = self.directory / f"store{number}"
        host = Machine()
        if self.isolated:
            setup = list(without_compilers() if self.setup is None else self.setup)
            if self.store_megabytes:
                setup += small_disk(store, self.store_megabytes)
            host = self.network.add(setup)
        task, web = (TASK_PORT, WORKER_HTTP) if self.isolated else (0, 0)
        argv = [self.bin / "kiln-worker", "--coordinator",
                self.coordinator.addresses["--worker-endpoint"].removeprefix("tcp://"), "--name",
                f"w{number}", "--slots", self.slots, "--store", store,
                *self._security("--key-file", self.keys / "worker.key"),
                *self.worker_flags(number)]
        addresses = {"--listen": f"tcp://{host.address}:{task}", "--http": f"{host.address}:{web}"}
        self.workers.append(Daemon(host, f"worker {number}", self._as_user(argv), addresses,
                                   store / "endpoints.json",
                                   self.directory / "logs" / f"worker{number}.log"))

    def _as_user(self, argv):
        if self.user is not None:
            argv = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups",
                    "--pdeathsig=KILL", *argv]
        return _words(argv)

    def _security(self, flag, path):
        if self.keyed:
            return [flag, path]
        return ["--insecure"] if self.isolated else []

    def kill_worker(self, number):
        self.workers[number].end(signal.SIGKILL)

    def cut_worker(self, number):
        """Pulls the worker's cable: nobody is told. Hosts only."""
        self.network.cut(self.workers[number].host)

    def restart_worker(self, number):
        self.workers[number].start()
        self.workers[number].wait_healthy()

    def stop_coordinator(self, how=signal.SIGTERM):
        self.coordinator.end(how)

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
            "KILN_SLOT_DIR": str(private / "slots"), "TMPDIR": str(private / "tmp"),
            "KILN_COORDINATOR": self.coordinator_endpoint,
            "KILN_KEY_FILE": str(self.keys / "admin.key") if self.keyed else "",
            "KILN_FALLBACK": "1" if self.fallback else "0", "LC_ALL": "C.UTF-8"}
        for name, value in {**self.environment, **(extra or {})}.items():
            environment.pop(name, None)
            if value is not None:
                environment[name] = str(value)
        return environment

    def start_client(self, argv, cwd=None, env=None, **options):
        """A Popen of argv on the client's host."""
        cwd = str(cwd or self.directory / "projects")
        argv = self._as_user(argv)
        if self.client_root is not None:
            argv = ["/usr/sbin/chroot", str(self.client_root), "env", f"--chdir={cwd}", *argv]
        process = self.client_host.start(argv, cwd=cwd, env=self.client_environment(env), **options)
        self._started.append(process)
        return process

    def client(self, argv, cwd=None, env=None, seconds=300, check=False, input=b""):
        """Runs argv on the client's host to its end: a CompletedProcess with bytes."""
        given = subprocess.PIPE if input else subprocess.DEVNULL
        process = self.start_client(argv, cwd, env, stdin=given, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(input or None, timeout=seconds)
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
        self.own(target)
        return target

    def own(self, tree):
        """Gives a tree to the user who runs the farm, if that is not the caller."""
        if self.user is not None:
            for path in (tree, *tree.rglob("*")):
                os.chown(path, self.user, self.user, follow_symlinks=False)

    def prime(self, *compilers):
        """Makes the toolchains known to the farm, probe compiles and all, before what counts."""
        folder = self.directory / "prime"
        folder.mkdir(exist_ok=True)
        if self.user is not None:
            os.chown(folder, self.user, self.user)
        (folder / "a.c").write_text("int a;\n")
        (folder / "a.cc").write_text("int a;\n")
        for compiler in compilers:
            source = "a.cc" if "++" in compiler else "a.c"
            self.client(["kiln", compiler, "-c", source, "-o", "a.o"], cwd=folder, check=True)


def _words(argv):
    return [str(word) for word in argv]


def _raise_exit(number, frame):
    # One is enough: timeout(1) sends two, and the second would interrupt the taking away.
    for other in ENDING_SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    raise SystemExit(128 + number)
