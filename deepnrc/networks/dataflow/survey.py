"""What a network's first batch shows, in a few passes over a few of its samples that leave no trace."""

from __future__ import annotations

import contextlib
import warnings
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from deepnrc.networks.choosing.layers import Site
from deepnrc.networks.dataflow.arrivals import Arrived, as_read
from deepnrc.networks.dataflow.bare import Sighting, matrices_of, sighted
from deepnrc.networks.dataflow.flow import Dataflow
from deepnrc.networks.dataflow.interventions import proved
from deepnrc.networks.dataflow.passes import Inputs, Pass, alike, near, run
from deepnrc.networks.dataflow.tracing import holding, trace
from deepnrc.networks.outputs import EVERY, Pick
from deepnrc.networks.samples import Layout, layout

HOOKS = ("_forward_hooks", "_forward_pre_hooks")
LOOKED_AT = 4  # samples are enough to see the axes and the graph
SKIPPED = "the batch could not be shortened, so that the samples' axis is taken to be the first"


@dataclass(frozen=True)
class Survey:
    """What the first batch showed.

    Attributes:
        dataflow: what feeds what.
        layouts: by module, where the samples of what is read there lie; or why that is unknown.
        sampled: whether two passes over one batch gave different outputs.
        skipped: why ``layouts`` is empty, or "".
        axis: the axis of the inputs that holds the samples.
        products: by its parameter's name, the matrix W (m, d) of each bare product that can be read as a layer.
        outputs: what a pass of the first samples gave, without hooks of the user's own.
        swapped: the sites whose modules had other parameters while they ran.
        turned: the outputs (n, N), with samples on their second axis.
        arrived: by output, and by site, the slopes of that output at what its weight or module gives, with the axes of
            what is read there; None where the places of the two do not correspond.
        order: of the samples of the whole batch, where the first are not those that were looked at.
        lasting: whether none of it rests on the numbers of the weights, so that it holds after further training.
    """

    dataflow: Dataflow = field(default_factory=Dataflow)
    layouts: Mapping[str, Layout | str] = field(default_factory=dict)
    sampled: bool = False
    skipped: str = ""
    axis: int = 0
    products: Mapping[str, Tensor] = field(default_factory=dict)
    lasting: bool = False
    outputs: Mapping[str, Tensor] = field(default_factory=dict)
    swapped: frozenset[str] = frozenset()
    turned: frozenset[str] = frozenset()
    arrived: Mapping[str, Mapping[str, Tensor | None]] = field(default_factory=dict)
    order: Tensor | None = None


def survey(
    model: nn.Module,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    samples: int,
    sites: Sequence[Site],
    whole: Collection[str] = (),
    pick: Pick = EVERY,
    hooks: bool = False,
) -> Survey:
    """Look at a network through the first samples of a batch.

    Args:
        args, kwargs: the inputs of a call; they are not changed.
        samples: N, how many samples they hold.
        sites: where tensors are read.
        whole: names of modules to be taken as one weight each, whatever lies inside of them.
        pick: from what the network returned to its outputs by name.
        hooks: whether hooks of the user's own run.
    """
    watched = [site.name for site in sites if site.reads == "output"]
    with _aside(model, hooks):
        pair = _shortened(model, Inputs(args, kwargs, samples), sites, pick)
        few = pair.few.inputs
        torch.manual_seed(1)
        traced = trace(model, few.args, few.kwargs, watched, whole, pick, pair.turned())
        sampled = bool(traced.outputs) and not alike(traced.outputs, pair.few.outputs)
        dataflow = traced.dataflow if traced.dataflow.unknown else proved(model, few, traced, whole, pick)
        told, layouts, bare = _products(model, pair, dataflow, pick, whole)
        products = {name: W for name, W in told.items() if isinstance(W, Tensor)}
        dataflow = replace(dataflow, bare={name: why if isinstance(why, str) else "" for name, why in told.items()})
        lasting = (sampled or not pair.few.drew) and not dataflow.by_numbers(holding(model, whole))
    return Survey(
        dataflow,
        {**pair.layouts(), **layouts},
        sampled,
        pair.skipped,
        pair.axis,
        products,
        lasting,
        pair.few.outputs,
        pair.few.swapped,
        pair.turned(),
        _arrived(traced.arrived, sites, pair, bare),
    )


def _arrived(
    arrived: Arrived, sites: Sequence[Site], pair: _Pair, bare: Mapping[str, Sequence[Tensor]]
) -> dict[str, dict[str, Tensor | None]]:
    """The slopes by site, where its weight or module runs once.

    Args:
        bare: what bare products read, by name.
    """
    axes = {site.name: site.axis if site.reads == "input" else None for site in sites} | dict.fromkeys(bare, -1)
    read = {**pair.few.read, **bare}
    layers = {s.name.removesuffix(f".{s.weight.part}"): s.name for s in sites if s.weight is not None}
    found: dict[str, dict[str, Tensor | None]] = {}
    for output, parts in arrived.items():
        named = {layers.get(module, module): x for module, x in parts.items()}
        once = {name: x for name, x in named.items() if name in axes and len(read.get(name, ())) == 1}
        found[output] = {name: as_read(x, axes[name], read[name][0].shape) for name, x in once.items()}
    return found


