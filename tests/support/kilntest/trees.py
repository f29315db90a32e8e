"""Folders that are removed fast. Where a file system discards what it frees, each directory may
take milliseconds, all of them waiting; a store has hundreds of them, and a test several stores."""

import concurrent.futures
import contextlib
import os
import shutil

THREADS = 16


def remove(path):
    """The folder and all that is below it, as far as it lets itself be removed."""
    levels, files = {}, []
    for folder, names, leaves in os.walk(path):
        levels.setdefault(folder.count("/"), []).append(folder)
        files += [os.path.join(folder, name) for name in leaves]
        files += [link for name in names if os.path.islink(link := os.path.join(folder, name))]
    with concurrent.futures.ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(_quietly(os.unlink), files, chunksize=64))
        for depth in sorted(levels, reverse=True):
            list(threads.map(_quietly(os.rmdir), levels[depth]))
    shutil.rmtree(path, ignore_errors=True)


def _quietly(function):
    def call(path):
        with contextlib.suppress(OSError):
            function(path)
    return call
