"""A real Prometheus, of Debian's package, on a host of a farm's network."""

import json
import math
import os
import signal
import subprocess
import urllib.parse

from kilntest import http
from kilntest.exposition import ROOT
from kilntest.waiting import wait_until

RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
PORT = 9090
READY_SECONDS = 30

_CONFIG = """global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: ["{rules}"]
scrape_configs:
"""
_JOB = """  - job_name: {job}
    static_configs: [{{targets: {targets}}}]
"""


def promtool(*words):
    """A CompletedProcess of promtool, with text."""
    return subprocess.run(["promtool", *map(str, words)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=120, check=False)


class Api:
    """What a Prometheus tells; `get` gives (status, body) of one of its pages."""

    def __init__(self, get):
        self.get = get

    def ask(self, path, **parameters):
        """The data of an answer of Prometheus' API. Raises ValueError with its words for an
        error, as of a query that is none."""
        words = "?" + urllib.parse.urlencode(parameters) if parameters else ""
        status, body = self.get(f"/api/v1/{path}{words}")
        if status == 0:
            raise AssertionError(f"Prometheus does not answer: {body}")
        answer = json.loads(body)
        if answer["status"] != "success":
            raise ValueError(answer["error"])
        return answer["data"]

    def query(self, expression):
        """What an expression is now: a list of (labels, number); what is not a number is left
        out."""
        data = self.ask("query", query=expression)
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        values = [(one["metric"], float(one["value"][1])) for one in data["result"]]
        return [(labels, value) for labels, value in values if not math.isnan(value)]


class Prometheus(Api):
    """A context manager: scrapes each second, and evaluates the rules of deploy/. `jobs` are lists
    of daemons by the name of their job."""

    def __init__(self, network, folder, jobs):
        super().__init__(lambda path: http.get(self._host, self._host.address, PORT, path))
        self._host, self._folder, self._jobs = network.add(), folder, jobs
        self._process = None

    def __enter__(self):
        self._folder.mkdir()
        config = _CONFIG.format(rules=RULES)
        for job, daemons in self._jobs.items():
            targets = [self.instance(daemon) for daemon in daemons]
            config += _JOB.format(job=job, targets=json.dumps(targets))
        (self._folder / "prometheus.yml").write_text(config)
        log = open(self._folder / "log", "wb")
        with log:
            self._process = self._host.start(
                ["prometheus", f"--config.file={self._folder}/prometheus.yml",
                 f"--storage.tsdb.path={self._folder}/data",
                 f"--web.listen-address={self._host.address}:{PORT}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_until(lambda: self.get("/-/ready")[0] == 200, "Prometheus to be ready",
                       READY_SECONDS, alive=self._ended)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, error, trace):
        if self._process.poll() is None:
            os.kill(self._host.pid_of(self._process), signal.SIGKILL)
        self._process.wait()

    @staticmethod
    def instance(daemon):
        """The label `instance` of a daemon's series."""
        return "{}:{}".format(*daemon.http_address)

    def _ended(self):
        if self._process.poll() is None:
            return None
        return "it ended: " + (self._folder / "log").read_text(errors="replace")[-2000:]

    def wait_scrapes(self, seconds=60):
        """Until every daemon has been scraped."""
        count = sum(map(len, self._jobs.values()))
        wait_until(lambda: len(self.query("up == 1")) == count, "Prometheus to scrape all",
                   seconds, alive=self._ended)
