"""A farm with keys: who is let in, who is not and learns why, and who is cut off."""

import json
import pathlib
import signal
import subprocess
import unittest

import kilntest
from kilntest.waiting import wait_until

# A coordinator looks at its folder each second, and who is kept out tries again each second.
SOON = 10


class Client:
    """Another client of the farm on its client's host, with a key and an agent of its own."""

    def __init__(self, farm, name, key_file):
        self.farm = farm
        private = farm.directory / name
        private.mkdir(mode=0o700)
        self.environment = {"KILN_SOCKET": private / "agent.sock", "KILN_CACHE_DIR": private,
                            "KILN_LOG_FILE": farm.directory / "logs" / f"{name}.log",
                            "KILN_KEY_FILE": key_file, "HOME": private}

    def status(self):
        """The state of the coordinator as this client sees it, and why it is none."""
        answer = self.farm.kiln("status", "--json", env=self.environment)
        coordinator = answer["coordinators"][0]
        return coordinator["state"], coordinator["reason"]

    def is_in(self):
        return self.status()[0] == "connected"

    def is_kept_out(self):
        """Why, or None while it is not."""
        state, reason = self.status()
        return reason if state == "refused" else None

    def compile(self, name):
        (self.farm.directory / "projects" / f"{name}.c").write_text("int a;\n")
        return self.farm.client(["kiln", "gcc", "-c", f"{name}.c"], env=self.environment)

    def end(self):
        self.farm.kiln("agent", "stop", env=self.environment)


