"""What is compiled runs as it was written while something is probed, even if torch's compiler is imported only then.

Importing the compiler takes longer than most measurements, and without it nothing is compiled. So it is left alone, and
whoever imports it inside the block has the stance set as soon as that is done.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import torch

COMPILER = "torch._dynamo"


class Following(MetaPathFinder):
    """Calls a function whenever a module has been imported, from ``start`` to ``stop``; both may be called twice."""

    def __init__(self, name: str, function: Callable[[], object]) -> None:
        self.name, self.function = name, function

    def start(self) -> None:
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def stop(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What the other finders find, with a loader that calls the function; nothing for other modules."""
        if fullname != self.name:
            return None
        others = [
            finder for finder in sys.meta_path if not isinstance(finder, Following) and hasattr(finder, "find_spec")
        ]
        found = next((spec for finder in others if (spec := finder.find_spec(fullname, path, target))), None)
        if found is not None and found.loader is not None:
            found.loader = _Loading(found.loader, self.function)
        return found


class _Loading(Loader):
    """Loads as another loader does, which is the module's afterwards, and calls a function then."""

    def __init__(self, own: Loader, function: Callable[[], object]) -> None:
        self.own, self.function = own, function

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self.own
        if module.__spec__ is not None:
            module.__spec__.loader = self.own
        self.own.exec_module(module)
        self.function()


class Eager:
    """Torch's stance "force_eager" between ``on`` and ``off``; both may be called twice, or be interrupted."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._wanted = False
        self._made: list[Any] = []
        self._following = Following(COMPILER, self._set)

    def on(self) -> None:
        """Let nothing that is compiled run compiled."""
        self._wanted = True
        self._following.start()
        if COMPILER in sys.modules:
            __import__(COMPILER)  # until another thread that imports it is done, which may want the lock for that
            self._set()

    def off(self) -> None:
        """Put back the stance that was met."""
        with self._lock:
            self._wanted = False
            self._following.stop()
            while self._made:
                self._made[-1].__exit__(None, None, None)
                self._made.pop()

    def _set(self) -> None:
        with self._lock:
            if self._wanted and not self._made:
                self._made.append(torch.compiler.set_stance("force_eager"))


EAGER = Eager()
