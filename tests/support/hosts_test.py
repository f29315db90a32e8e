"""Hosts out of namespaces: they reach one another, show nothing outside and leave nothing."""

import os
import pathlib
import signal
import subprocess
import sys
import unittest

import kilntest
from kilntest.hosts import small_disk, without_compilers

SERVER = [sys.executable, "-m", "http.server", "8000", "--bind"]
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def links():
    return set(os.listdir("/sys/class/net"))


class HostsTest(unittest.TestCase):
    def network(self):
        network = kilntest.Network()
        self.addCleanup(network.close)
        return network

    def output(self, host, command):
        process = host.start(["sh", "-c", command], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
        return process.communicate(timeout=20)[0].decode()

    def test_hosts_reach_one_another_until_the_cable_is_pulled(self):
        network = self.network()
        one, other = network.add(), network.add()
        server = other.start([*SERVER, other.address], cwd="/", **QUIET)
        self.addCleanup(server.wait)

        def status():
            return kilntest.get(one, other.address, 8000, "/", seconds=0.3)[0]

        kilntest.wait_until(lambda: status() == 200, "the server")
        network.cut(other)
        self.assertEqual(0, status())
        network.plug(other)
        kilntest.wait_until(lambda: status() == 200, "the server to be back")
        network.close()

    def test_two_networks_at_once_do_not_meet_and_show_nothing_outside(self):
        before = links()
        one, other = self.network().add(), self.network().add()
        self.assertEqual(one.address, other.address)
        self.assertEqual(before, links())

    def test_a_host_without_compilers_has_none(self):
        host = self.network().add(without_compilers())
        said = self.output(host, "gcc --version; clang --version; as --version; ls /usr/lib/gcc")
        self.assertNotIn("Free Software", said)
        self.assertNotIn("clang version", said)
        self.assertNotIn("linux-gnu", said)

    def test_a_small_disk_is_full_soon(self):
        host = self.network().add(small_disk("/mnt", 1))
        self.assertIn("No space", self.output(host, "head -c 2000000 /dev/zero >/mnt/a"))

    def test_a_host_stays_when_an_orphan_of_it_ends(self):
        host = self.network().add()
        self.output(host, "setsid sleep 0.1 >/dev/null 2>&1 &")
        kilntest.wait_until(lambda: host.processes() == [], "the orphan to end")
        self.assertEqual("here\n", self.output(host, "echo here"))

    def test_pids_are_those_that_the_machine_sees(self):
        network = self.network()
        host = network.add()
        process = host.start(["sleep", "600"])
        pid = host.pid_of(process)
        self.assertIn((pid, "sleep 600 "), host.processes())
        nested = host.start(["unshare", "--pid", "--fork", "sleep", "700"])
        self.addCleanup(nested.wait)
        kilntest.wait_until(lambda: "sleep 700 " in dict(map(reversed, host.processes())),
                            "a process in a namespace of its own to be seen")
        os.kill(pid, signal.SIGINT)
        self.assertEqual(-signal.SIGINT, process.wait(timeout=10))
        network.close()

    def test_everything_ends_with_the_process_that_made_it(self):
        code = ("import kilntest, os\n"
                "network = kilntest.Network()\n"
                "host = network.add()\n"
                "process = host.start(['sleep', '600'])\n"
                "print(host.pid, host.pid_of(process), flush=True)\n"
                "os.kill(os.getpid(), 9)\n")
        done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=False)
        for pid in done.stdout.split():
            status = pathlib.Path("/proc", pid.decode(), "cmdline")
            kilntest.wait_until(lambda path=status: not _alive(path), f"process {pid} to end")


def _alive(path):
    try:
        return path.read_bytes() != b""  # a zombie has no command line
    except OSError:
        return False


if __name__ == "__main__":
    unittest.main()