class KeyedFarmTest(kilntest.FarmCase):
    @classmethod
    def setUpClass(cls):
        cls.start_class_farm(workers=1, slots=2)
        cls.farm.prime("gcc")

    def keys(self, *words):
        done = subprocess.run([str(word) for word in (self.farm.bin / "kiln", "keys", *words)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def operator(self, *words):
        """A command of the operator's, at the farm's folder of keys."""
        return self.keys(*words, "--dir", self.farm.keys)

    def coordinator_key(self):
        return json.loads(self.operator("list", "--json"))["coordinator"]

    def key_of_its_own(self, name, *words):
        """A key file that was made far from the farm, and so is not allowed yet."""
        elsewhere = self.farm.directory / f"elsewhere-{name}"
        self.keys("new", name, *words, "--dir", elsewhere, "--out",
                  self.farm.directory / f"{name}.key", "--coordinator", self.coordinator_key())
        return self.farm.directory / f"{name}.key"

    def client(self, name, key_file):
        client = Client(self.farm, name, key_file)
        self.addCleanup(client.end)
        return client

    def refusals(self, **labels):
        return self.farm.coordinator.metric("kiln_connections_refused_total", **labels)

    def test_a_stranger_learns_what_lets_him_in_and_that_does(self):
        stranger = self.client("stranger", self.key_of_its_own("stranger", "--role", "client"))
        why = wait_until(stranger.is_kept_out, "the stranger to be kept out", SOON)
        self.assertGreater(self.refusals(door="client", reason="unknown_key"), 0)
        failed = stranger.compile("stranger")
        self.assertEqual(1, failed.returncode)
        self.assertIn(b"kiln keys allow stranger ", failed.stderr)
        words = why[why.index("kiln keys allow"):].split()
        self.operator(*words[2:])
        wait_until(stranger.is_in, "the stranger to be let in", SOON)
        self.assertEqual(0, stranger.compile("stranger").returncode)

    def test_a_revoked_client_is_cut_off_within_seconds_and_others_are_not(self):
        self.operator("new", "leaver", "--role", "client")
        leaver = self.client("leaver", self.farm.keys / "leaver.key")
        wait_until(leaver.is_in, "the leaver to be let in", SOON)
        self.assertEqual(0, leaver.compile("leaver").returncode)
        self.operator("revoke", "leaver")
        wait_until(leaver.is_kept_out, "the leaver to be kept out", SOON)
        self.assertEqual(1, leaver.compile("leaver").returncode)
        wait_until(lambda: self.refusals(door="client", reason="revoked_key") > 0,
                   "the revoked key to be counted", SOON)
        (self.farm.directory / "projects" / "stays.c").write_text("int a;\n")
        self.farm.client(["kiln", "gcc", "-c", "stays.c"], check=True)

    def test_a_task_of_a_client_that_is_revoked_ends(self):
        self.operator("new", "busy", "--role", "client")
        busy = self.client("busy", self.farm.keys / "busy.key")
        wait_until(busy.is_in, "the client to be let in", SOON)
        call = self.farm.start_client(["kiln", "run", "--", "sleep", "1000"],
                                      env=busy.environment, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        host = self.farm.workers[0].host

        def runs():
            return [line for _, line in host.processes() if "sleep 1000" in line]

        wait_until(runs, "the task to run", 60)
        self.operator("revoke", "busy")
        # The worker keeps the tasks of a connection that ended for 15 s.
        wait_until(lambda: not runs(), "the task to be ended", 30)
        _, error = call.communicate(timeout=60)
        self.assertEqual(1, call.returncode, error)

    def test_who_has_no_key_is_told_so(self):
        nobody = self.client("nobody", None)
        why = wait_until(nobody.is_kept_out, "the client to be kept out", SOON)
        self.assertIn("KILN_KEY_FILE", why)

    def test_another_farms_coordinator_is_not_spoken_to(self):
        other = self.farm.directory / "other-farm"
        self.keys("init", "--dir", other)
        lost = self.client("lost", other / "client.key")
        why = wait_until(lost.is_kept_out, "the client to keep out", SOON)
        self.assertIn("kiln keys trust", why)

    def with_role(self, name, role):
        """A copy of the key file whose text claims another role."""
        text = (self.farm.keys / f"{name}.key").read_text()
        claims = self.farm.directory / f"{name}-as-{role}.key"
        claims.touch(mode=0o600)
        claims.write_text(text.replace(f'role = "{name}"', f'role = "{role}"'))
        return claims

    def worker_is_kept_out(self, name, key_file, reason):
        farm = self.farm
        before = self.refusals(door="worker", reason=reason)
        host = farm.network.add()
        log = farm.directory / "logs" / f"{name}.log"
        argv = [farm.bin / "kiln-worker", "--coordinator",
                farm.coordinator.addresses["--worker-endpoint"].removeprefix("tcp://"), "--name",
                name, "--store", farm.directory / name, "--key-file", key_file, "--listen",
                f"tcp://{host.address}:10652", "--http", f"{host.address}:10661"]
        with open(log, "wb") as out:
            process = host.start([str(word) for word in argv], stdin=subprocess.DEVNULL,
                                 stdout=out, stderr=out)
        self.addCleanup(process.wait)
        self.addCleanup(process.send_signal, signal.SIGKILL)
        wait_until(lambda: self.refusals(door="worker", reason=reason) > before,
                   f"{name} to be refused", 30, alive=lambda: log.read_text()
                   if process.poll() is not None else None)
        wait_until(lambda: "kiln keys allow" in log.read_text(), "the worker's log to say so", SOON)
        self.assertEqual(1, farm.ready_nodes())

    def test_a_clients_key_at_the_worker_port_is_refused_and_counted(self):
        self.worker_is_kept_out("disguised", self.with_role("client", "worker"), "wrong_role")

    def test_a_worker_that_is_not_allowed_is_refused_and_counted(self):
        self.worker_is_kept_out("unknown", self.key_of_its_own("node", "--role", "worker"),
                                "unknown_key")

    def test_a_key_of_another_role_is_no_workers_key_file(self):
        done = self.farm.client([self.farm.bin / "kiln-worker", "--key-file",
                                 self.farm.keys / "client.key"])
        self.assertEqual(2, done.returncode)
        self.assertIn(b"it is the key of a client; a worker needs one of its own role",
                      done.stderr)

    def test_a_client_may_not_take_pools_from_others(self):
        self.farm.kiln("pool", "create", "everybodys", "--toolchain", "gcc")
        client = self.client("ordinary", self.farm.keys / "client.key")
        wait_until(client.is_in, "the client to be let in", SOON)
        done = self.farm.kiln("pool", "delete", "everybodys", env=client.environment)
        self.assertEqual(1, done.returncode)
        self.assertIn(b"takes the key of an administrator", done.stderr)
        self.assertEqual(0, self.farm.kiln("pool", "delete", "everybodys").returncode)

    def test_nothing_secret_is_in_logs_or_on_command_lines(self):
        secrets = []
        for file in self.farm.keys.glob("*.key"):
            lines = file.read_text().splitlines()
            secrets += [line.split('"')[1] for line in lines if line.startswith("secret")]
        self.assertGreaterEqual(len(secrets), 4)
        texts = [log.read_text(errors="replace")
                 for log in (self.farm.directory / "logs").iterdir()]
        texts += [path.read_text(errors="replace")
                  for path in pathlib.Path("/proc").glob("[0-9]*/cmdline") if _is_there(path)]
        for secret in secrets:
            self.assertFalse([text for text in texts if secret in text])


def _is_there(path):
    try:
        return path.read_bytes() is not None
    except OSError:
        return False


if __name__ == "__main__":
    unittest.main()
