"""Files that come to their places together, whoever else reads or writes there and whenever it is cut short.

Each is written under a name of its own writer's beside its place, and then they are put there one after another. Until
the last one has its place, what is not in its place yet still lies beside it.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """As the only writer of a folder, where its file system has locks; a lock goes with its process."""
    try:
        locks = importlib.import_module("fcntl")
        opened = os.open(folder, os.O_RDONLY)
    except (ImportError, OSError):  # not a system that locks folders
        yield
        return
    try:
        with contextlib.suppress(OSError):
            locks.flock(opened, locks.LOCK_EX)
        yield
    finally:
        os.close(opened)


def put(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write all files, and then put them in their places in this order. One that stands alone is there whole or not at
    all; of several, ``beside`` finds the rest.

    Errors: OSError, after which nothing has changed unless it came between two places.
    """
    token = f"{os.getpid()}-{secrets.token_hex(4)}"
    try:
        for name, content in files.items():
            coming(folder, name, token).write_bytes(content)
    except BaseException:
        for name in files:
            with contextlib.suppress(OSError):
                coming(folder, name, token).unlink(missing_ok=True)
        raise
    for name in files:
        coming(folder, name, token).replace(folder / name)


def coming(folder: Path, name: str, token: str) -> Path:
    """Where a file waits for its place."""
    return folder / f".{name}.{token}.new"


def beside(folder: Path, last: str) -> list[str]:
    """The tokens of what is on its way to its places, or was cut short: those whose ``last`` file is not there yet."""
    head, tail = f".{last}.", ".new"
    return [path.name[len(head) : -len(tail)] for path in sorted(folder.glob(f"{head}*{tail}"))]


def leftovers(folder: Path) -> list[Path]:
    """Files that wait for a place: of nobody, once a writer is alone and has finished what was cut short."""
    return sorted(folder.glob(".*.new"))
