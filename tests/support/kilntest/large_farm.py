"""A coordinator with a large farm of made-up workers, which run nothing but report as real ones
do."""

import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
import threading

from kilntest.waiting import wait_until

HOURS = 24  # that the workers last at most
TICKS = os.sysconf("SC_CLK_TCK")


class LargeFarm:
    """A coordinator on loopback, and made-up workers that it takes for real ones."""

    def __init__(self, workers, slots, tasks_per_second):
        self._words = (workers, slots, tasks_per_second, HOURS * 3600)
        self._stack = contextlib.ExitStack()
        self._pings, self._lock = [], threading.Lock()

    def __enter__(self):
        try:
            return self._begin()
        except BaseException:
            self._stack.close()
            raise

    def _begin(self):
        bin_dir = pathlib.Path(os.environ["KILN_BIN_DIR"])
        folder = pathlib.Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        any_port = "tcp://127.0.0.1:0"
        self._coordinator = self._start([
            bin_dir / "kiln-coordinator", "--state-dir", folder, "--client-endpoint", any_port,
            "--worker-endpoint", any_port, "--http", "127.0.0.1:0", "--log-level", "error"])
        places = wait_until(lambda: self._places(folder), "the coordinator's addresses", 20)
        self.port = int(places["http"].rpartition(":")[2])
        self._workers = self._start([bin_dir / "model_workers", places["worker"], *self._words],
                                    stdout=subprocess.PIPE)
        self._stack.callback(self._workers.stdout.close)
        if self._workers.stdout.readline() != "ready\n":
            raise RuntimeError("the made-up workers did not join")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, kind, error, trace):
        self._workers.terminate()
        self._reader.join()
        self._stack.close()

    def _start(self, argv, **options):
        process = subprocess.Popen([str(word) for word in argv], text=True, **options)
        self._stack.callback(process.wait, 20)
        self._stack.callback(process.terminate)
        return process

    @staticmethod
    def _places(folder):
        with contextlib.suppress(OSError):
            return json.loads((folder / "endpoints.json").read_text())
        return None

    def _read(self):
        for line in self._workers.stdout:
            _, median, worst = line.split()
            with self._lock:
                self._pings.append((float(median), float(worst)))

    def take_pings(self):
        with self._lock:
            taken, self._pings = self._pings, []
        return taken

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self._coordinator.pid}/stat").read_text().rpartition(")")[2]
        user, system = fields.split()[11:13]
        return (int(user) + int(system)) / TICKS
