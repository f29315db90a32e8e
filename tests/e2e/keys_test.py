"""`kiln keys`, as an operator, a client's owner and an init service use it: files alone, no agent,
no farm."""

import json
import os
import pathlib
import shlex
import shutil
import stat
import subprocess
import tempfile
import tomllib
import unittest

OTHER_USER = 65534
SECONDS = 60


def modes(folder):
    """Name -> mode of what is in a folder, and "." -> its own."""
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    return {".": stat.S_IMODE(folder.stat().st_mode), **found}


class KeysTest(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="kiln-keys-")
        self.addCleanup(holder.cleanup)
        self.root = pathlib.Path(holder.name)
        self.root.chmod(0o755)
        # Where every user may execute it, wherever the build is.
        self.kiln = shutil.copy(pathlib.Path(os.environ["KILN_BIN_DIR"], "kiln"), self.root)
        self.folder = self.root / "etc" / "keys"
        self.env = {"KILN_KEYS_DIR": str(self.folder), "HOME": str(self.root / "home"),
                    "KILN_SOCKET": str(self.root / "agent.sock")}
        self.said = ""

    def start(self, *words, **options):
        return subprocess.Popen([self.kiln, "keys", *map(str, words)], env=self.env, cwd=self.root,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    def finish(self, process, code=0):
        with process:
            out, err = process.communicate(timeout=SECONDS)
        self.said += out.decode() + err.decode()
        self.assertEqual(code, process.returncode, err.decode() + out.decode())
        return out.decode() if code == 0 else " ".join(err.decode().split())

    def keys(self, *words, code=0, **options):
        return self.finish(self.start(*words, **options), code)

    def listed(self):
        return json.loads(self.keys("list", "--json"))

    def states(self):
        return {key["name"]: (key["role"], key["state"]) for key in self.listed()["keys"]}

    def read(self, path):
        return tomllib.loads(pathlib.Path(path).read_text())

    def suggested(self, text, start):
        """The words of the line in `text` that is to be copied and begins so."""
        (line,) = [line for line in text.splitlines() if line.startswith(f"  kiln keys {start}")]
        return shlex.split(line)[2:]

    def assert_said_no_secret(self):
        for path in self.root.rglob("*.key"):
            secret = self.read(path)["secret"]
            self.assertNotIn(secret, self.said)
            self.assertNotIn(secret.rstrip("="), self.said)

    # ---- the farm's folder ----------------------------------------------------------------------

    def test_init_makes_what_a_farm_needs_and_again_nothing(self):
        told = self.keys("init")
        self.assertEqual(4, told.count(" made "))
        self.assertIn(f"kiln keys new NAME --role client --dir {self.folder}", told)
        before = {path.name: path.read_bytes() for path in self.folder.iterdir()}
        self.assertEqual({"coordinator.key", "worker.key", "client.key", "admin.key", "allowed"},
                         set(before))
        again = self.keys("init")
        self.assertEqual((0, 4), (again.count(" made "), again.count(" was there ")))
        self.assertEqual(before, {path.name: path.read_bytes() for path in self.folder.iterdir()})
        self.assertEqual({name: (name, "allowed") for name in ("worker", "client", "admin")},
                         self.states())
        coordinator = self.read(self.folder / "coordinator.key")
        self.assertEqual(coordinator["public"], self.listed()["coordinator"])
        for name in ("worker", "client", "admin"):
            file = self.read(self.folder / f"{name}.key")
            self.assertEqual(([coordinator["public"]], name), (file["coordinator"], file["role"]))
        self.assert_said_no_secret()

    def test_nobody_else_may_read_whatever_the_umask(self):
        for umask in (0o000, 0o077):
            with self.subTest(f"{umask:03o}"):
                self.folder = self.root / f"etc-{umask:o}" / "keys"
                self.env["KILN_KEYS_DIR"] = str(self.folder)
                self.keys("init", umask=umask)
                self.keys("new", "laptop", "--role", "client", umask=umask)
                self.keys("revoke", "laptop", umask=umask)
                found = modes(self.folder)
                self.assertEqual(0o700, found.pop("."))
                self.assertEqual({0o600}, set(found.values()), found)
                self.assertEqual(6, len(found), found)
                self.assertEqual(0, stat.S_IMODE(self.folder.parent.stat().st_mode) & 0o022)
                own = self.root / f"home-{umask:o}" / "kiln" / "key.toml"
                self.keys("new", "own", "--role", "client", "--out", own, umask=umask)
                self.assertEqual({".": 0o700, "key.toml": 0o600}, modes(own.parent))

    def test_several_at_once_all_count(self):
        for process in [self.start("init") for _ in range(4)]:
            self.finish(process)
        names = [f"k{number}" for number in range(8)]
        started = [self.start("new", name, "--role", "client") for name in names]
        seen = [len(self.listed()["keys"]) for _ in range(5)]
        self.assertEqual(sorted(seen), seen)
        for process in started:
            self.finish(process)
        for process in [self.start("revoke", name) for name in names[:4]]:
            self.finish(process)
        states = self.states()
        self.assertEqual({"worker", "client", "admin", *names}, set(states))
        self.assertEqual(set(names[:4]),
                         {name for name, (_, state) in states.items() if state == "revoked"})
        for name in names:
            self.assertEqual(f"{name}", self.read(self.folder / f"{name}.key")["name"])
        self.assertEqual(4 + 1 + len(names), len(list(self.folder.iterdir())), "a draft stayed")

    def test_a_folder_or_file_that_others_may_touch_is_refused(self):
        self.keys("init")
        self.folder.chmod(0o777)
        for words in (("init",), ("new", "a", "--role", "client"), ("revoke", "client")):
            self.assertIn(f"chmod 700 {self.folder}", self.keys(*words, code=1))
        self.folder.chmod(0o700)
        (self.folder / "allowed").chmod(0o666)
        self.assertIn(f"chmod 600 {self.folder}/allowed", self.keys("list", code=1))
        (self.folder / "allowed").chmod(0o600)
        (self.folder / "client.key").chmod(0o644)
        for words in (("init",), ("trust", self.listed()["coordinator"],
                                  self.folder / "client.key")):
            self.assertIn(f"chmod 600 {self.folder}/client.key", self.keys(*words, code=1))
        self.assert_said_no_secret()

    def test_a_folder_of_another_user_is_his(self):
        other = {"user": OTHER_USER, "group": OTHER_USER, "extra_groups": []}
        self.folder.parent.mkdir()
        os.chown(self.folder.parent, OTHER_USER, OTHER_USER)
        self.keys("init", **other)
        self.assertEqual({OTHER_USER}, {path.stat().st_uid for path in self.folder.iterdir()})
        for words in (("init",), ("new", "a", "--role", "client"), ("list",)):
            self.assertIn(f"belongs to user {OTHER_USER}", self.keys(*words, code=1))
        self.assertEqual({"worker", "client", "admin"},
                         {key["name"] for key in
                          json.loads(self.keys("list", "--json", **other))["keys"]})

    def test_whoever_may_not_look_into_the_farms_folder_makes_a_key_of_his_own(self):
        self.keys("init")
        other = {"user": OTHER_USER, "group": OTHER_USER, "extra_groups": []}
        self.assertIn("ermission denied",
                      self.keys("new", "guest", "--role", "client", code=1, **other))
        home = self.root / "home"
        home.mkdir()
        os.chown(home, OTHER_USER, OTHER_USER)
        told = self.keys("new", "guest", "--role", "client", "--out", home / "key.toml", **other)
        self.assertNotIn("guest", self.states())
        self.keys(*self.suggested(told, "allow"))
        self.assertEqual(("client", "allowed"), self.states()["guest"])

    # ---- from a first key to its end ------------------------------------------------------------

    def test_a_client_whose_secret_never_leaves_it(self):
        self.keys("init")
        own = self.root / "home" / ".config" / "kiln" / "key.toml"
        self.env["KILN_KEYS_DIR"] = str(self.root / "no-farm")
        told = self.keys("new", "laptop", "--role", "client", "--out", own)
        self.env["KILN_KEYS_DIR"] = str(self.folder)
        answer = self.keys(*self.suggested(told, "allow"))
        self.assertEqual(("client", "allowed"), self.states()["laptop"])
        trust = self.suggested(answer, "trust")
        self.assertEqual("FILE", trust[-1])
        self.keys(*trust[:-1], own)
        self.assertEqual([self.listed()["coordinator"]], self.read(own)["coordinator"])
        self.assertIn("was allowed already", self.keys(*self.suggested(told, "allow")))
        self.assertNotIn(self.read(own)["secret"], self.said)
        self.assertFalse((self.root / "agent.sock").exists(), "it asked an agent")

    def test_a_lost_key_is_replaced_under_its_name(self):
        self.keys("init")
        self.keys("new", "laptop", "--role", "client")
        lost = self.read(self.folder / "laptop.key")["public"]
        self.assertIn("another key called laptop", self.keys(
            "new", "laptop", "--role", "client", "--out", self.root / "second.key", code=1))
        self.assertFalse((self.root / "second.key").exists())
        self.assertIn("revoked laptop, a client", self.keys("revoke", lost))
        self.assertIn("already", self.keys("revoke", "laptop"))
        (self.folder / "laptop.key").unlink()
        self.keys("new", "laptop", "--role", "client")
        keys = [(key["key"] == lost, key["state"]) for key in self.listed()["keys"]
                if key["name"] == "laptop"]
        self.assertEqual([(True, "revoked"), (False, "allowed")], keys)
        self.assertIn("was revoked on", self.keys("allow", "laptop2", lost, "--role", "client",
                                                  code=1))
        self.assertIn("no such key", self.keys("revoke", "nobody", code=1))
        table = self.keys("list")
        self.assertIn("PUBLIC KEY", table)
        self.assertEqual([], [line for line in table.splitlines() if len(line) > 80])
        self.assert_said_no_secret()

    def test_a_coordinators_key_is_replaced_while_both_are_trusted(self):
        self.keys("init")
        now = self.listed()["coordinator"]
        following = self.folder / "next.key"
        told = self.keys("new", "coordinator", "--role", "coordinator", "--out", following)
        trust = self.suggested(told, "trust")
        files = [self.folder / f"{name}.key" for name in ("worker", "client", "admin")]
        self.assertEqual(3, self.keys(*trust[:-1], *files).count("now trusts"))
        for file in files:
            self.assertEqual([now, trust[1]], self.read(file)["coordinator"])
            self.assertEqual(0o600, stat.S_IMODE(file.stat().st_mode))
        following.rename(self.folder / "coordinator.key")
        self.assertEqual(4, self.keys("init").count("was there"))
        self.keys("distrust", now, *files)
        self.assertEqual([[trust[1]]] * 3, [self.read(file)["coordinator"] for file in files])
        problem = self.keys("distrust", trust[1], *files, code=1)
        self.assertEqual(3, problem.count("names no other coordinator"))
        self.assertNotIn("coordinator", self.states())
        self.assert_said_no_secret()

    # ---- words ----------------------------------------------------------------------------------

    def test_wrong_words_and_places(self):
        for words, says in ((("new", "a"), "--role client"), (("lits",), "did you mean 'list'?"),
                            (("allow", "a", "key", "--role", "client"), "no public key"),
                            ((), "say what to do with keys")):
            self.assertIn(says, self.keys(*words, code=2))
        self.assertIn("kiln keys init", self.keys("list", code=1))
        self.assertIn("usage: kiln keys ACTION", self.keys("new", "--help"))
        self.env["KILN_KEYS_DIR"] = str(self.root / "kiln" / "keys")
        self.assertIn("ot a directory", self.keys("init", code=1))

    def test_a_list_that_cannot_be_read_is_told_and_left(self):
        self.keys("init")
        path = self.folder / "allowed"
        text = path.read_text() + "client broken\n"
        path.write_text(text)
        line = text.count("\n")
        for words in (("list",), ("revoke", "client"), ("new", "a", "--role", "client"), ("init",)):
            self.assertIn(f"allowed:{line}: a line is ROLE NAME", self.keys(*words, code=1))
        self.assertEqual(text, path.read_text())
        self.assertFalse((self.folder / "a.key").exists())


if __name__ == "__main__":
    unittest.main()
