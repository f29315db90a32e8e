"""Warnings and errors of a remote compile: the same text on the same stream, with the same exit
code, as from a local one."""

import os
import pty
import unittest

import kilntest

WARNING_C = "int f(int used, int unused) { return used; }\nint g(void) { int x; return x; }\n"
ERROR_C = "int f(void) { return undeclared; }\nstruct s { int a }\n"
ERROR_CC = "#include <vector>\nstd::vector<int> f() { return std::string(); }\n"
MISSING_C = '#include "nowhere.h"\n'
GOOD_C = "int a;\n"
LOCALES = ("C", "C.UTF-8", "de_DE.UTF-8")
COLOURS = ((), ("-fdiagnostics-color=always",), ("-fdiagnostics-color=never",))


class DiagnosticsTest(kilntest.FarmCase):
    @classmethod
    def setUpClass(cls):
        # What a compiler cannot even list is for the compiler here; check() sees that all else
        # ran remotely.
        cls.start_class_farm(workers=1, fallback=True)
        cls.folder = cls.farm.directory / "projects"
        for name, text in (("warning.c", WARNING_C), ("error.c", ERROR_C), ("error.cc", ERROR_CC),
                           ("missing.c", MISSING_C), ("good.c", GOOD_C)):
            (cls.folder / name).write_text(text)
        cls.farm.prime("gcc", "g++", "clang", "clang++")

    def both(self, call, locale="C.UTF-8"):
        env = {"LC_ALL": locale}
        (self.folder / "out.o").unlink(missing_ok=True)
        local = self.farm.client(call, env=env)
        wrote = (self.folder / "out.o").exists()
        (self.folder / "out.o").unlink(missing_ok=True)
        remote = self.farm.client(["kiln", *call], env=env)
        self.assertEqual(wrote, (self.folder / "out.o").exists())
        return tuple((done.returncode, done.stdout.decode(), done.stderr.decode())
                     for done in (local, remote))

    def counts(self):
        """How many calls ran (remotely, here because they could not)."""
        stats = self.farm.kiln("stats", "--json")
        return stats["remote"]["total"], stats["fallback"]["total"]

    def check(self, compiler, source, locale="C.UTF-8", extra=(), ran_remotely=True):
        with self.subTest(compiler, source=source, locale=locale, extra=extra):
            call = [compiler, "-Wall", "-Wextra", "-O1", *extra, "-c", source, "-o", "out.o"]
            remotely, fallen_back = self.counts()
            local, remote = self.both(call, locale)
            self.assertEqual(local, remote)
            # The agent cannot read why gcc failed in another language, and asks it again here.
            doubted = compiler in ("gcc", "g++") and "de_DE" in locale and local[0] != 0
            if doubted:
                self.assertEqual((remotely, fallen_back + 1), self.counts())
                self.assertEqual("untranslated", self.farm.kiln(
                    "why", source, "--json", cwd=self.folder)["reason"])
            elif ran_remotely:
                self.assertEqual((remotely + 1, fallen_back), self.counts())
            else:
                self.assertEqual(remotely, self.counts()[0])
            return local

    def test_in_every_locale_with_and_without_colour(self):
        for compiler in ("gcc", "clang"):
            for source in ("warning.c", "error.c"):
                for locale in LOCALES:
                    for extra in COLOURS:
                        self.check(compiler, source, locale, extra)

    def test_of_cxx(self):
        for compiler in ("g++", "clang++"):
            self.check(compiler, "error.cc")

    def test_the_translated_locale_really_translates(self):
        _, _, text = self.check("gcc", "warning.c", "de_DE.UTF-8")
        self.assertIn("Warnung:", text)

    def test_in_a_locale_of_the_users_own(self):
        locales = self.farm.directory / "locales"
        locales.mkdir()
        self.farm.client(["localedef", "-i", "fr_FR", "-f", "UTF-8", locales / "fr_FR.UTF-8"],
                         check=True)
        env = {"LOCPATH": locales, "LC_ALL": "fr_FR.UTF-8"}
        call = ["gcc", "-Wall", "-c", "warning.c", "-o", "out.o"]
        remotely, fallen_back = self.counts()
        said = [self.farm.client([*launcher, *call], env=env).stderr.decode()
                for launcher in ((), ("kiln",))]
        self.assertEqual((remotely + 1, fallen_back), self.counts())
        self.assertIn("attention:", said[0])
        self.assertEqual(said[0], said[1])

    def test_of_a_missing_header_and_a_missing_source(self):
        for compiler in ("gcc", "clang"):
            self.check(compiler, "missing.c", ran_remotely=False)
            self.check(compiler, "nowhere.c", ran_remotely=False)

    def test_silence_stays_silence(self):
        for compiler in ("gcc", "clang"):
            self.assertEqual((0, "", ""), self.check(compiler, "good.c"))

    def test_on_a_terminal(self):
        for compiler in ("gcc", "clang"):
            call = [compiler, "-Wall", "-Wextra", "-c", "warning.c", "-o", "out.o"]
            with self.subTest(compiler):
                remotely, fallen_back = self.counts()
                self.assertEqual(self.on_terminal(call), self.on_terminal(["kiln", *call]))
                self.assertEqual((remotely + 1, fallen_back), self.counts())

    def on_terminal(self, call):
        ours, theirs = pty.openpty()
        process = self.farm.start_client(call, env={"TERM": "xterm-256color"}, stdin=theirs,
                                         stdout=theirs, stderr=theirs)
        os.close(theirs)
        text = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # EIO: the other side is closed
                break
            if not piece:
                break
            text += piece
        os.close(ours)
        return process.wait(timeout=60), text.decode()


if __name__ == "__main__":
    unittest.main()
