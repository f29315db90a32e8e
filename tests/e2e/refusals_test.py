"""What cannot work is refused at once, naming what was wrong and what to do."""

import os
import pathlib
import socket
import subprocess
import tempfile
import unittest

BIN = pathlib.Path(os.environ["KILN_BIN_DIR"])
ELSEWHERE = "0.0.0.0"


class RefusalsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="kt", dir="/var/tmp")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def refused(self, program, *flags, mentions):
        """The program ends by itself with an error that names each of `mentions`."""
        with self.subTest(program, flags=flags):
            done = subprocess.run([BIN / program, *map(str, flags)], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=20, check=False,
                                  cwd=self.folder)
            text = done.stdout.decode()
            self.assertNotEqual(0, done.returncode, text)
            self.assertGreater(done.returncode, 0, f"died of a signal: {text}")
            for word in mentions:
                self.assertIn(str(word), text)

    def coordinator(self, *flags, mentions):
        self.refused("kiln-coordinator", "--state-dir", self.folder / "state", *flags,
                     mentions=mentions)

    def worker(self, *flags, mentions):
        self.refused("kiln-worker", "--store", self.folder / "store", "--name", "w",
                     "--coordinator", "127.0.0.1:10651", *flags, mentions=mentions)

    def test_other_addresses_than_loopback_need_insecure(self):
        for flag in ("--client-endpoint", "--worker-endpoint"):
            self.coordinator(flag, f"tcp://{ELSEWHERE}:0", mentions=[flag, "--insecure"])
        self.coordinator("--http", f"{ELSEWHERE}:0", mentions=["--http", "--insecure"])
        self.worker("--listen", f"tcp://{ELSEWHERE}:0", mentions=["--listen", "--insecure"])
        self.worker("--http", f"{ELSEWHERE}:0", mentions=["--http", "--insecure"])

    def test_unknown_flags(self):
        for program in ("kiln-coordinator", "kiln-worker"):
            self.refused(program, "--no-such-flag", mentions=["--no-such-flag"])
        self.refused("kiln", "status", "--no-such-flag", mentions=["--no-such-flag"])

    def test_wrong_addresses(self):
        for address in ("tcp://", "tcp://127.0.0.1:99999", "udp://127.0.0.1:1",
                        "tcp://127.0.0.1:x"):
            self.coordinator("--client-endpoint", address,
                             mentions=["--client-endpoint", address])
            self.worker("--listen", address, mentions=["--listen", address])
        self.worker("--coordinator", "host:port", mentions=["--coordinator", "host:port"])

    def test_wrong_values(self):
        self.worker("--slots", "many", mentions=["--slots", "many"])
        self.worker("--store-limit", "5 parsecs", mentions=["--store-limit", "5 parsecs"])
        self.worker("--label", "job=a", mentions=["--label", "job"])
        self.worker("--label", "instance=a", mentions=["--label", "instance"])
        self.coordinator("--log-format", "poem", mentions=["--log-format", "poem"])

    def test_directories_that_cannot_be_used(self):
        (self.folder / "file").write_text("")
        below = self.folder / "file" / "below"
        self.refused("kiln-coordinator", "--state-dir", below, mentions=[below])
        self.refused("kiln-worker", "--coordinator", "127.0.0.1:10651", "--name", "w", "--store",
                     below, mentions=[below])
        for program in ("kiln-coordinator", "kiln-worker"):
            self.refused(program, "--config", self.folder / "no.toml",
                         mentions=[self.folder / "no.toml"])

    def test_a_port_that_is_taken(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            endpoint = f"127.0.0.1:{taken.getsockname()[1]}"
            self.coordinator("--client-endpoint", f"tcp://{endpoint}", mentions=[endpoint])
            self.coordinator("--client-endpoint", "tcp://127.0.0.1:0", "--worker-endpoint",
                             "tcp://127.0.0.1:0", "--http", endpoint, mentions=[endpoint])


if __name__ == "__main__":
    unittest.main()
