"""Files that come to their places together, whoever else reads or writes there and whenever it is cut short.

Each is written under a name of its own writer's beside its place, and then they are put there one after another. Until
the last one has its place, what is not in its place yet still lies beside it.

Those of a report (``put``) are found there by the next writer, who finishes what was cut short; pages and pictures
(``write_whole``) are drawn anew.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import platform
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from deepnrc.errors import UsageError


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
    token = _token()
    try:
        for name, content in files.items():
            coming(folder, name, token).write_bytes(content)
    except BaseException:
        _drop(coming(folder, name, token) for name in files)
        raise
    for name in files:
        coming(folder, name, token).replace(folder / name)


def write_whole(files: Mapping[Path, bytes], what: str) -> None:
    """Write files, each whole or not at all, and none before all fit on the disk; their folders are made.

    A link is followed and stays, and so do a file's permissions; what is no file, as ``/dev/stdout``, is written to.

    Args:
        what: what the files are, in words, for the error.
    Errors: UsageError naming the path and what to do, after which every file is the old one or the new.
    """
    waiting: dict[Path, Path] = {}
    path = Path()
    try:
        for path, content in files.items():
            place = Path(os.path.realpath(path))
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.exists() and not place.is_file():
                place.write_bytes(content)
                continue
            if place.exists() and not os.access(place, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            _clear(place.parent)
            waiting[place] = place.parent / f".{platform.node()}.{_token()}.part"
            waiting[place].write_bytes(content)
            with contextlib.suppress(OSError):
                shutil.copymode(place, waiting[place])
        for path, written in waiting.items():
            written.replace(path)
    except OSError as error:
        raise UsageError(
            f"{what} cannot be written to '{path}' ({error.strerror or error}). Name a file that you may write to, "
            "with room on its disk."
        ) from error
    finally:
        _drop(waiting.values())


def _clear(folder: Path) -> None:
    """Remove what writers on this machine left behind that were killed."""
    head = f".{platform.node()}."
    for path in folder.glob(f"{head}*.part"):
        number = path.name.removeprefix(head).partition("-")[0]
        if number.isdigit() and _gone(int(number)):
            _drop([path])


def _gone(process: int) -> bool:
    if os.name == "nt":  # where asking after a process ends it
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:  # it is somebody else's, and alive
        return False
    return False


def _token() -> str:
    return f"{os.getpid()}-{secrets.token_hex(4)}"


def _drop(paths: Iterable[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


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
