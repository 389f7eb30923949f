"""Hooks that read what a network computes and leave no trace. Nothing else in the project touches a hook."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import torch
from torch import Tensor, nn

from deepnrc.data import unit_roundoff
from deepnrc.errors import UsageError, mark
from deepnrc.networks.layers import ROOT, Site, reads_features
from deepnrc.networks.pooling import Pool, Pooled, pooled
from deepnrc.wording import Choice, Remedy

REPEATS = ("error", "first", "last", "each")


@dataclass(frozen=True)
class Reading:
    """What one call of one site gave: pooled rows and the unit roundoff of the dtype in which the network held them."""

    site: Site
    pooled: Pooled
    roundoff: float


@dataclass
class Forward:
    """One finished forward pass: readings by site name in the order of execution, the weights run, and every tensor in
    the output."""

    readings: dict[str, Reading]
    ran: list[str]
    outputs: tuple[Tensor, ...] = ()

    @property
    def output(self) -> Tensor | None:
        """The first tensor of the output."""
        return next(iter(self.outputs), None)


class Taps:
    """Hooks on a network from ``install`` to ``remove``.

    Only what runs inside a call of the network itself is read: a gradient checkpoint's second run of a layer, or a
    submodule called by hand, is not. Each call of the network replaces the readings of the one before.
    """

    def __init__(self, model: nn.Module, sites: tuple[Site, ...], pool: Pool, repeats: str) -> None:
        self.model, self.sites, self.pool, self.repeats = model, sites, pool, repeats
        self.only: set[str] | None = None
        self.last: Forward | None = None
        self._current: Forward | None = None
        self._calls: dict[str, int] = {}
        self._handles: list[torch.utils.hooks.RemovableHandle] = []

    def install(self) -> None:
        """Put the hooks on; if that fails half-way none stays."""
        try:
            self._handles.append(self.model.register_forward_pre_hook(self._begin))
            holders = {site.module for site in self.sites if site.reads == "input"}
            for name, module in self.model.named_modules():
                if reads_features(module) or module in holders:
                    self._handles.append(module.register_forward_pre_hook(self._note(name or ROOT)))
            for site in self.sites:
                self._handles.append(self._tap(site))
            self._handles.append(self.model.register_forward_hook(self._end, always_call=True))
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """Take all hooks off again."""
        while self._handles:
            self._handles.pop().remove()
        self._current = self.last = None

    def take(self) -> Forward:
        """The readings of the last forward pass, once."""
        if self.last is None:
            raise UsageError(
                "There is no forward pass to pair these targets with. Call the network itself (not a part of it) "
                "once before each observe(); its forward must have finished."
            )
        forward, self.last = self.last, None
        return forward

    def _begin(self, module: nn.Module, args: Any) -> None:
        self.last, self._current, self._calls = None, Forward({}, []), {}

    def _end(self, module: nn.Module, args: Any, output: Any) -> None:
        forward, self._current = self._current, None
        # after an exception always_call brings output None, and what was read is not to be paired with anything
        if forward is not None and output is not None:
            forward.outputs = tuple(x.detach().clone() for x in all_tensors(output))
            self.last = forward

    def _note(self, name: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: Any) -> None:
            if self._current is not None:
                self._current.ran.append(name)

        return hook

    def _tap(self, site: Site) -> torch.utils.hooks.RemovableHandle:
        if site.reads == "input":

            def read_input(module: nn.Module, args: Any, kwargs: Mapping[str, Any]) -> None:
                if self._current is not None:
                    self._marked(site, _argument(site, args, kwargs))

            return site.module.register_forward_pre_hook(read_input, with_kwargs=True)

        def read_output(module: nn.Module, args: Any, output: Any) -> None:
            if self._current is not None:
                self._current.ran.append(site.name)
            self._marked(site, first_tensor(output))

        return site.module.register_forward_hook(read_output)

    def _marked(self, site: Site, x: Tensor | None) -> None:
        try:
            self._read(site, x)
        except Exception as error:
            mark(error, "reading", f"the {site.reads} of layer '{site.name}'")
            raise

    def _read(self, site: Site, x: Tensor | None) -> None:
        if self._current is None:
            return
        call = self._calls[site.name] = self._calls.get(site.name, 0) + 1
        if call > 1 and self.repeats == "error":
            raise UsageError(
                f"Layer '{site.name}' runs more than once in a forward pass. Choose with ",
                Choice("repeats", ("first", "last", "each")),
                " (every run as a layer of its own), or leave it out with ",
                Remedy("layers", [f"!{site.name}"]),
                ".",
            )
        key = site.name if call == 1 or self.repeats != "each" else f"{site.name}#{call}"
        if (call > 1 and self.repeats == "first") or (self.only is not None and key not in self.only):
            return
        if x is None:
            raise UsageError(
                f"Layer '{site.name}' has no tensor as its {site.reads}. Leave it out with ",
                Remedy("layers", [f"!{site.name}"]),
                ".",
            )
        self._current.readings.pop(key, None)
        self._current.readings[key] = Reading(site, pooled(x, site, self.pool), unit_roundoff(x.dtype))


def _argument(site: Site, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    """What the weight of a site reads, among the arguments of its module."""
    weight = site.weight
    if weight is not None and weight.inside is not None:
        return weight.inside(site.module, args, kwargs)
    place, name = (0, "") if weight is None else weight.argument
    if place < len(args):
        return first_tensor(args[place:])
    return first_tensor(kwargs.get(name, kwargs))


def first_tensor(value: Any) -> Tensor | None:
    """The tensor itself, or the first one in a tuple, list, mapping or dataclass; None if none."""
    return next(all_tensors(value), None)


def all_tensors(value: Any) -> Iterator[Tensor]:
    """The tensor itself, or each one in nested tuples, lists, mappings and dataclasses, in order."""
    items: Iterable[Any] = ()
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        items = value.values()
    elif isinstance(value, tuple | list):
        items = value
    elif is_dataclass(value) and not isinstance(value, type):
        items = (getattr(value, field.name) for field in fields(value))
    for item in items:
        yield from all_tensors(item)
