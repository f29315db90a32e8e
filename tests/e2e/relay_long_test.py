"""Gigabytes through the coordinator, which keeps next to nothing of them."""

import os
import threading
import unittest

import kilntest

MIB = 1 << 20
FILES, FILE_BYTES = 8, 512 * MIB
STEADY_BYTES = 96 * MIB  # what a daemon may grow by


def resident(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Watch:
    """The largest memory of some processes while it is open."""

    def __init__(self, **pids):
        self.first = {name: resident(pid) for name, pid in pids.items()}
        self.most = dict(self.first)
        self._pids, self._over = pids, threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self):
        while not self._over.wait(0.05):
            for name, pid in self._pids.items():
                self.most[name] = max(self.most[name], resident(pid))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._over.set()
        self._thread.join()

    def growth(self, name):
        return self.most[name] - self.first[name]


class RelayLongTest(kilntest.FarmCase):
    def start_relayed(self):
        farm = self.start_farm(workers=2, environment={"KILN_ROUTE": "relay"})
        self.folder = farm.directory / "projects"
        farm.kiln("run", "--", "true")
        return farm

    def write(self, name, size):
        block = os.urandom(MIB)
        with open(self.folder / name, "wb") as stream:
            for number in range(size // MIB):
                stream.write(number.to_bytes(8, "big") + block[8:])

    def test_4_gigabytes_at_a_steady_memory(self):
        farm = self.start_relayed()
        for number in range(FILES):
            self.write(f"big{number}", FILE_BYTES)
        before = farm.coordinator.metric("kiln_relay_bytes_total", towards="workers")
        with Watch(coordinator=farm.coordinator.pid) as watch:
            for number in range(FILES):
                name = f"big{number}"
                here = farm.client(["sha256sum", name], check=True).stdout
                there = farm.client(["kiln", "run", "--input", name, "--", "sha256sum", name],
                                    seconds=600, check=True).stdout
                self.assertEqual(here, there)
        carried = farm.coordinator.metric("kiln_relay_bytes_total", towards="workers") - before
        self.assertGreater(carried, 4 * 1024 * MIB)
        self.assertLess(watch.growth("coordinator"), STEADY_BYTES)
        print(f"carried {carried / MIB:.0f} MiB; the coordinator grew by "
              f"{watch.growth('coordinator') / MIB:.1f} MiB from "
              f"{watch.first['coordinator'] / MIB:.1f} MiB")

    def test_a_worker_that_stops_in_the_middle_makes_nobody_grow(self):
        farm = self.start_relayed()
        self.write("big", 2 * FILE_BYTES)
        upload = farm.start_client(["kiln", "run", "--input", "big", "--", "sha256sum", "big"])
        before = farm.coordinator.metric("kiln_relay_bytes_total", towards="workers")
        carried = lambda: farm.coordinator.metric("kiln_relay_bytes_total",
                                                  towards="workers") - before
        kilntest.wait_until(lambda: carried() > 64 * MIB, "the upload to be under way", 60)
        stores = [sum(path.stat().st_size for path in worker_store.rglob("*") if path.is_file())
                  for worker_store in (farm.directory / "store0", farm.directory / "store1")]
        busy = farm.workers[stores.index(max(stores))]
        with Watch(coordinator=farm.coordinator.pid) as watch, busy.stopped():
            # The agent gives it up and sends all of it to the other.
            self.assertEqual(0, upload.wait(timeout=600))
        self.assertLess(watch.growth("coordinator"), STEADY_BYTES)


if __name__ == "__main__":
    unittest.main()
