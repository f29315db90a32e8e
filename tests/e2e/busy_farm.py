"""A farm in which all happens that metrics count but what breaks machines: what busy_work does, and
a worker comes back."""

import subprocess

from busy_work import AGENT_PORT, METRICS, SOON, BusyWork, Face, coordinator_key
from kilntest import Farm


class BusyFarm:
    """A context manager; `farm` is the Farm. Two workers, so that each metric of one node is seen
    on both."""

    def __init__(self):
        # The first agent has the address, the others go on without.
        self.farm = Farm(workers=2, environment={"KILN_METRICS": METRICS})
        self.agent = self._work = None

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

    def wait_work(self):
        """Until both workers have served both pools some more."""
        self._work.wait_more(self.farm.workers)

    def _prepare(self):
        farm = self.farm
        farm.prime("gcc", "clang")
        self.agent = Face(farm.client_host, farm.client_host.address, AGENT_PORT)
        farm.workers[1].end()
        farm.restart_worker(1)
        farm.wait_nodes(2)
        listed = subprocess.run([farm.bin / "kiln", "keys", "list", "--json", "--dir", farm.keys],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                timeout=SOON, check=True).stdout
        self._work = BusyWork(farm, farm.coordinator, coordinator_key(listed))
        self._work.begin()
