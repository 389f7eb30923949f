"""Whether the top layer's features are pooled as the network itself pools what it predicts from."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

from torch import Tensor

from deepnrc.measuring.settling.top import Top
from deepnrc.networks import (
    BY_VALUE,
    Forward,
    Giving,
    Layout,
    Pool,
    Reading,
    Shares,
    Site,
    Survey,
    bent_before_summed,
    over_map,
    samples_first,
)

OTHERWISE = (
    "the network predicts from them otherwise: a function as pool= that takes of (N, positions, d) what the network "
    "takes pools as it does"
)
VARYING = (
    "the network predicts from one of them, another in each sample: 'last' as pool= reads that, if mask= is a function "
    "that gives 1 up to it and 0 behind"
)
EACH = (
    "each of them gives outputs of its own: outputs and targets (N, places, n) with 'tokens' as pool= hold each "
    "against its own"
)
PATCHES = (
    "reads patches of several positions, and pooled features are of one; where it reads a whole map at once, 'flatten' "
    "as pool= gives what it reads"
)
NAMED = {"mean": "their mean", "last": "the last one", "cls": "the first one"}


def agreed(top: Top, forward: Forward, found: Survey | None, output: str | None, pool: Pool, named: bool) -> Top:
    """The top layer, if its features are pooled as the network pools, with a warning if not; none then, unless the user
    named it.

    Args:
        output: the output that predicts; None for the only one that the layer gives.
    """
    if found is None or top.key is None:
        return top
    reading = forward.readings[top.key]
    names = top.weights or (reading.site.name,)
    outputs = [o for o, at in found.arrived.items() if set(names) <= at.keys() and output in (None, o)]
    said = [why for name in names for o in outputs[:1] if (why := _apart(name, o, reading, forward, found, pool))]
    if not said or (output is None and len(outputs) > 1):
        return top
    if named:
        warnings.warn(
            f"The top layer that was named is measured with features that the network does not predict from: "
            f"{said[0]}.",
            stacklevel=7,
        )
        return top
    missing = f"{said[0]}; top= names the layer to be taken all the same"
    warnings.warn(
        "Measures of the top layer are not defined, and what else is measured there is of features that the network "
        f"does not predict from: {missing}.",
        stacklevel=7,
    )
    return Top(None, missing, names)


def _apart(name: str, output: str, reading: Reading, forward: Forward, found: Survey, pool: Pool) -> str:
    """Why the pooling in force gives other features than the network predicts from, or ""."""
    site, arrived, axis = reading.site, found.arrived[output][name], reading.axis
    if reading.pooled.pool == "none" or axis is None:
        return ""
    if _patches(reading):
        whole = reading.pooled.pool == "flatten" and over_map(site.module, reading.pooled.rows.shape[1]) is not None
        return "" if whole else f"'{name}' {PATCHES}"
    if arrived is None:
        return f"the places that '{name}' reads and gives do not correspond, so that no pooling is the network's own"
    where = found.layouts.get(name)
    if isinstance(where, Layout) and not where.plain:
        arrived, _ = samples_first(arrived, where, None)
    if arrived.ndim < 3:
        return ""
    giving = found.dataflow.outputs[output]
    fixed = not (giving.altered or giving.logits)
    shares = Shares.of(arrived, axis, fixed)
    if site.reads == "output" and bool(shares.parts.isnan().any()):
        shares = Shares.of(arrived, axis, fixed, loose=True)
    mask = None if forward.mask is None else forward.mask.cpu()
    if mask is not None:
        mask = (mask if found.order is None else mask[found.order.cpu()])[: len(arrived)]
    d = reading.pooled.rows.shape[1] if site.dim is None else site.dim
    untold = bool(BY_VALUE & set(giving.between)) or _summed(giving, shares, mask) or _bent(giving, shares)
    if not untold and shares.fit(site, pool, mask, d):
        return ""
    told = "" if untold else _fitting(shares, site, mask, d)
    if not told and site.weight is not None and found.outputs[output].numel() == site.weight.m * shares.parts.numel():
        told = EACH
    return f"'{name}' reads several places of a sample, pooled by {reading.pooled.pool}, and {told or OTHERWISE}"


def _summed(giving: Giving, shares: Shares, mask: Tensor | None) -> bool:
    """Whether it may be a sum over more tokens in one sample than in another, which slopes that change from sample to
    sample do not tell from a mean."""
    sums = "sum over an axis" in giving.between and "quotient" not in giving.between
    return sums and not shares.compared and shares.one is None and mask is not None and not bool(mask.all())


def _bent(giving: Giving, shares: Shares) -> bool:
    """Whether several places may be bent each alone before they count together."""
    return shares.parts[0].numel() > 1 and shares.one is None and bent_before_summed(giving.between)


def _patches(reading: Reading) -> bool:
    """Whether it is a convolution that reads several positions at once."""
    return any(size > 1 for size in getattr(reading.site.module, "kernel_size", ()) or ())


def _fitting(shares: Shares, site: Site, mask: Tensor | None, d: int) -> str:
    """What the network predicts from instead, and what pools so; "" if that cannot be said."""
    for candidate in NAMED:
        for used in (mask, None) if mask is not None else (None,):
            if shares.fit(site, candidate, used, d):
                with_mask = " with mask=None" if used is not mask else ""
                return f"the network predicts from {NAMED[candidate]}: pool={candidate!r}{with_mask} pools as it does"
    for shown, function in _functions(shares):
        if shares.fit(site, function, None, d):
            return f"the network predicts from some of them: pool={shown} pools as it does"
    return VARYING if shares.one is not None and mask is None else ""


def _functions(shares: Shares) -> Iterator[tuple[str, Pool]]:
    """Poolings of one place, or of some that follow one another, as they are written."""
    flat = shares.parts.flatten(1).nan_to_num(nan=1.0)
    used = (flat != 0).any(0).nonzero().flatten().tolist()
    if not used:
        return
    first, end = used[0], used[-1] + 1
    if len(used) == 1:
        yield f"lambda x: x[:, {first}]", lambda x: x[:, first]
    yield f"lambda x: x[:, {first}:{end}].mean(1)", lambda x: x[:, first:end].mean(1)
