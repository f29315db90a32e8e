"""Which part may stand on which: read from every #include and every link of a CMake target."""

import re

from finding import strip_cpp

PARTS = ("coordinator", "worker", "client")

# Each folder of common and what it may include beside itself. A folder that is not named here is
# a finding, so that a new one must be given its place.
COMMON = {
    "common/base": set(),
    "common/model": {"common/base"},
    "common/wire": {"common/base", "common/model"},
    "common/net": {"common/base", "common/model", "common/wire"},
    "common/store": {"common/base", "common/model"},
    "common/metrics": {"common/base", "common/model"},
    "common/auth": {"common/base", "common/model"},
    "common/config": {"common/base", "common/model"},
    "common/transfer": {
        "common/base", "common/model", "common/wire", "common/net", "common/store"},
}

# Decisions without sockets, clocks, threads, logs or randomness.
PURE = ("coordinator/scheduling", "coordinator/pools", "coordinator/relay", "coordinator/live",
        "worker/pools",
        "worker/tasks", "worker/needs", "client/arguments", "client/policy",
        "client/timeline")
PURE_MAY_USE = {"common/base", "common/model"}
# Decisions that stand on other decisions: pools tell the scheduler which nodes are whose, and tasks
# run on the executors of pools.
PURE_ON = {"coordinator/pools": {"coordinator/scheduling"},
           "coordinator/live": {"coordinator/scheduling", "coordinator/pools"},
           "worker/tasks": {"worker/pools"}}
# Interfaces through which decisions ask the world, so that tests can hand them a made-up one.
PORTS = {"client/arguments": "client/inputs/file_system.h"}
IMPURE_HEADERS = {
    "thread", "mutex", "shared_mutex", "condition_variable", "atomic", "future", "random",
    "iostream", "fstream", "filesystem", "ctime", "time.h", "stdlib.h", "unistd.h",
    "common/base/log.h", "common/base/thread_pool.h", "common/base/files.h",
    "common/base/unique_fd.h"}

# Libraries that one folder alone may know, by include and by link.
OWNED_HEADERS = {
    "zmq": "common/net", "msgpack": "common/wire", "prometheus": "common/metrics",
    "civetweb": "common/metrics", "CivetServer": "common/metrics"}
OWNED_TARGETS = {
    "ZMQ": "common/net", "cppzmq": "common/net", "msgpack": "common/wire",
    "PROMETHEUS": "common/metrics", "prometheus": "common/metrics",
    "civetweb": "common/metrics"}
HEAVY_HEADERS = ("zmq", "msgpack", "prometheus", "civetweb", "CivetServer", "spdlog", "nlohmann",
                 "toml++", "CLI")
LIGHT_HEADERS = ("nlohmann/json_fwd.hpp",)  # of such a library, but only names

# The program that every compile job starts must stay quick to load.
LAUNCHER = "kiln"
LAUNCHER_MUST_NOT_REACH = {"common/net", "common/metrics"}

_INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.MULTILINE)
_COMMAND = re.compile(r"\b(kiln_library|kiln_program|kiln_static_program|kiln_unit_test|"
                      r"target_link_libraries)\s*\(([^)]*)\)")


def allowed(folder):
    """The folders that `folder` may use, or None where it may use everything (tests)."""
    top = folder.split("/")[0]
    if folder.startswith("tests/unit/"):
        mirrored = allowed(folder.removeprefix("tests/unit/"))
        return None if mirrored is None else mirrored | set(COMMON) | {"tests"}
    if top == "common":
        return COMMON.get(_unit_of(folder), set()) | {_unit_of(folder)}
    if _unit_of(folder) in PURE:
        unit = _unit_of(folder)
        return PURE_MAY_USE | PURE_ON.get(unit, set()) | {unit}
    if top in PARTS:
        return set(COMMON) | {top}
    return None


def _unit_of(folder):
    """The folder that rules speak of: common/base/detail belongs to common/base."""
    return "/".join(folder.split("/")[:2])


