"""What keeps all that metrics count going, but what breaks machines: builds go on, pools are warm,
quiesced and broken, calls fail, and somebody is kept out."""

import json

from kilntest import http, pools, wait_until

FILES = 12
SOON = 30
AGENT_PORT = 10662
METRICS = f"0.0.0.0:{AGENT_PORT}"  # KILN_METRICS of the calls
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


class Face:
    """What a daemon serves over HTTP, asked from `host`."""

    def __init__(self, host, address, port):
        self._host, self.http_address = host, (address, port)

    def get(self, path):
        return http.get(self._host, *self.http_address, path)

    def metric(self, name, **labels):
        return http.sample(self.get("/metrics")[1], name, **labels) or 0.0


class BusyWork:
    """`client` is a Farm or what builds like one, by a key that may change the farm;
    `coordinator` has `metric`, and the public key `key`."""

    def __init__(self, client, coordinator, key):
        self._client, self._coordinator, self._key = client, coordinator, key
        self._loop = None

    def begin(self):
        client = self._client
        pools.create(client, "cc", "--context", "forkserver", "--toolchain", "clang", "--init",
                     "clang --version", "--warm", "all", "--min-warm", "2")
        pools.create(client, "quiet", "--toolchain", "gcc", "--warm", "all")
        client.client(["kiln", "pool", "quiesce", "quiet"], check=True)
        pools.create(client, "sick", "--toolchain", "sh", "--init", "sh -c 'exit 3'", "--warm",
                     "all", "--min-warm", "1", check=False)
        self._start_loop()
        self._ask_for_a_pool_that_is_not()
        self._knock_without_a_key()
        self._go_through_the_coordinator()

    def wait_more(self, workers):
        """Until each of the workers, which have `metric`, has served both pools some more."""
        def served():
            return [worker.metric("kiln_pool_executed_tasks_total", pool=pool)
                    for worker in workers for pool in ("default", "cc")]

        before = served()
        wait_until(lambda: all(now > then + 3 for now, then in zip(served(), before)),
                   "tasks of each pool on each worker", 90, alive=self._ended)

    def wait_end(self):
        """When its host has ended, and the build with it."""
        if self._loop is not None:
            self._loop.wait(SOON)

    def _ended(self):
        return None if self._loop.poll() is None else "the build ended"

    def _projects(self):
        return self._client.directory / "projects"

    def _start_loop(self):
        folder = self._projects() / "busy"
        folder.mkdir()
        for number in range(FILES):
            (folder / f"f{number}.c").write_text(f"int f{number};\n")
        (folder / "wrong.c").write_text("int wrong\n")
        (folder / "Makefile").write_text(MAKEFILE)
        self._loop = self._client.start_client(["sh", "-c", LOOP], cwd=folder)

    def _ask_for_a_pool_that_is_not(self):
        (self._projects() / "nowhere.c").write_text("int nowhere;\n")
        done = pools.compile_in(self._client, "nowhere", ["gcc", "-c", "nowhere.c"])
        if done.returncode != 1:
            raise AssertionError(f"a call in no pool ended with {done.returncode}")

    def _knock_without_a_key(self):
        client, private = self._client, self._client.directory / "stranger"
        agent = self._agent(private)
        client.client(["kiln", "keys", "new", "stranger", "--role", "client", "--dir",
                       private / "keys", "--out", private / "key", "--coordinator", self._key],
                      check=True)
        client.client(["kiln", "status"], env={**agent, "KILN_KEY_FILE": private / "key"})
        wait_until(lambda: self._coordinator.metric("kiln_connections_refused_total",
                                                    door="client") > 0,
                   "the stranger to be kept out", SOON)

    def _agent(self, folder):
        """The environment of a further agent. It ends with its host."""
        folder.mkdir(mode=0o700)
        return {"KILN_SOCKET": folder / "agent.sock", "KILN_CACHE_DIR": folder, "HOME": folder,
                "KILN_LOG_FILE": folder / "agent.log"}

    def _go_through_the_coordinator(self):
        """By an agent of its own, as one keeps the way that it has found."""
        (self._projects() / "relayed.c").write_text("int relayed;\n")
        agent = self._agent(self._client.directory / "far")
        self._client.client(["kiln", "gcc", "-c", "relayed.c"],
                            env={**agent, "KILN_ROUTE": "relay"}, check=True)


def coordinator_key(listed):
    """Out of what `kiln keys list --json` says."""
    return json.loads(listed)["coordinator"]