def _products(
    model: nn.Module, pair: _Pair, flow: Dataflow, pick: Pick, whole: Collection[str]
) -> tuple[dict[str, Tensor | str], dict[str, Layout | str], Mapping[str, list[Tensor]]]:
    """The matrices of bare products or why there are none, where the samples lie in what they read, and that."""
    wanted = {name for name, closed in flow.bare.items() if not closed}
    if not wanted:
        return matrices_of(model, flow, Sighting(), Sighting()), {}, {}
    fewer = pair.few if pair.fewer is None else pair.fewer
    passes = enumerate((pair.few, fewer))
    first, second = (sighted(model, p.inputs, wanted, seed, pick, whole) for seed, p in passes)
    found = matrices_of(model, flow, first, second)
    read = [name for name, matrix in found.items() if isinstance(matrix, Tensor)]
    if pair.fewer is None:
        return found, {}, first.features
    layouts = {name: _agreed(first.features[name], second.features[name], pair.sizes) for name in read}
    return found, layouts, first.features


@dataclass(frozen=True)
class _Pair:
    """A pass of a few samples and one of one fewer, cut on ``axis`` of the inputs; or one pass and why there is no
    other."""

    few: Pass
    fewer: Pass | None = None
    axis: int = 0
    skipped: str = ""

    @property
    def sizes(self) -> tuple[int, int]:
        return self.few.inputs.samples, self.few.inputs.samples - 1

    def layouts(self) -> dict[str, Layout | str]:
        if self.fewer is None:
            return {}
        return {
            name: _agreed(found, self.fewer.read.get(name, []), self.sizes) for name, found in self.few.read.items()
        }

    def turned(self) -> frozenset[str]:
        """The outputs of two axes of which the second holds the samples."""
        if self.fewer is None:
            return frozenset()
        flat = {name: x for name, x in self.few.outputs.items() if x.ndim == 2 and name in self.fewer.outputs}
        return frozenset(n for n, x in flat.items() if _shared_axis(x, self.fewer.outputs[n], self.sizes) == 1)

    def shrinks(self) -> bool:
        """Whether some output has as many rows as there are samples."""
        assert self.fewer is not None
        a, b = self.few.outputs, self.fewer.outputs
        return a.keys() == b.keys() and any(_shared_axis(a[name], b[name], self.sizes) is not None for name in a)

    def keeps(self) -> bool:
        """Whether every other sample's outputs are what they were without the last one."""
        assert self.fewer is not None
        for name, a in self.few.outputs.items():
            axis = _shared_axis(a, self.fewer.outputs[name], self.sizes)
            if axis is not None and not near(a.narrow(axis, 0, self.sizes[1]), self.fewer.outputs[name]):
                return False
        return True


def _shared_axis(a: Tensor, b: Tensor, sizes: tuple[int, int]) -> int | None:
    found = layout(a, b, sizes)
    return found.axis if isinstance(found, Layout) and found.each == 1 else None


def _shortened(model: nn.Module, whole: Inputs, sites: Sequence[Site], pick: Pick) -> _Pair:
    """The passes of a few samples and of one fewer, cut on the axis along which the network does not mix."""
    size = min(whole.samples, LOOKED_AT)
    pairs = []
    for axis in (0, 1) if size > 1 else ():
        few, fewer = whole.cut(size, axis), whole.cut(size - 1, axis)
        try:
            pair = _Pair(run(model, few, sites, pick=pick), run(model, fewer, sites, pick=pick), axis)
        except Exception:  # what a network raises for inputs that were cut on a wrong axis is its own affair
            continue
        if pair.shrinks():
            pairs.append(pair)
            if pair.keeps():
                return pair
    if pairs:
        return pairs[0]
    return _Pair(
        run(model, whole, sites, pick=pick), skipped=SKIPPED if size > 1 else "the first batch is a single sample"
    )


def _agreed(more: Sequence[Tensor], fewer: Sequence[Tensor], samples: tuple[int, int]) -> Layout | str:
    """The one layout of all of a module's runs."""
    if len(more) != len(fewer):
        return "it runs more often with more samples"
    found = list(dict.fromkeys(layout(a, b, samples) for a, b in zip(more, fewer, strict=True)))
    return found[0] if len(found) == 1 else "its runs have the samples on different axes"


@contextlib.contextmanager
def _aside(model: nn.Module, keep: bool = False) -> Iterator[None]:
    """Evaluation mode without the user's own hooks, unless they are to be kept, and without warnings; training flags,
    hooks and the state of torch's random numbers as before after the block."""
    devices = {p.device for p in model.parameters() if p.device.type not in ("cpu", "meta", "mps")}
    kind = next(iter(devices)).type if devices else "cuda"
    flags = {module: module.training for module in model.modules()}
    hooks = [(module, name, module.__dict__[name]) for module in flags if not keep for name in HOOKS]
    with torch.random.fork_rng(devices=[d.index or 0 for d in devices], device_type=kind), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for module in flags:
                module.training = False
            for module, name, held in hooks:
                module.__dict__[name] = OrderedDict((key, hook) for key, hook in held.items() if _of_torch(hook))
            yield
        finally:
            for module, flag in flags.items():
                module.training = flag
            for module, name, held in hooks:
                module.__dict__[name] = held


def hooked(model: nn.Module) -> bool:
    """Whether there are hooks of the user's own on a network."""
    held = [hook for module in model.modules() for name in HOOKS for hook in module.__dict__[name].values()]
    return any(not _of_torch(hook) and not str(hook.__module__).startswith("deepnrc.") for hook in held)


def _of_torch(hook: object) -> bool:
    """Whether a hook is one by which torch itself computes, such as that of a weight norm or of pruning."""
    kinds = {getattr(hook, "__module__", "") or "", *(kind.__module__ for kind in type(hook).__mro__)}
    return any(name.split(".")[0] == "torch" for name in kinds)
