"""From a recorded pass to what feeds what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from deepnrc.networks.choosing.layers import ROOT
from deepnrc.networks.dataflow.arrivals import Arrived, arrivals
from deepnrc.networks.dataflow.flow import Dataflow, Link
from deepnrc.networks.dataflow.graph import Bare, Giver, Graph, Region
from deepnrc.networks.dataflow.heads import giving
from deepnrc.networks.dataflow.recording import Key, place, record
from deepnrc.networks.dataflow.shortcuts import shortcuts
from deepnrc.networks.outputs import EVERY, Pick
from deepnrc.networks.weights.stored import forward_from, kind_of

WHOLE = (nn.MultiheadAttention, nn.RNNBase, nn.RNNCellBase)  # use what lies inside without running it
CLOSED = "an autograd function of its own uses it"
SCALES = "it scales them number by number"
INNER = {"parametrizations", "_packed_params"}


@dataclass(frozen=True)
class Traced:
    """What a pass showed, the network's outputs by name, every tensor that a weight gave, run after run, and the slopes
    of the outputs at the weights that give them."""

    dataflow: Dataflow
    outputs: Mapping[str, Tensor] = field(default_factory=dict)
    given: Mapping[str, Sequence[Tensor]] = field(default_factory=dict)
    arrived: Arrived = field(default_factory=dict)


def holds_weight(module: nn.Module) -> bool:
    """Whether a module holds a matrix, or what may be one in another form, and no module inside of it does."""
    if isinstance(module, WHOLE):
        return True
    inner = [child for name, child in module.named_children() if name not in INNER]
    if any(True for child in inner for _ in child.parameters()):
        return False
    matrices = any(parameter.ndim >= 2 for parameter in module.parameters())
    return matrices or hasattr(module, "_packed_params")


def trace(
    model: nn.Module,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    watched: Iterable[str] = (),
    whole: Collection[str] = (),
    pick: Pick = EVERY,
    turned: Collection[str] = (),
) -> Traced:
    """Run a network once and tell what feeds what.

    Args:
        args, kwargs: the network's inputs; they are not changed.
        watched: names of modules of which to tell what reads their output.
        whole: names of modules to be taken as one weight each, whatever lies inside of them.
        pick: from what the network returned to its outputs by name.
        turned: the outputs (n, N).
    """
    held = holding(model, whole)
    failed = ""
    for through in (True, False):
        try:
            recording = record(model, args, kwargs, held, through=through)
        except (RuntimeError, TypeError, ValueError, NotImplementedError, AttributeError) as error:
            failed = failed or f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"
            continue
        given: dict[str, list[Tensor]] = {}
        for call in recording.calls:
            if call.name in held:
                given.setdefault(call.name, []).extend(call.outputs)
        with torch.inference_mode(False), torch.enable_grad():  # a function that picks may compute
            outputs = pick(recording.output)
        graph = Graph(recording, held)
        flow = told(graph, held, watched, outputs)
        arrived = arrivals(graph, flow, outputs, turned)
        return Traced(flow, {k: x.detach() for k, x in outputs.items()}, given, arrived)
    return Traced(Dataflow(unknown=f"the network does not run with gradients on ({failed})"))


def holding(model: nn.Module, whole: Collection[str] = ()) -> dict[str, nn.Module]:
    """By name, the modules that hold a weight each, the outermost of those that lie inside of one another.

    One that is not known to be a weight as a whole, and whose forward is written outside of torch, is looked into.
    """
    named = {name or ROOT: module for name, module in model.named_modules()}
    found = {name: m for name, m in named.items() if name in whole or (holds_weight(m) and not _is_open(m))}
    return {name: m for name, m in found.items() if not any(_inside(name, other) for other in found)}


def told(graph: Graph, held: Collection[str], watched: Iterable[str], returned: Mapping[str, Tensor]) -> Dataflow:
    """What the graph of a recorded pass shows."""
    recording = graph.recording
    outputs = {name: x for name, x in returned.items() if x.is_floating_point()}
    unseen = [name for name in recording.unseen if name in held]
    if not any(place(x) for x in outputs.values()):
        return Dataflow(unknown="the outputs have no path in the graph to any weight")
    givings = {name: giving(graph, x) for name, x in outputs.items() if place(x)}
    behind = _behind({name: x for name, x in outputs.items() if name in givings})
    calls = _used(graph, outputs.values())
    links, read = _links(graph, calls), _readers(graph, calls, set(watched))
    return Dataflow(
        links=links,
        outputs={name: replace(g, behind=behind[name]) for name, g in givings.items()},
        runs=Counter(giver.name for giver in calls) | Counter({c.name: 0 for c in graph.calls}),
        bare=dict.fromkeys(graph.scaling, SCALES)
        | {giver.name: CLOSED if giver.closed else "" for giver in calls if isinstance(giver, Bare)},
        shortcuts=shortcuts(graph, calls, [key for x in outputs.values() if (key := place(x))]),
        readers={name: tuple(dict.fromkeys(giver.name for giver in givers)) for name, givers in read.items()},
        through={
            (name, giver.name): tuple(words)
            for name, givers in read.items()
            for giver, words in givers.items()
            if words
        },
        detached=recording.cut,
        hidden=f"no graph could be had where '{unseen[0]}' runs" if unseen else "",
    )


def _is_open(module: nn.Module) -> bool:
    own = any(True for _ in module.parameters(recurse=False))
    return own and kind_of(module) is None and not forward_from(module).startswith("torch.")


def _inside(name: str, outer: str) -> bool:
    return name != outer and (outer == ROOT or name.startswith(f"{outer}."))


def _used(graph: Graph, outputs: Iterable[Tensor]) -> list[Giver]:
    """Every weight's run that some output or another weight reads, those of modules that nothing reads included."""
    found: dict[Giver, None] = dict.fromkeys(graph.calls)
    queue = [graph.region([key]) for x in outputs if (key := place(x))] + [graph.region(c.ins) for c in graph.calls]
    while queue:
        for giver in queue.pop().givers:
            if giver not in found:
                found[giver] = None
                queue.append(graph.region(giver.ins))
    return list(found)


