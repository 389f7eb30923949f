"""Find and call what a user named as `path/to/file.py:factory` or `package.module:factory`."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

from deepnrc.errors import UsageError
from deepnrc.wording import did_you_mean, listing


@contextlib.contextmanager
def _on_path(folder: Path, position: int) -> Iterator[None]:
    """`folder` on sys.path at `position` inside the block, and off again after it."""
    entry = str(folder)
    sys.path.insert(position, entry)
    try:
        yield
    finally:
        if entry in sys.path:
            sys.path.remove(entry)


def _search_path(where: str) -> contextlib.AbstractContextManager[None]:
    """A file's own folder comes first, as for a script; the current folder last, so that it hides no package."""
    if where.endswith(".py"):
        return _on_path(Path(where).resolve().parent, 0)
    return _on_path(Path.cwd(), len(sys.path))


def _failure(what: str, error: BaseException, path: str | None = None) -> UsageError:
    """The error that tells `what` failed, with the type, message and line of the error behind it."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if frame.filename != __file__]
    own = [frame for frame in theirs if path is not None and Path(frame.filename) == Path(path)]
    places = [(frame.filename, frame.lineno) for frame in own or theirs]
    if isinstance(error, SyntaxError) and error.filename:
        places.append((error.filename, error.lineno))
    place = f" ({Path(places[-1][0]).name}, line {places[-1][1]})" if places else ""
    message = error.msg if isinstance(error, SyntaxError) else str(error).rstrip(".")
    return UsageError(f"{what} failed with {type(error).__name__}: {message or '(no message)'}{place}.")


def _from_file(where: str) -> ModuleType:
    path = Path(where).resolve()
    if not path.is_file():
        raise UsageError(f"There is no Python file {where!r}. Check the path before the colon.")
    # A private name: the user's `torch.py` or `data.py` must not take the place of a module of that name.
    name = f"_deepnrc_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"Python cannot load {where!r} as a module.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look their own module up here
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise _failure(f"Loading {where!r}", error, str(path)) from error
    return module


def _from_package(where: str) -> ModuleType:
    try:
        return importlib.import_module(where)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{where}.".startswith(f"{error.name}."):
            raise UsageError(
                f"There is no module {error.name!r} to import {where!r} from. Install it, run from the folder that "
                "holds it, or name a file: path/to/file.py:factory."
            ) from error
        raise _failure(f"Importing {where!r}", error) from error
    except (Exception, SystemExit) as error:
        raise _failure(f"Importing {where!r}", error) from error


def resolve(spec: str) -> object:
    """The object that `spec` names, `path/to/file.py:name` or `package.module:name`; not called.

    Errors: UsageError if there is no such file, module or name, or if importing it fails (chained, with the line).
    """
    where, colon, name = spec.rpartition(":")
    if not (where and colon and name.isidentifier()):
        raise UsageError(f"{spec!r} names no factory. Write path/to/file.py:factory or package.module:factory.")
    with _search_path(where):
        module = _from_file(where) if where.endswith(".py") else _from_package(where)
    if not hasattr(module, name):
        public = [known for known, value in vars(module).items() if callable(value) and not known.startswith("_")]
        raise UsageError(
            f"{where!r} has no {name!r}.{did_you_mean(name, public)} Its callables are: {listing(public)}."
        )
    found: object = getattr(module, name)
    return found


def call(factory: Callable[[], object], spec: str) -> object:
    """What `factory`, named by `spec`, returns when called without arguments.

    Errors: UsageError chained from whatever it raised, with its type, message and line.
    """
    home = getattr(sys.modules.get(getattr(factory, "__module__", "")), "__file__", None)
    try:
        with _search_path(spec.rpartition(":")[0]):
            return factory()
    except (Exception, SystemExit) as error:
        raise _failure(f"Calling {spec!r}", error, home) from error
