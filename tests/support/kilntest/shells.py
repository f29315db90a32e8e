"""What completions offer: real shells are asked, each in a folder of its own."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from kilntest.screen import Terminal
from kilntest.waiting import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[3]
SCRIPTS = ROOT / "tests" / "e2e" / "shells"
COMPLETIONS = ROOT / "completions"
SECONDS = 60
# A program that is no part of Kiln, with one option.
PROGRAM = "kilntest-program"
_ITS_COMPLETION = {
    "bash": (PROGRAM, f"_its() {{ COMPREPLY=(--its-own); }}; complete -F _its {PROGRAM}\n"),
    "zsh": (f"_{PROGRAM}", f"#compdef {PROGRAM}\n_arguments --its-own\n"),
    "fish": (f"{PROGRAM}.fish", f"complete -c {PROGRAM} -l its-own\n")}


class Shell:
    """`name` is bash, zsh or fish; `environment` is what it has besides what it needs."""

    def __init__(self, name, environment=None):
        self.name = name
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ks", dir="/var/tmp"))
        places = {"bash": "bash-completion/completions", "zsh": "zsh",
                  "fish": "fish/vendor_completions.d"}
        self.completions = self.folder / "share" / places[name]
        shutil.copytree(COMPLETIONS / name, self.completions)
        file, text = _ITS_COMPLETION[name]
        (self.completions / file).write_text(text)
        # fish completes what it finds.
        program = self.folder / "bin" / PROGRAM
        program.parent.mkdir()
        program.symlink_to("/bin/true")
        path = f"{os.environ['KILN_BIN_DIR']}:/usr/local/bin:/usr/bin:/bin"
        self.environment = {"PATH": path, "LC_ALL": "C.UTF-8", **(environment or {})}
        self.environment.update({
            "PATH": f"{self.environment['PATH']}:{program.parent}", "HOME": str(self.folder),
            "XDG_DATA_DIRS": f"{self.folder}/share:/usr/share", "TERM": "dumb"})

    def close(self):
        shutil.rmtree(self.folder)

    def offers(self, *lines):
        """What each line is offered at its end: {line: set of words}."""
        answers = self._from_zsh(lines) if self.name == "zsh" else self._from_script(lines)
        found = {}
        for answer in answers.splitlines():
            if answer.startswith("? "):
                line = answer.removeprefix("? ")
                found[line] = set()
            elif answer:
                found[line].add(answer)
        if list(found) != list(lines):
            raise AssertionError(f"{self.name} was asked {lines}, and said {answers!r}")
        return found

    def _from_script(self, lines):
        command = {"bash": ["bash", "--norc"], "fish": ["fish"]}[self.name]
        done = subprocess.run([*command, SCRIPTS / f"ask.{self.name}"],
                              input="".join(f"{line}\n" for line in lines), text=True,
                              env=self.environment, cwd=self.folder, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=SECONDS)
        if done.stderr:
            raise AssertionError(f"{self.name} complains: {done.stderr}")
        return done.stdout

    def _from_zsh(self, lines):
        questions, answers = self.folder / "questions", self.folder / "answers"
        questions.write_text("".join(f"{line}\n" for line in lines))
        shutil.copy(SCRIPTS / "ask.zsh", self.folder / ".zshrc")
        terminal = Terminal()
        process = subprocess.Popen(
            ["zsh", "-i"], stdin=terminal.theirs, stdout=terminal.theirs, stderr=terminal.theirs,
            cwd=self.folder, start_new_session=True,
            env={**self.environment, "ZDOTDIR": str(self.folder), "KILN_ANSWERS": str(answers),
                 "KILN_QUESTIONS": str(questions), "KILN_COMPLETIONS": str(self.completions)})
        terminal.started()
        try:
            wait_until(lambda: terminal.read() and process.poll() is not None,
                       "zsh to answer", SECONDS)
            return answers.read_text()
        finally:
            process.kill()
            process.wait()
            terminal.close()