def _links(graph: Graph, calls: Sequence[Giver]) -> tuple[Link, ...]:
    links: dict[tuple[str, str], Link] = {}
    for reader in calls:
        region = graph.region(reader.ins)
        alone = _alone(region)
        for giver in region.givers:
            pair = (giver.name, reader.name)
            before = links.get(pair)
            between = region.words[giver] + (before.between if before else ())
            links[pair] = Link(*pair, tuple(dict.fromkeys(between)), alone and (before is None or before.alone))
    return tuple(links.values())


def _alone(region: Region) -> bool:
    clean = not (region.inputs or region.others or region.matrices or region.vectors or region.opaque)
    return clean and len(region.givers) == 1


def _behind(outputs: Mapping[str, Tensor]) -> dict[str, frozenset[str]]:
    """By output, those of the others that lie in its history."""
    keys = {name: place(x) for name, x in outputs.items()}
    found = {}
    for name, key in keys.items():
        history = _history(key)
        found[name] = frozenset(o for o, k in keys.items() if o != name and k != key and k in history)
    return found


def _history(key: Key | None) -> set[Key]:
    seen: set[Key] = set()
    stack = [] if key is None else [key]
    while stack:
        node, nr = stack.pop()
        if (node, nr) not in seen:
            seen.add((node, nr))
            stack += [below for below in node.next_functions if below[0] is not None]
    return seen


def _readers(graph: Graph, calls: Sequence[Giver], watched: set[str]) -> dict[str, dict[Giver, Collection[str]]]:
    """By module, the weights that read a tensor made of its output alone, with the operations in between."""
    found: dict[str, dict[Giver, Collection[str]]] = {name: {} for name in watched}
    at = {key: call.name for call in graph.recording.calls if call.name in watched for key in call.outs}
    for reader in calls:
        for name, words in _straight(graph, reader.ins, at).items():
            found[name].setdefault(reader, words)
    return found


def _straight(graph: Graph, keys: Iterable[Key], at: Mapping[Key, str]) -> dict[str, Collection[str]]:
    """The watched modules whose output is found going back through what has one source of data only, with what that
    is in words, from the output on."""
    found: dict[str, Collection[str]] = {}
    for key in keys:
        here: Key | None = key
        words: list[str] = []
        while here is not None:
            if here in at:
                found.setdefault(at[here], [word for word in reversed(words) if word])
            if graph.giver(here) is not None or here[0] in graph.recording.entries:
                break
            data = [below for below in graph.children(here) if graph.parametric(below[0]) is None]
            words.append(graph.word(here[0]))
            here = data[0] if len(set(data)) == 1 else None
    return found
