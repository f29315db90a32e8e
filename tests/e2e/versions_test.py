"""Who speaks another version of the protocol, or nothing of it, is told so and disturbs nobody."""

import struct
import unittest

import kilntest
from kilntest import wire

OTHER_VERSION = 99


class VersionsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.farm = kilntest.Farm(workers=1, isolated=False)
        cls.farm.__enter__()
        cls.addClassCleanup(cls.farm.__exit__, None, None, None)
        (cls.farm.directory / "projects" / "a.c").write_text("int a;\n")

    def ports(self):
        """(who, port, the kind of message that comes first there) of each ZeroMQ socket."""
        coordinator = self.farm.coordinator.argv
        client, worker = (int(coordinator[coordinator.index(flag) + 1].rpartition(":")[2])
                          for flag in ("--client-endpoint", "--worker-endpoint"))
        listen = self.farm.workers[0].argv[self.farm.workers[0].argv.index("--listen") + 1]
        tasks = int(listen.rpartition(":")[2])
        return [("clients", client, wire.CLIENT_HELLO), ("workers", worker, wire.WORKER_HELLO),
                ("tasks", tasks, wire.PEER_HELLO)]

    def assert_refused(self, answer):
        self.assertIsNotNone(answer, "hung up without a word")
        _, kind = struct.unpack(">HH", answer[0])
        self.assertEqual(wire.REFUSED, kind)
        self.assertIn(b"version", answer[1])
        self.assertIn(str(OTHER_VERSION).encode(), answer[1])

    def assert_still_works(self):
        self.farm.client(["kiln", "gcc", "-c", "a.c"], check=True)

    def test_daemons_refuse_another_version(self):
        for who, port, kind in self.ports():
            with self.subTest(who):
                frames = [wire.header(OTHER_VERSION, kind), wire.EMPTY_MAP]
                self.assert_refused(wire.ask_daemon(self.farm.client_host, "127.0.0.1", port,
                                                    frames))
        self.assert_still_works()

    def test_the_agent_refuses_another_version(self):
        self.farm.kiln("status")
        socket_path = self.farm.client_environment()["KILN_SOCKET"]
        self.assert_refused(wire.ask_agent(
            socket_path, [wire.header(OTHER_VERSION, wire.PING), wire.EMPTY_MAP]))
        self.assert_still_works()

    def test_noise_disturbs_nobody(self):
        for _, port, _ in self.ports():
            with self.farm.client_host.connect("127.0.0.1", port) as link:
                link.sendall(b"GET / HTTP/1.0\r\n\r\n" + bytes(range(256)) * 100)
        with self.farm.client_host.connect(*self.farm.workers[0].http_address) as link:
            link.sendall(bytes(range(256)) * 100)
        self.assert_still_works()


if __name__ == "__main__":
    unittest.main()
