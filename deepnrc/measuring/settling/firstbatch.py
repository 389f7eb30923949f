"""What the first batch settles: what feeds what, where the samples lie, and whether the network samples."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from deepnrc.data import as_tensor
from deepnrc.errors import UsageError
from deepnrc.networks import (
    LOOKED_AT,
    ROOT,
    Choice,
    Dataflow,
    Forward,
    Product,
    Site,
    Survey,
    Taps,
    Weight,
    apart_by_padding,
    as_it_was,
    asked_for,
    called_shortcuts,
    dense,
    entries,
    hooked,
    leaving_out,
    lie_first,
    mask_of,
    near,
    own_name,
    rebuilt,
    survey,
    telling_first,
)
from deepnrc.wording import Remedy, listing

SWAPPED = "the network runs with other parameters than its modules hold, as under functional_call"


def look(model: nn.Module, taps: Taps, choice: Choice, targets: object, outputs: Mapping[str, Tensor]) -> Survey:
    """Look at a network through the inputs of its last call, which ``targets`` belong to.

    Hooks of the user's own do not run, unless the call's outputs show that they change numbers.
    """
    if taps.inputs is None:
        return Survey(Dataflow(unknown="the inputs of the first batch were not seen"), skipped="no inputs")
    y = as_tensor(targets, "The target of batch 1")
    with taps.aside():
        args, kwargs = taps.inputs
        samples = len(y) if y.ndim else 0
        order = apart_by_padding(mask_of(taps.mask, args, kwargs), args, kwargs)
        if order is None and lie_first((args, kwargs), samples):
            order = telling_first(outputs, samples, LOOKED_AT)
        if order is not None:  # a few samples without padding would not tell what the network makes of it
            args, kwargs, outputs = (
                rebuilt(lambda x: _ordered(x, order), given) for given in (args, kwargs, dict(outputs))
            )
        whole = {name.removesuffix(f".{weight.part}") for name, weight in choice.weights.items()}
        found = survey(model, args, kwargs, samples, choice.sites, whole, taps.pick)
        if hooked(model) and not found.sampled and not _alike(found.outputs, outputs):
            found = survey(model, args, kwargs, samples, choice.sites, whole, taps.pick, hooks=True)
        return replace(found, dataflow=found.dataflow.renamed(_layers_of(choice)), order=order)


def _ordered(x: Tensor, order: Tensor) -> Tensor:
    return x[order.to(x.device)] if x.ndim and len(x) == len(order) else x


def _layers_of(choice: Choice) -> dict[str, str]:
    """By module, the name of the one layer that stands for it: an adapter's is that of what it adapts."""
    named: dict[str, list[str]] = {}
    for name, weight in choice.weights.items():
        if weight.part:
            named.setdefault(name.removesuffix(f".{weight.part}"), []).append(name)
    return {module: layers[0] for module, layers in named.items() if len(layers) == 1}


def _alike(few: Mapping[str, Tensor], whole: Mapping[str, Tensor]) -> bool:
    """Whether a pass of the first samples gave what the call with all of them did."""
    return few.keys() == whole.keys() and all(_begins(whole[name], few[name]) for name in few)


def _begins(whole: Tensor, few: Tensor) -> bool:
    axes = [i for i in range(few.ndim) if few.ndim == whole.ndim and few.shape[i] < whole.shape[i]]
    return near(whole.narrow(axes[0], 0, few.shape[axes[0]]) if len(axes) == 1 else whole, few)


def read_again(model: nn.Module, taps: Taps) -> Forward:
    """The readings of one more run on the kept inputs, which leaves the network and the random numbers as they were."""
    assert taps.inputs is not None
    args, kwargs = taps.inputs
    devices = sorted({p.device.index or 0 for p in model.parameters() if p.device.type == "cuda"})
    with torch.random.fork_rng(devices=devices), torch.no_grad(), as_it_was(model):
        model(*args, **kwargs)
    return taps.take()


