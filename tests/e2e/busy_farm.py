"""A farm in which all happens that metrics count but what breaks machines: builds go on, pools are
warm, cold, quiesced and broken, calls fail, a worker comes back, and somebody is kept out."""

import json
import subprocess

from kilntest import Farm, http, pools, wait_until

FILES = 12
SOON = 30
AGENT_PORT = 10662
LOOP = """
while :; do
  make -s -k -j4 >make.log 2>&1
  rm -f *.o *.held
done
"""
# One of each compiler and pool after the other, so that no time is without both.
MAKEFILE = """all: $(foreach name,$(basename $(wildcard *.c)),$(name).o $(name).held)
%.o: %.c
\t@kiln gcc -O2 -c $< -o $@
%.held: %.c
\t@KILN_POOL=cc kiln clang -O2 -c $< -o $@
"""


class AgentFace:
    """What the calls' agent serves."""

    def __init__(self, host):
        self._host, self.http_address = host, (host.address, AGENT_PORT)

    def get(self, path):
        return http.get(self._host, *self.http_address, path)

    def metric(self, name, **labels):
        return http.sample(self.get("/metrics")[1], name, **labels) or 0.0


class BusyFarm:
    """A context manager; `farm` is the Farm. Two workers, so that each metric of one node is seen
    on both."""

    def __init__(self):
        # The first agent has the address, the others go on without.
        self.farm = Farm(workers=2, environment={"KILN_METRICS": f"0.0.0.0:{AGENT_PORT}"})
        self.agent = None
        self._loop = None

    def __enter__(self):
        self.farm.__enter__()
        try:
            self._prepare()
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(self, kind, error, trace):
        # The loop ends with its host.
        self.farm.__exit__(kind, error, trace)

    @property
    def daemons(self):
        return {"coordinator": [self.farm.coordinator], "worker": self.farm.workers,
                "agent": [self.agent]}

    def _prepare(self):
        farm = self.farm
        farm.prime("gcc", "clang")
        self.agent = AgentFace(farm.client_host)
        self._restart_a_worker()
        pools.create(farm, "cc", "--context", "forkserver", "--toolchain", "clang", "--warm",
                     "all", "--min-warm", "2")
        pools.create(farm, "quiet", "--toolchain", "gcc", "--warm", "all")
        farm.client(["kiln", "pool", "quiesce", "quiet"], check=True)
        pools.create(farm, "sick", "--toolchain", "sh", "--init", "sh -c 'exit 3'", "--warm", "all",
                     "--min-warm", "1", check=False)
        self._start_loop()
        self._ask_for_a_pool_that_is_not()
        self._knock_without_a_key()
        self._go_through_the_coordinator()

    def _start_loop(self):
        folder = self.farm.directory / "projects" / "busy"
        folder.mkdir()
        for number in range(FILES):
            (folder / f"f{number}.c").write_text(f"int f{number};\n")
        (folder / "wrong.c").write_text("int wrong\n")
        (folder / "Makefile").write_text(MAKEFILE)
        self._loop = self.farm.start_client(["sh", "-c", LOOP], cwd=folder)

    def _ended(self):
        return None if self._loop.poll() is None else "the build ended"

    def wait_work(self):
        """Until both workers have served both pools some more."""
        def served():
            return [worker.metric("kiln_pool_executed_tasks_total", pool=pool)
                    for worker in self.farm.workers for pool in ("default", "cc")]

        before = served()
        wait_until(lambda: all(now > then + 3 for now, then in zip(served(), before)),
                   "tasks of each pool on each worker", 90, alive=self._ended)

    def _restart_a_worker(self):
        self.farm.workers[1].end()
        self.farm.restart_worker(1)
        self.farm.wait_nodes(2)

    def _ask_for_a_pool_that_is_not(self):
        (self.farm.directory / "projects" / "nowhere.c").write_text("int nowhere;\n")
        done = pools.compile_in(self.farm, "nowhere", ["gcc", "-c", "nowhere.c"])
        if done.returncode != 1:
            raise AssertionError(f"a call in no pool ended with {done.returncode}")

    def _knock_without_a_key(self):
        farm = self.farm
        private = farm.directory / "stranger"
        coordinator = json.loads(self._keys("list", "--json", "--dir", farm.keys))["coordinator"]
        self._keys("new", "stranger", "--role", "client", "--dir", private / "keys", "--out",
                   private / "key", "--coordinator", coordinator)
        farm.kiln("status", env={**self._agent("stranger"), "KILN_KEY_FILE": private / "key"})
        wait_until(lambda: farm.coordinator.metric("kiln_connections_refused_total",
                                                   door="client") > 0,
                   "the stranger to be kept out", SOON)

    def _keys(self, *words):
        argv = [str(word) for word in (self.farm.bin / "kiln", "keys", *words)]
        return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                              timeout=SOON, check=True).stdout

    def _agent(self, name):
        """The environment of a further agent, in a folder of that name. It ends with its host."""
        private = self.farm.directory / name
        private.mkdir(mode=0o700, exist_ok=True)
        return {"KILN_SOCKET": private / "agent.sock", "KILN_CACHE_DIR": private, "HOME": private,
                "KILN_LOG_FILE": self.farm.directory / "logs" / f"{name}.log"}

    def _go_through_the_coordinator(self):
        """By an agent of its own, as one keeps the way that it has found."""
        (self.farm.directory / "projects" / "relayed.c").write_text("int relayed;\n")
        self.farm.client(["kiln", "gcc", "-c", "relayed.c"],
                         env={**self._agent("far"), "KILN_ROUTE": "relay"}, check=True)
