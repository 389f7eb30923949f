"""Hooks that read what a network computes and leave no trace. Nothing else in the project touches a hook."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from deepnrc.data import unit_roundoff
from deepnrc.errors import UsageError, mark
from deepnrc.networks.choosing.layers import ROOT, Site, reads_features
from deepnrc.networks.dataflow import Product, Products, rebuilt
from deepnrc.networks.outputs import EVERY, Pick
from deepnrc.networks.reading.axes import Axis, UnknownAxes, by_parts, given_axis, tells, unknown_axis
from deepnrc.networks.reading.contents import copied, first_tensor, needed, read_argument
from deepnrc.networks.reading.forward import Forward, Reading
from deepnrc.networks.reading.masks import AUTO, Mask
from deepnrc.networks.reading.pooling import Pool, pooled
from deepnrc.networks.reading.precision import multiplying
from deepnrc.networks.samples import Layout, samples_first
from deepnrc.networks.weights.registry import Weight
from deepnrc.wording import OneOf, Remedy

REPEATS = ("error", "first", "last", "each")


class Taps:
    """Hooks on a network from ``install`` to ``remove``.

    Only what runs inside a call of the network itself is read: a gradient checkpoint's second run of a layer, or a
    submodule called by hand, is not. Each call of the network replaces the readings of the one before.

    Attributes:
        sites: those of the sites given that are read.
        pick: from what the network returned to its outputs by name.
        layouts: where the samples lie in what is read, by site; first of all where nothing is said.
        keeping: whether copies of a call's inputs are kept, in ``inputs``.
        products: by name, the products with bare parameters that are watched.
    """

    def __init__(
        self,
        model: nn.Module,
        sites: tuple[Site, ...],
        pool: Pool,
        repeats: str,
        mask: Mask = AUTO,
        axis: Axis = None,
        weights: Mapping[str, Weight] | None = None,
        pick: Pick = EVERY,
    ) -> None:
        self.model, self.pool, self.repeats, self.mask = model, pool, repeats, mask
        self.sites, self._tapped = sites, sites
        self.weights = {} if weights is None else weights
        self._axes = {s.name: found for s in sites if (found := given_axis(axis, s.name)) is not None}
        self._inputs = {s.name for s in sites if s.reads == "input"}
        self._waiting = UnknownAxes()
        self.pick = pick
        self.layouts: Mapping[str, Layout | str] = {}
        self.keeping = False
        self.products: Mapping[str, Site] = {}
        self._watching: Products | None = None
        self.inputs: tuple[tuple[Any, ...], dict[str, Any]] | None = None
        self._aside = False
        self.only: set[str] | None = None
        self.last: Forward | None = None
        self._current: Forward | None = None
        self._calls: dict[str, int] = {}
        self._written: tuple[weakref.ref[Tensor], int] | None = None
        self._silent = False
        self._thread = 0
        self._handles: list[torch.utils.hooks.RemovableHandle] = []

    def install(self) -> None:
        """Put the hooks on; if that fails half-way none stays."""
        try:
            self._thread = threading.get_ident()
            self._handles.append(self.model.register_forward_pre_hook(self._refuse_others))
            self._add(self.model.register_forward_pre_hook, self._begin, with_kwargs=True)
            holders = {site.module for site in self._tapped if site.reads == "input"}
            holders |= {weight.module for weight in self.weights.values()}
            for name, module in self.model.named_modules():
                if reads_features(module) or module in holders:
                    self._add(module.register_forward_pre_hook, self._note(name or ROOT))
            if any(site.name not in self._axes and site.name not in self._inputs for site in self._tapped):
                self._listen()
            for site in self._tapped:
                self._tap(site)
            for module, name in multiplying(self.model, self.weights):  # after taps: it did not round what it reads
                self._add(module.register_forward_pre_hook, self._rounds(name or ROOT), with_kwargs=True)
            self._add(self.model.register_forward_hook, self._finish)
            self._add(self.model.register_forward_hook, self._end, always_call=True)
        except BaseException:
            self.remove()
            raise

    def _add(self, register: Callable[..., Any], hook: Callable[..., None], **options: bool) -> None:
        """Register a hook that sees only what the thread that probes runs."""

        def here(*given: Any) -> None:
            if threading.get_ident() == self._thread:
                hook(*given)

        self._handles.append(register(here, **options))

    def _refuse_others(self, module: nn.Module, args: Any) -> None:
        if threading.get_ident() != self._thread:
            raise UsageError(
                f"This {type(module).__name__} is being probed by another thread, and a call from here would be "
                "measured with it. Wait until that has ended, or call a copy of it: copy.deepcopy(network)."
            )

    def remove(self) -> None:
        """Take all hooks off again."""
        while self._handles:
            self._handles.pop().remove()
        self._unwatch()
        self._current = self.last = self.inputs = None
        self._waiting, self._written = UnknownAxes(), None

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Read nothing inside the block, whatever runs."""
        self._aside = True
        try:
            yield
        finally:
            self._aside = False

    def take(self) -> Forward:
        """The readings of the last forward pass, once."""
        if self.last is None and self._silent:
            raise UsageError(
                f"The forward of {type(self.model).__name__} returned None. Let it return what it computed, so that "
                "there is an output to hold against the targets."
            )
        if self.last is None:
            raise UsageError(
                "There is no forward pass to pair these targets with. Call the network itself (not a part of it) "
                "once before each observe(); its forward must have finished."
            )
        forward, self.last = self.last, None
        return forward

    def _listen(self) -> None:
        """Ask every module that works along one axis about the outputs whose features it reads."""
        own: dict[nn.Module, list[Weight]] = {}
        for weight in self.weights.values():
            own.setdefault(weight.module, []).append(weight)
        inner = {part for module in own for part in module.modules()} - set(own)
        for module in self.model.modules():
            if module not in inner and (module in own or not any(True for _ in module.children())):
                self._add(module.register_forward_pre_hook, self._reader(own.get(module, [])), with_kwargs=True)
                self._add(module.register_forward_hook, self._writer(own.get(module, [])))

    def _reader(self, weights: list[Weight]) -> Callable[..., None]:
        def hook(module: nn.Module, args: Any, kwargs: Mapping[str, Any]) -> None:
            x = first_tensor(args) if args else first_tensor(kwargs)
            for key in self._waiting.read_by(x):
                axis = tells(module, weights, x) if x is not None else None
                if axis is not None:
                    self._settle(key, axis)

        return hook

    def _writer(self, weights: list[Weight]) -> Callable[..., None]:
        def hook(module: nn.Module, args: Any, output: Any) -> None:
            if self._current is not None and isinstance(output, Tensor) and output.ndim > 2:
                axis = tells(module, weights, output)
                self._written = None if axis is None else (weakref.ref(output), axis)

        return hook

    def _settle(self, key: str, axis: int) -> None:
        site, x, coarsest = self._waiting.take(key)
        self._axes[site.name] = axis
        self._keep(key, site, x, coarsest)

    def _begin(self, module: nn.Module, args: Any, kwargs: Mapping[str, Any]) -> None:
        if self._aside:
            return
        self.last, self._current, self._calls = None, Forward({}, []), {}
        if self.keeping:
            self.inputs = rebuilt(copied, (args, dict(kwargs)))
        self._waiting, self._written, self._silent = UnknownAxes(), None, False
        self._current.note_mask(self.mask, args, kwargs)
        if self.products and self._watching is None:
            self._watching = Products(self.model, self._multiplied, {w.module for w in self.weights.values()})
            self._watching.__enter__()

    def _unwatch(self) -> None:
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.__exit__(None, None, None)

    def _multiplied(self, name: str, x: Tensor, W: Tensor) -> None:
        site = self.products.get(name)
        if site is None or self._current is None:
            return
        assert isinstance(site.module, Product)
        site.module.matrix = W.detach()
        self._marked(site, x)
        self._current.note_product(name, site.module, x)

    def _finish(self, module: nn.Module, args: Any, output: Any) -> None:
        self._silent = output is None
        written = {} if self._current is None else self._current.written
        for key in list(self._waiting.held):
            site, x, *_ = self._waiting.held[key]
            axis = written.get(key) or by_parts(site, x)
            if axis is None:
                raise unknown_axis(site, tuple(x.shape))
            self._settle(key, axis)

    def _end(self, module: nn.Module, args: Any, output: Any) -> None:
        self._unwatch()
        forward, self._current = self._current, None
        # after an exception always_call brings output None, and what was read is not to be paired with anything
        if forward is not None and output is not None:
            forward.outputs = {name: x.detach().clone() for name, x in self.pick(output).items()}
            self.last = forward

    def _note(self, name: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: Any) -> None:
            if self._current is not None:
                self._current.ran.append(name)

        return hook

    def _rounds(self, name: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: Any, kwargs: Mapping[str, Any]) -> None:
            if self._current is not None:
                self._current.note_product(name, module, first_tensor(args) if args else first_tensor(kwargs))

        return hook

    def _tap(self, site: Site) -> None:
        if site.reads == "input":

            def read_input(module: nn.Module, args: Any, kwargs: Mapping[str, Any]) -> None:
                if self._current is not None:
                    self._marked(site, read_argument(site, args, kwargs))

            self._add(site.module.register_forward_pre_hook, read_input, with_kwargs=True)
            return

        def read_output(module: nn.Module, args: Any, output: Any) -> None:
            if self._current is not None:
                self._current.ran.append(site.name)
            self._marked(site, first_tensor(output))

        self._add(site.module.register_forward_hook, read_output)

    def _marked(self, site: Site, x: Tensor | None) -> None:
        try:
            self._read(site, x)
        except Exception as error:
            mark(error, "reading", f"the {site.reads} of layer '{site.name}'")
            raise

    def _read(self, site: Site, x: Tensor | None) -> None:
        if self._current is None or site not in self.sites:
            return
        call = self._calls[site.name] = self._calls.get(site.name, 0) + 1
        if call > 1 and self.repeats == "error":
            raise UsageError(
                f"Layer '{site.name}' runs more than once in a forward pass. Choose with ",
                OneOf("repeats", ("first", "last", "each")),
                " (every run as a layer of its own), or leave it out with ",
                Remedy("layers", [f"!{site.name}"]),
                ".",
            )
        key = site.name if call == 1 or self.repeats != "each" else f"{site.name}#{call}"
        if (call > 1 and self.repeats == "first") or (self.only is not None and key not in self.only):
            return
        x = needed(x, site)
        self._current.readings.pop(key, None)
        if x.ndim > 2 and site.reads == "output" and site.name not in self._axes:
            self._current.readings[key] = None  # type: ignore[assignment]  # keeps its place in the order
            if self._written is not None and self._written[0]() is x:
                self._current.written[key] = self._written[1]
            self._waiting.add(key, site, x, self._current.coarsest)
        else:
            self._keep(key, site, x, self._current.coarsest)

    def _keep(self, key: str, site: Site, x: Tensor, coarsest: float) -> None:
        assert self._current is not None
        axis, where = self._axes.get(site.name), self.layouts.get(site.name)
        if isinstance(where, Layout) and not where.plain:
            x, axis = samples_first(x, where, site.axis if axis is None else axis)
        made, own = pooled(x, site, self.pool, self._current.mask, axis), site.axis if axis is None else axis
        u = unit_roundoff(x.dtype if x.is_floating_point() else torch.float32)
        self._current.readings[key] = Reading(site, made, u, own, coarsest)