def samples_first(found: Survey | None, outputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The outputs of a call, those (n, N) as (N, n)."""
    turned = frozenset() if found is None else found.turned
    return {name: x.mT if name in turned else x for name, x in outputs.items()} if turned else outputs


def check_layouts(found: Survey, forward: Forward) -> None:
    """Errors: UsageError for layers of whose tensors the samples' axis cannot be told."""
    read = dict.fromkeys(reading.site.name for reading in forward.readings.values())
    unclear = {name: why for name in read if isinstance(why := found.layouts.get(name), str)}
    if unclear:
        name, why = next(iter(unclear.items()))
        others = f" (so are those of {len(unclear) - 1} more layers)" if len(unclear) > 1 else ""
        raise UsageError(
            f"The samples of what layer '{name}' reads are unknown{others}: {why}. Leave it out with ",
            Remedy("layers", [f"!{name}" for name in unclear]),
            ".",
        )


def warn_of_samples(found: Survey, stacklevel: int) -> None:
    """Warn of a network that samples, and of one whose samples lie on the second axis where the first would do too."""
    if found.sampled:
        warnings.warn(
            "The network samples: two passes over the first batch gave different outputs. What is measured of its "
            "outputs is one draw; name an output that is none with output=, if it has one.",
            stacklevel=stacklevel,
        )
    if found.axis == 1:
        warnings.warn(
            "The samples lie on the second axis of the network's inputs, as it mixes what lies along the first. If "
            "they lie on the first, it takes tokens for samples: build it with batch_first=True.",
            stacklevel=stacklevel,
        )


def left_out(found: Survey, choice: Choice, modules: Mapping[str, nn.Module]) -> dict[str, str]:
    """Further weights that are not measured, beside those that ``choice`` names, each with the reason."""
    flow = found.dataflow
    named = {site.name for site in choice.sites} | {name for name, _ in choice.left_out} | choice.weights.keys()
    named |= {name.removesuffix(f".{weight.part}") for name, weight in choice.weights.items()}
    reasons = {
        name: f"on a shortcut around a block, from '{start}' to '{end}'"
        for name, (start, end) in flow.shortcuts.items()
    }
    if flow.unknown:
        said = "called a shortcut, and no graph could be had that tells"
        reasons |= dict.fromkeys(called_shortcuts(modules[ROOT], choice.weights), said)
    for name, why in flow.bare.items():
        if name not in named and not any(name.startswith(f"{outer}.") for outer in named):
            reasons.setdefault(name, f"multiplies activations outside of any module{', and ' if why else ''}{why}")
    for name in flow.runs:
        if name in modules and name not in named:
            kind = type(modules[name])
            reasons.setdefault(name, f"the weight of a {kind.__module__}.{kind.__name__} cannot be read")
    return reasons


def settled(
    found: Survey, choice: Choice, products: Mapping[str, Site], layers: object, modules: Mapping[str, nn.Module]
) -> Choice:
    """What is probed after all: what was chosen, with the bare products that were asked for, less what is left out.

    Errors: UsageError if that is nothing, or a parameter was named that is no layer.
    """
    read = {name: site for name, site in products.items() if asked_for(layers, name)}
    check_parameters(choice, found, read)
    weights = {name: replace(w, missing=SWAPPED) if name in found.swapped else w for name, w in choice.weights.items()}
    weights |= {name: site.weight for name, site in products.items() if site.weight}
    silent = {site.name: "" for site in choice.sites if not found.dataflow.runs.get(site.name)}
    lent = silent.keys() - _without_read(silent, modules, read)  # they do not run; what they hold is a layer elsewhere
    sites = tuple(site for site in choice.sites if site.name not in lent)
    choice = replace(choice, sites=(*sites, *read.values()), weights=weights)
    check_any(choice)
    check_blocks(found, choice, layers, modules)
    if not all_weights(layers):
        return choice
    aside = left_out(found, choice, modules)
    sites = without(choice.sites, aside)
    named, kept = _without_read(dict(choice.left_out), modules, read), {site.name for site in sites}
    reasons = named | {name: why for name, why in aside.items() if name not in named and name not in kept}
    return replace(choice, sites=sites, left_out=tuple(reasons.items()))


def _without_read(
    left_out: Mapping[str, str], modules: Mapping[str, nn.Module], read: Collection[str]
) -> dict[str, str]:
    """What is left out, without modules all of whose own matrices are read as layers after all."""
    names = {part for name in read for part in name.split(" and ")}
    found = {}
    for name, why in left_out.items():
        own = modules[name].named_parameters(recurse=False) if name in modules else ()
        matrices = [own_name(key if name == ROOT else f"{name}.{key}") for key, p in own if p.ndim >= 2]
        if not matrices or not names.issuperset(matrices):
            found[name] = why
    return found


def check_blocks(found: Survey, choice: Choice, layers: object, modules: Mapping[str, nn.Module]) -> None:
    """Errors: UsageError for blocks none of which reads, however far behind, what another one beside it gives."""
    flow = found.dataflow
    blocks = [site.name for site in choice.sites if site.reads == "output" and _holds(site.name, flow.runs)]
    if layers != "blocks" or len(blocks) < 2 or flow.unknown or flow.hidden:
        return
    behind = {b: flow.behind({name for name in flow.runs if name.startswith(f"{b}.")}) for b in blocks}
    groups: dict[str, list[str]] = {}
    for block in blocks:
        groups.setdefault(block.rpartition(".")[0], []).append(block)
    several = [group for group in groups.values() if len(group) > 1]
    apart = [group for group in several or [blocks] if not any(_follows(a, b, behind) for a in group for b in group)]
    if len(apart) < len(several or [blocks]):
        return
    around = [name for name in dict.fromkeys(_around(group[0], modules) for group in apart) if name]
    alone = len(several) < 2 or len(around) < 2
    raise UsageError(
        f"The repeated parts {listing(blocks, 4)} lie side by side and are no blocks, one behind the other. Name "
        f"other parts, or {'these' if alone else 'those around them'}: ",
        Remedy("layers", blocks if alone else around),
        ".",
    )


def _follows(block: str, other: str, behind: Mapping[str, Collection[str]]) -> bool:
    return block != other and _holds(block, behind[other])


def _around(name: str, modules: Mapping[str, nn.Module]) -> str:
    """The module around a part that says itself how its parts run; "" for the network."""
    name = name.rpartition(".")[0]
    while name and isinstance(modules[name], nn.Sequential | nn.ModuleList | nn.ModuleDict):
        name = name.rpartition(".")[0]
    return name


def _holds(block: str, names: Collection[str]) -> bool:
    return any(name.startswith(f"{block}.") for name in names)


def check_all_ran(choice: Choice, seen: Collection[str], layers: object) -> None:
    """Errors: UsageError for layers that did not run, with the entries that leave them out."""
    silent = [site.name for site in choice.sites if site.name not in seen]
    if silent:
        raise UsageError(
            f"{listing(silent)} did not run in the forward pass, so nothing can be read there. Leave "
            f"{'it' if len(silent) == 1 else 'them'} out: ",
            Remedy("layers", entries(layers) + leaving_out(silent, sorted(seen))),
            ".",
        )


def product_sites(found: Survey) -> dict[str, Site]:
    """By name, where features are read that a bare parameter multiplies."""
    return {name: _product_site(name, Product(W)) for name, W in found.products.items()}


def _product_site(name: str, product: Product) -> Site:
    m, d = product.matrix.shape
    weight = Weight(product, -1, d, m, lambda: dense(product.matrix))
    return Site(name, product, "input", -1, d, weight, parameter=True)


def check_parameters(choice: Choice, found: Survey, read: Mapping[str, Site]) -> None:
    """Errors: UsageError for a parameter that was named as a layer and is none."""
    for name in choice.parameters:
        if name not in read:
            why = found.dataflow.bare.get(name, "no product of activations with it alone was seen outside of a module")
            around = name.rpartition(".")[0]
            named = f", or name the module that holds it, '{around}'" if around else ""
            raise UsageError(
                f"'{name}' is a parameter, and nothing can be read there as a layer: {why}. Leave it out{named}."
            )


def check_any(choice: Choice) -> None:
    """Errors: UsageError if nothing is read."""
    if not choice.sites:
        raise UsageError(
            "The network has no Linear or convolution to probe, and multiplies by none of its parameters in a way that "
            "can be read as a layer. Name other modules with ",
            Remedy("layers", [...]),
            ".",
        )


def without(sites: tuple[Site, ...], names: Mapping[str, str]) -> tuple[Site, ...]:
    """The sites that are not left out after all; all of them if none would be left."""
    return tuple(site for site in sites if site.name not in names) or sites


def all_weights(layers: object) -> bool:
    """Whether every weight was asked for, less those that were named."""
    entries = [layers] if isinstance(layers, str) else layers
    return isinstance(entries, list | tuple) and all(
        isinstance(entry, str) and (entry == "weights" or entry.startswith("!")) for entry in entries
    )
