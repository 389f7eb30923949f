"""Which weights give an output of the network, and which of their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from deepnrc.networks.dataflow.flow import Giving
from deepnrc.networks.dataflow.graph import Bare, Giver, Graph, Region
from deepnrc.networks.dataflow.operations import ACTIVATIONS
from deepnrc.networks.dataflow.recording import place
from deepnrc.networks.dataflow.slopes import log_odds, makeup

AFFINE = {"selection", "reshaping", "concatenation", "negation", "sum", "difference", "detach()"}
AFFINE |= {"mean over an axis", "sum over an axis"}
PIECEWISE = frozenset(("Maximum", "Minimum", "Where", "MaskedFill", "NanToNum", "Amax", "Amin", "Max", "Min", "Round"))
CURVED = frozenset(ACTIVATIONS.values()) - {"sum", "difference", "product", "quotient", "negation"} | PIECEWISE
BENDS = CURVED - PIECEWISE | {"Maximum", "Minimum"}  # each number alone, by its value
APART = BENDS | {"selection", "reshaping", "product", "quotient", "negation", "detach()", "normalisation"}
APART |= {"sum", "difference", "concatenation", "Where", "MaskedFill"}
SOFTMAX = {"attention": "softmax", "LogSoftmax": "log softmax"}  # as the graph calls them at an output
REMEDY = "top= names the layer to be taken all the same"


def giving(graph: Graph, output: Tensor) -> Giving:
    """What gives one output that lies in the graph.

    An output is what weights give if it is W h + b but for an order or choice of the columns, fixed factors of them,
    fixed sums of them, and one mean over tokens: all that changes W to another fixed matrix, which is the weight in
    use. What each column does alone (a tanh, a clamp) leaves the row space of W what the output depends on, and no
    more. A softmax leaves the logits' differences. Everything else makes it no output of these weights.
    """
    key = place(output)
    assert key is not None
    region = graph.region([key])
    names = tuple(dict.fromkeys(giver.name for giver in region.givers))
    words = tuple(dict.fromkeys(word for giver in region.givers for word in region.words[giver]))
    missing = _not_given(region, names) if output.ndim else "the output is one number, with no axis of samples"
    by_numbers = len(names) > 1 and missing in ("", _apart(names)) and not _one_tensor(region.givers)
    told = Giving(names, words, missing=missing, by_numbers=by_numbers)
    return told if missing else _made(told, region, output)


def bent_before_summed(words: Sequence[str]) -> bool:
    """Whether operations in this order may bend numbers by their value before they are summed: at values that all lie
    on one straight piece of a ReLU, slopes do not tell that from a sum that is bent."""
    summed = next((i for i, word in enumerate(words) if word not in APART), len(words))
    return not BENDS.isdisjoint(words[:summed])


def _made(told: Giving, region: Region, output: Tensor) -> Giving:
    """The same, with how the output's columns are made of the weights' rows."""
    words = tuple(SOFTMAX.get(word, word) for word in told.between)
    curved = [word for word in words if word in CURVED]
    told = replace(told, by_numbers=told.by_numbers or not AFFINE.issuperset(words))  # what is fixed now may be trained
    try:
        found = makeup(region.givers, output)
        logits = log_odds(region.givers, output) if found is None and set(SOFTMAX.values()) & set(words) else None
    except RuntimeError:
        if not words:
            return told
        reason = f"which rows of {listed(told.weights)} give which output could not be told: {REMEDY}"
        return replace(told, missing=reason)
    if logits is not None and not curved:
        return replace(told, rows=logits.rows, logits=" and ".join(w for w in words if w in SOFTMAX.values()))
    if found is None or (curved and found.mixture is not None) or (region.matrices and found.varying):
        return replace(told, missing=_computed(told.weights, words, region, len(output)))
    told = replace(told, rows=found.rows, factors=found.factors, mixture=found.mixture)
    return replace(told, altered=", ".join(curved or words)) if curved or found.varying else told


def _computed(names: Sequence[str], words: Sequence[str], region: Region, samples: int) -> str:
    if region.matrices:
        return f"'{region.matrices[0]}' comes in between {listed(names)} and the prediction: {REMEDY}"
    between = f" ({', '.join(words)})" if words else ""
    give = "gives" if len(names) == 1 else "give"
    if samples == 1:
        return (
            f"a first batch of one sample does not tell what is made of what {listed(names)} {give}{between}: let the "
            f"loader give larger batches, or {REMEDY}"
        )
    return (
        f"the prediction is not what {listed(names)} {give}, but is computed from it over columns or samples{between}: "
        f"{REMEDY}, or output= an output that is what a layer gives"
    )


def _not_given(region: Region, names: tuple[str, ...]) -> str:
    if not names:
        return "no weight gives the prediction"
    if region.opaque:
        own = f"an autograd function of its own ({region.opaque[0]}) lies between the weights and the prediction"
        return f"{own}: {REMEDY}"
    if region.fixed:
        return f"a matrix that is no parameter gives the prediction, from what {listed(names)} gives: {REMEDY}"
    if region.inputs:
        return f"the network's own inputs come in beside {listed(names)}: {REMEDY}"
    if region.mixed and len(names) > 1:
        return f"{listed(names)} give the prediction together, and not side by side: {REMEDY}"
    if len(region.givers) > len(names):
        return f"{listed(names)} gives the prediction in {len(region.givers)} runs: {REMEDY}"
    if len(names) > 1 and not _same_features(region.givers):
        return _apart(names)
    return ""


def _apart(names: Sequence[str]) -> str:
    return f"{listed(names)} give the prediction from different features: {REMEDY}"


def listed(names: Sequence[str]) -> str:
    """Names in quotes, the last behind an "and"."""
    quoted = [f"'{name}'" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def _same_features(givers: Sequence[Giver]) -> bool:
    first = givers[0]
    return all(giver.ins == first.ins or _equal(giver, first) for giver in givers[1:])


def _one_tensor(givers: Sequence[Giver]) -> bool:
    """Whether all weights read the same tensor, and not only equal ones."""
    return all(giver.ins == givers[0].ins for giver in givers)


def _equal(a: Giver, b: Giver) -> bool:
    if isinstance(a, Bare) or isinstance(b, Bare) or len(a.inputs) != len(b.inputs):
        return False
    return all(x.shape == y.shape and torch.equal(x, y) for x, y in zip(a.inputs, b.inputs, strict=True))
