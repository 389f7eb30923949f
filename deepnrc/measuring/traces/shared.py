"""What belongs to the whole process while something is probed: torch's switches and random state, and who probes what.

Whoever probes holds a switch until it leaves. The first to come notes what was set, and the last to go puts it back, so
that threads that probe at once leave it as it was, in whatever order they come and go.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from deepnrc.errors import UsageError
from deepnrc.measuring.traces.eager import EAGER

LOCK = threading.RLock()


class Switch:
    """A setting of the process; ``release`` may be called twice, and for what was not held."""

    def __init__(self, read: Callable[[], Any], write: Callable[[Any], object]) -> None:
        self._read, self._write = read, write
        self._holders: set[object] = set()
        self._before: list[Any] = []

    def hold(self, holder: object) -> None:
        """Note what is set, unless somebody holds it already."""
        with LOCK:
            if not self._holders:
                self._before = [self._read()]
            self._holders.add(holder)

    def release(self, holder: object) -> None:
        """Put back what was set, unless somebody else holds it still."""
        with LOCK:
            self._holders.discard(holder)
            if not self._holders and self._before:
                self._write(self._before[0])
                self._before = []


class Claims:
    """Which modules are in somebody's hands; a second one is refused."""

    def __init__(self) -> None:
        self._taken: dict[nn.Module, object] = {}

    def claim(self, modules: Iterable[nn.Module], holder: object) -> None:
        """Take modules. Errors: UsageError if one of them is taken, with none taken."""
        modules = list(modules)
        with LOCK:
            if any(module in self._taken for module in modules):
                raise UsageError(
                    f"This {type(modules[0]).__name__} is being probed, or shares modules with a network that is. Wait "
                    "until that has ended, or probe a copy of it: copy.deepcopy(network)."
                )
            self._taken |= dict.fromkeys(modules, holder)

    def release(self, holder: object) -> None:
        """Give back all that this one took."""
        with LOCK:
            self._taken = {module: by for module, by in self._taken.items() if by is not holder}


class Undoing:
    """What is to be undone, last first: noted before it is done, so that each may run twice or for nothing."""

    def __init__(self) -> None:
        self._steps: list[Callable[[], object]] = []

    def note(self, step: Callable[[], object]) -> None:
        """Undo with this, before all that was noted earlier."""
        self._steps.append(step)

    def close(self) -> None:
        """Undo everything, also what is behind an error or an interruption."""
        try:
            self._undo()
        except BaseException:
            self._undo()
            raise

    def _undo(self) -> None:
        failed: list[Exception] = []
        while self._steps:
            try:
                self._steps[-1]()
            except Exception as error:
                failed.append(error)
            self._steps.pop()
        if failed:
            raise failed[0]


class Uncompiled(Switch):
    """Held, whatever is compiled runs as it was written."""

    def __init__(self) -> None:
        super().__init__(lambda: None, lambda _: EAGER.off())

    def hold(self, holder: object) -> None:
        super().hold(holder)
        EAGER.on()


STANCE = Uncompiled()
FASTPATH = Switch(torch.backends.mha.get_fastpath_enabled, torch.backends.mha.set_fastpath_enabled)
WATCHED, QUIET = Claims(), Claims()
_RANDOM = {torch.device("cpu"): Switch(torch.get_rng_state, torch.set_rng_state)}


def random_state(device: torch.device) -> Switch:
    """The random state of a device, of which an accelerator has one of its own."""
    with LOCK:
        if device not in _RANDOM:
            of = torch.get_device_module(device)
            _RANDOM[device] = Switch(lambda: of.get_rng_state(device), lambda state: of.set_rng_state(state, device))
        return _RANDOM[device]