def _within(folder, places):
    return any(folder == place or folder.startswith(place + "/") for place in places)


def check_includes(sources):
    for source in sources:
        if source.is_cpp:
            yield from _check_place(source)
            yield from _check_source(source)


def _check_place(source):
    if source.folder.startswith("common") and _unit_of(source.folder) not in COMMON:
        yield source.finding(0, "layering", f"{source.folder} has no place in the layering: give "
                             "it one in tests/house/layering.py")


def _check_source(source):
    text = strip_cpp(source.text, keep_strings=True)
    may_use = allowed(source.folder)
    code_folder = source.folder.removeprefix("tests/unit/")
    for match in _INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start(2)) + 1
        header = match.group(2)
        if match.group(1) == '"' and may_use is not None:
            target = header.rpartition("/")[0]
            if not target:
                yield source.finding(line, "layering", f'"{header}" must be included by its path '
                                     "from the repository's root")
            elif not _within(target, may_use) and PORTS.get(_unit_of(source.folder)) != header:
                yield source.finding(line, "layering", f"{source.folder} must not include "
                                     f"{header}")
        for library, owner in OWNED_HEADERS.items():
            if re.match(rf"{library}\b", header) and _unit_of(code_folder) != owner:
                yield source.finding(line, "layering", f"only {owner} may include {header}")
        if source.path.suffix == ".h" and header not in LIGHT_HEADERS and re.match(
                r"(" + "|".join(map(re.escape, HEAVY_HEADERS)) + r")[./_]", header):
            yield source.finding(line, "heavy-header", f"{header} may be included by .cc files "
                                 "only")
        if _unit_of(source.folder) in PURE and (
                header in IMPURE_HEADERS or header.startswith("sys/")):
            yield source.finding(line, "pure", f"decisions must not include {header}")


def check_links(sources):
    """Arrows between CMake targets, and what the launcher reaches through them."""
    folders = {source.folder for source in sources if source.is_cpp or source.is_listfile}
    by_target = {folder.replace("/", "_"): folder for folder in sorted(folders)}
    links = {}
    launcher = None
    for source in sources:
        if not source.is_listfile:
            continue
        text = re.sub(r"#[^\n]*", "", source.text)
        for match in _COMMAND.finditer(text):
            command, words = match.group(1), match.group(2).split()
            line = text.count("\n", 0, match.start()) + 1
            is_program = command in ("kiln_program", "kiln_static_program")
            names = words[2:] if is_program else words
            if command == "target_link_libraries":
                names = words[1:]
            links.setdefault(source.folder, set()).update(
                by_target[name] for name in names if name in by_target)
            if is_program and words[:1] == [LAUNCHER]:
                launcher = (source, line, [by_target[n] for n in names if n in by_target])
            yield from _check_names(source, line, names, by_target)
    if launcher:
        yield from _check_launcher(*launcher, links)


def _check_names(source, line, names, by_target):
    may_use = allowed(source.folder)
    code_folder = source.folder.removeprefix("tests/unit/")
    for name in names:
        folder = by_target.get(name)
        port = PORTS.get(_unit_of(source.folder), "").rpartition("/")[0]
        if folder and may_use is not None and not _within(folder, may_use | {port}):
            yield source.finding(line, "layering", f"{source.folder} must not link {name}")
        for library, owner in OWNED_TARGETS.items():
            if re.search(rf"(^|::){library}\b", name) and _unit_of(code_folder) != owner:
                yield source.finding(line, "layering", f"only {owner} may link {name}")


def _check_launcher(source, line, targets, links):
    seen, waiting = set(), list(targets)
    while waiting:
        folder = waiting.pop()
        if folder not in seen:
            seen.add(folder)
            waiting.extend(links.get(folder, ()))
    for folder in sorted(seen & LAUNCHER_MUST_NOT_REACH):
        yield source.finding(line, "launcher", f"{LAUNCHER} must not link {folder}, also not "
                             "through others: every compile job loads it")
