"""Lengths, and words that must not appear."""

import ast
import re

from finding import strip_cpp

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 70
MAX_COLUMNS = 100

_UNFINISHED = re.compile(r"\b(" + "TO" r"DO|FIX" r"ME|XX" r"X)\b")
_MACHINE_PATH = re.compile(r"(?<![\w.)}>])/(work|root)/[\w.]")
_USING_NAMESPACE = re.compile(r"\busing\s+namespace\s+(?![\w:]*literals\b)")
_SLEEP = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\(")
_SKIP = re.compile(r"\b(GTEST_SKIP\b|DISABLED_)")
_SKIPS = {"skip", "skipIf", "skipUnless", "skipTest", "SkipTest", "expectedFailure"}
_SKIP_MESSAGE = "a test that cannot run here is registered elsewhere, not skipped"
_TIERS = re.compile(r"foreach\s*\(tier\s+([^)]*)\)")
_READS_CLOCK = re.compile(r"::now\s*\(|\btime\s*\(\s*(0|NULL|nullptr)\s*\)|\brand\s*\(")


def check_lengths(sources):
    for source in sources:
        if not source.is_code:
            continue
        lines = source.lines
        if len(lines) > MAX_FILE_LINES:
            yield source.finding(0, "file-length", f"{len(lines)} lines, at most {MAX_FILE_LINES}")
        for number, line in enumerate(lines, 1):
            if len(line) > MAX_COLUMNS:
                yield source.finding(number, "columns", f"{len(line)}, at most {MAX_COLUMNS}")


def check_functions(sources):
    for source in sources:
        if source.is_cpp:
            functions = cpp_functions(source.text)
        elif source.path.suffix == ".py":
            functions = python_functions(source.text)
        else:
            continue
        for first, last, name in functions:
            if last - first + 1 > MAX_FUNCTION_LINES:
                yield source.finding(first, "function-length", f"{name} has {last - first + 1} "
                                     f"lines, at most {MAX_FUNCTION_LINES}")


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno, node.name


def cpp_functions(text):
    """(first line, last line, name) of every function body, lambdas counted within theirs."""
    text = re.sub(r"^\s*#.*?(?<!\\)$", "", strip_cpp(text), flags=re.MULTILINE | re.DOTALL)
    stack = []  # per open brace: (function's name or None, line of its head, head to go on with)
    head, head_line, line = "", 1, 1
    for char in text:
        if char == "{":
            value = bool(re.search(r"[\w>]$", head)) and ")" in head  # a member's initialiser
            inside = any(name for name, _, _ in stack)
            name = None if inside or value else _function_name(head)
            stack.append((name, head_line, head if value else None))
            head = ""
        elif char == "}":
            name, first, resumed = stack.pop() if stack else (None, line, None)
            if name:
                yield first, line, name
            head, head_line = (resumed + "{}", first) if resumed else ("", line)
        elif char == ";":
            head = ""
        elif char == "\n":
            line += 1
            head += " "
        else:
            if not head.strip() and not char.isspace():
                head, head_line = "", line
            head += char


def _function_name(head):
    """The name if `head` {` opens a function's body; None for classes, namespaces, values."""
    head = re.sub(r"^\s*template\s*<.*?>\s", "", head).strip()
    if re.match(r"(namespace|class|struct|union|enum|extern)\b", head) or "(" not in head:
        return None
    if head.endswith("="):
        return None
    match = re.search(r"([\w:~]+|operator\s*\S+?)\s*\(", head)
    return match.group(1) if match else "function"


def check_words(sources):
    for source in sources:
        for number, line in enumerate(source.lines, 1):
            if _UNFINISHED.search(line):
                yield source.finding(number, "unfinished", "finish it, or write an issue")
            if _MACHINE_PATH.search(line):
                yield source.finding(number, "machine-path", "names a path of one machine")


def check_headers(sources):
    for source in sources:
        if source.path.suffix == ".h":
            code = [line for line in strip_cpp(source.text).splitlines() if line.strip()]
            if not code or code[0] != "#pragma once":
                yield source.finding(1, "pragma-once", "a header begins with #pragma once")


def check_statements(sources, pure):
    for source in sources:
        if not source.is_cpp:
            continue
        for number, line in enumerate(strip_cpp(source.text).splitlines(), 1):
            if _USING_NAMESPACE.search(line):
                yield source.finding(number, "using-namespace", "name what you use")
            if str(source.path).startswith("tests/") and _SLEEP.search(line):
                yield source.finding(number, "sleep", "wait for the event, with a deadline")
            if str(source.path).startswith("tests/") and _SKIP.search(line):
                yield source.finding(number, "skip", _SKIP_MESSAGE)
            if source.folder.startswith(pure) and _READS_CLOCK.search(line):
                yield source.finding(number, "pure", "decisions take the time as an input")


def check_python(sources):
    for source in sources:
        if source.path.suffix != ".py" or not str(source.path).startswith("tests/"):
            continue
        for node in ast.walk(ast.parse(source.text)):
            if isinstance(node, ast.Call) and "sleep" == _called_name(node):
                yield source.finding(node.lineno, "sleep", "wait for the event, with a deadline")
            imported = isinstance(node, ast.ImportFrom) and {name.name for name in node.names}
            if _last_name(node) in _SKIPS or (imported and imported & _SKIPS):
                yield source.finding(node.lineno, "skip", _SKIP_MESSAGE)


def _called_name(node):
    return _last_name(node.func) if isinstance(node, ast.Call) else None


def _last_name(node):
    """`c` of `a.b.c`, whether it is called or not."""
    return getattr(node, "attr", getattr(node, "id", None))


def check_tiers(sources):
    """Every folder of tests that has something to build or run is one that CMake goes into."""
    listfiles = {source.folder: source.text for source in sources if source.is_listfile}
    named = _TIERS.search(listfiles.get("tests", ""))
    if not named:
        return
    tiers = {"unit", *named.group(1).split()}
    for source in sources:
        parts = source.path.parts
        is_test = source.is_listfile or re.search(r"_test\.(cc|py)$", source.path.name)
        if parts[0] == "tests" and len(parts) > 2 and is_test and parts[1] not in tiers:
            yield source.finding(0, "registered", f"tests/CMakeLists.txt does not name the tier "
                                 f"{parts[1]}")


def check_registered(sources):
    listfiles = {source.folder: source.text for source in sources if source.is_listfile}
    for source in sources:
        name = source.path.name
        listfile = listfiles.get(source.folder, "")
        if name.endswith("_test.cc") and not (
                "kiln_unit_test(" in listfile or name in listfile):
            yield source.finding(0, "registered", "no CMakeLists.txt of its folder builds it")
        if name.endswith("_test.py") and not re.search(rf"\b{source.path.stem}\b", listfile):
            yield source.finding(0, "registered", "its folder's CMakeLists.txt does not name it")
