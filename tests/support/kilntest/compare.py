"""What a build wrote, and how two builds differ."""

import dataclasses
import fnmatch
import hashlib
import pathlib


@dataclasses.dataclass(frozen=True)
class Snapshot:
    files: dict  # path below the root -> (sha256, permission bits)

    @classmethod
    def of(cls, root, patterns=("*.o", "*.d")):
        files = {}
        for path in sorted(pathlib.Path(root).rglob("*")):
            if path.is_file() and any(fnmatch.fnmatch(path.name, pattern) for pattern in patterns):
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                files[str(path.relative_to(root))] = (digest, path.stat().st_mode & 0o7777)
        return cls(files)


def differences(one, other):
    """One line for each file that only one has, or whose content or mode differ."""
    lines = []
    for path in sorted(one.files.keys() | other.files.keys()):
        first, second = one.files.get(path), other.files.get(path)
        if first is None or second is None:
            lines.append(f"{path}: only in the {'second' if first is None else 'first'}")
        elif first[0] != second[0]:
            lines.append(f"{path}: content differs")
        elif first[1] != second[1]:
            lines.append(f"{path}: mode {first[1]:o} and {second[1]:o}")
    return lines
