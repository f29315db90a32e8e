"""A worker that cannot have its namespaces refuses to start and names what would give them."""

import os
import pathlib
import subprocess
import tempfile
import unittest

WORKER = pathlib.Path(os.environ["KILN_BIN_DIR"]) / "kiln-worker"
WITHOUT_SYS_ADMIN = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]
WITHOUT_CAPABILITIES = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
# The limit is of the user namespace that it is set in: this machine's stays.
NO_MORE_USERS = ["unshare", "--user", "--map-root-user", "sh", "-ec",
                 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"', "sh"]


class NoNamespacesTest(unittest.TestCase):
    def refused(self, *around, mentions):
        with tempfile.TemporaryDirectory(prefix="kt", dir="/var/tmp") as store:
            done = subprocess.run(
                [*around, WORKER, "--coordinator", "127.0.0.1:1", "--listen",
                 "tcp://127.0.0.1:0", "--http", "127.0.0.1:0", "--name", "w", "--store", store],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30, check=False)
        text = done.stdout.decode()
        self.assertEqual(1, done.returncode, text)
        for word in ("kiln-worker", "namespace", *mentions):
            self.assertIn(word, text)

    def test_root_without_the_capability(self):
        self.refused(*WITHOUT_SYS_ADMIN, mentions=["SYS_ADMIN", "--cap-add"])

    def test_where_no_user_namespaces_are_allowed(self):
        self.refused(*NO_MORE_USERS, *WITHOUT_CAPABILITIES,
                     mentions=["user namespace", "sysctl user.max_user_namespaces"])


if __name__ == "__main__":
    unittest.main()
