"""What the tests stand on can itself tell right from wrong."""

import pathlib
import tempfile
import unittest

import kilntest
from kilntest.display import Display
from kilntest.recorder import Started, parse
from kilntest.screen import shown
from kilntest.waiting import DeadlinePassed


class RecorderTest(unittest.TestCase):
    def generates(self, *argv, program=None):
        return Started(program or argv[0], argv).generates_code

    def test_compiling_is_seen_in_drivers_and_back_ends(self):
        self.assertTrue(self.generates("/usr/bin/gcc-12", "-O2", "-c", "a.c"))
        self.assertTrue(self.generates("/x/x86_64-linux-gnu-g++", "-S", "a.cc"))
        self.assertTrue(self.generates("/x/clang-14", "-cc1", "-emit-obj", "a.c"))
        self.assertTrue(self.generates("/usr/lib/gcc/cc1plus", "-quiet", "a.cc", "-o", "/tmp/a.s"))
        self.assertTrue(self.generates("/x/x86_64-linux-gnu-as", "-o", "a.o", "/tmp/a.s"))

    def test_questions_are_not_compiling(self):
        self.assertFalse(self.generates("/usr/bin/gcc-12", "-M", "-c", "a.c"))
        self.assertFalse(self.generates("/usr/lib/gcc/cc1", "-E", "-quiet", "-M", "a.c"))
        self.assertFalse(self.generates("/usr/bin/gcc-12", "--version"))
        self.assertFalse(self.generates("/usr/bin/gcc-12", "-print-prog-name=as"))
        self.assertFalse(self.generates("/usr/bin/gcc-12", "a.o", "-o", "a"))
        self.assertFalse(self.generates("/usr/bin/make", "-c"))

    def test_depfiles_beside_an_object_do_not_hide_it(self):
        self.assertTrue(self.generates("/usr/bin/gcc-12", "-MD", "-MF", "a.d", "-c", "a.c"))

    def test_a_link_named_after_a_compiler_counts_by_what_it_leads_to(self):
        with tempfile.TemporaryDirectory() as folder:
            kiln, link = pathlib.Path(folder, "kiln"), pathlib.Path(folder, "gcc")
            kiln.write_text("")
            link.symlink_to(kiln)
            self.assertFalse(self.generates("gcc", "-c", "a.c", program=str(link)))

    def test_reads_what_strace_writes(self):
        lines = [
            '7 execve("/usr/bin/gcc", ["gcc", "-c", "a b\\"c.c"], ["A=1", "B=2"]) = 0\n',
            '8 execve("/opt/gcc", ["gcc"], ["A=1"]) = -1 ENOENT (No such file or directory)\n',
            '9 execve("/usr/bin/as", ["as", "x"], ["A=1"] <unfinished ...>\n',
            "9 <... execve resumed>) = 0\n"]
        self.assertEqual([("/usr/bin/gcc", ("gcc", "-c", 'a b"c.c')), ("/usr/bin/as", ("as", "x"))],
                         [(start.program, start.argv) for start in parse(lines)])


class ScreenTest(unittest.TestCase):
    def test_shows_what_is_left_when_lines_are_drawn_over(self):
        self.assertEqual((["one", "two", ""], 2), shown("one\r\ntwo\r\n", 80))
        self.assertEqual((["new", ""], 1),
                         shown("one\r\ntwo\r\n\r\x1b[2Anew\x1b[K\r\n\x1b[J", 80))
        self.assertEqual((["a long", "row"], 1), shown("a longrow", 6))
        self.assertEqual((["oXe"], 0), shown("one\roX", 80))

    def test_has_a_second_one_and_gives_the_first_back(self):
        display = Display(10, 3)
        display.feed("$ top\r\n\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J\x1b[2;3Hab\x1b[K\x1b[1;1Hz")
        self.assertEqual((["z", "  ab"], True, False),
                         (display.shown(), display.alternate, display.cursor))
        display.feed("\x1b[?25h\x1b[?10")
        display.feed("49l$")
        self.assertEqual((["$ top", "$"], False, True),
                         (display.shown(), display.alternate, display.cursor))

    def test_scrolls_at_its_last_line_and_can_be_made_smaller(self):
        display = Display(6, 2)
        display.feed("one\r\ntwo\r\n\x1b[31mthree\x1b[0m")
        self.assertEqual((["two", "three"], {31}), (display.shown(), display.looks))
        display.resize(3, 1)
        self.assertEqual(["two"], display.shown())


class CompareTest(unittest.TestCase):
    def test_names_each_kind_of_difference(self):
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
            for name in ("same.o", "content.o", "mode.o", "gone.d"):
                pathlib.Path(one, name).write_text("1")
                pathlib.Path(other, name).write_text("1")
            pathlib.Path(other, "content.o").write_text("2")
            pathlib.Path(other, "mode.o").chmod(0o600)
            pathlib.Path(other, "gone.d").unlink()
            pathlib.Path(other, "ignored.txt").write_text("1")
            found = kilntest.differences(kilntest.Snapshot.of(one), kilntest.Snapshot.of(other))
        self.assertEqual(["content.o: content differs", "gone.d: only in the first",
                          "mode.o: mode 644 and 600"], found)


class SampleTest(unittest.TestCase):
    METRICS = '# TYPE a counter\na{x="1",y="2"} 3\na{x="2"} 4\nab 9\nb 5e3\n'

    def test_sums_what_matches(self):
        self.assertEqual(7, kilntest.sample(self.METRICS, "a"))
        self.assertEqual(3, kilntest.sample(self.METRICS, "a", x="1"))
        self.assertEqual(5000, kilntest.sample(self.METRICS, "b"))
        self.assertIsNone(kilntest.sample(self.METRICS, "c"))


class WaitingTest(unittest.TestCase):
    def test_ends_with_the_event_the_deadline_or_the_reason(self):
        self.assertEqual(5, kilntest.wait_until(lambda: 5, "five"))
        with self.assertRaisesRegex(DeadlinePassed, "rain"):
            kilntest.wait_until(lambda: False, "rain", seconds=0)
        with self.assertRaisesRegex(DeadlinePassed, "drought"):
            kilntest.wait_until(lambda: False, "rain", alive=lambda: "drought")


if __name__ == "__main__":
    unittest.main()
