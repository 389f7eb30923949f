"""Targets with a row for each token, and padding that a pooling counted."""

from __future__ import annotations

import dataclasses
import warnings

import torch
from torch import Tensor

from deepnrc.data import as_tensor
from deepnrc.errors import UsageError
from deepnrc.networks import PER_PLACE, Forward, Pool
from deepnrc.wording import Argument, Remedy, listing


def per_token(targets: object, forward: Forward, pool: Pool, batch: int) -> tuple[object, Forward]:
    """Targets (N, T, n) as one row a real token, with outputs and readings to match; any other as they are.

    Errors: UsageError for such targets with a pooling that gives no row a token, and for layers that have none.
    """
    y = as_tensor(targets, f"The target of batch {batch}")
    if y.ndim == 2 and not y.is_floating_point():
        _check_token_classes(y, forward, batch)
    if y.ndim != 3:
        return targets, forward
    N, T, n = y.shape
    if pool not in PER_PLACE:
        raise UsageError(
            f"The targets of batch {batch} have shape {(N, T, n)}. For a target for each token pass ",
            Remedy("pool", "tokens"),
            f"; chunks, such as of actions, are one target a sample as targets.reshape({N}, {T * n}).",
        )
    mask = forward.mask
    if mask is None or mask.shape != (N, T):
        mask = torch.ones(N, T, dtype=torch.bool)
    rows = int(mask.sum())
    apart = [key for key, reading in forward.readings.items() if len(reading.pooled.rows) != rows]
    if apart:
        names = listing([key.partition("#")[0] for key in apart], 3)
        raise UsageError(
            f"The targets of batch {batch} are one for each of {rows} tokens, and {names} have other rows. Leave them "
            "out with ",
            Remedy("layers", [f"!{key.partition('#')[0]}" for key in apart]),
            ".",
        )
    readings = {
        key: dataclasses.replace(reading, pooled=dataclasses.replace(reading.pooled, repeats=1))
        for key, reading in forward.readings.items()
    }
    outputs = {name: _taken(output, mask) for name, output in forward.outputs.items()}
    return y[mask.to(y.device)], dataclasses.replace(forward, readings=readings, outputs=outputs)


def _check_token_classes(y: Tensor, forward: Forward, batch: int) -> None:
    """Errors: UsageError for whole numbers (N, T) beside an output that has a row for each of T tokens."""
    N, T = y.shape
    shapes = [tuple(output.shape) for output in forward.outputs.values()]
    if T == 1 or (N, T) in shapes or not any(len(s) == 3 and s[0] == N and T in s[1:] for s in shapes):
        return
    raise UsageError(
        f"The targets of batch {batch} are whole numbers of shape {(N, T)}, and an output has a row for each of {T} "
        "tokens: they look like classes of tokens. Give them one-hot, as floats (N, T, K), with ",
        Remedy("pool", "tokens"),
        ", and leave out what is to be ignored (-100) with ",
        Argument("mask"),
        "; for a regression of so many numbers a sample give floats.",
    )


def _taken(output: Tensor, mask: Tensor) -> Tensor:
    return output[mask.to(output.device)] if output.ndim == 3 and output.shape[:2] == mask.shape else output


def warn_of_padding(forward: Forward, told: set[str], stacklevel: int) -> None:
    """Warn once each of layers whose pooling could not tell padding from real tokens, of what may be a mask and was not
    used, and of a mask that was used for several sequences."""
    unmasked = [key for key, reading in forward.readings.items() if reading.pooled.unmasked]
    counted = {reading.pooled.tokens for reading in forward.readings.values() if reading.pooled.tokens is not None}
    unused = [suspect.name for suspect in forward.suspects if any(suspect.fits(*shape) for shape in counted)]
    texts = {}
    if unmasked or forward.ignored:
        what = f"{listing(unmasked, 3)} were pooled with padding among the tokens" if unmasked else "Padding counts"
        texts["padding"] = (
            f"{what}: their values depend on how batches were padded. A mask counts for (N, tokens, d) of as many "
            "tokens, and with a pooling other than 'flatten'; mask= names it, and a pooling of your own may take it as "
            "its second argument."
        )
    if unused:
        texts["unused"] = (
            f"The network was given {listing(unused, 3)}, which may say what is padding, and all tokens were counted. "
            "mask= takes the key of a mask that is 1 for real tokens, a function from the input to one, (N, T), or "
            "None if all tokens are real."
        )
    if forward.kinds:
        texts["kinds"] = (
            f"The network was given {listing(forward.kinds, 4)} of as many tokens each, and 'attention_mask' was used "
            "for all of them. mask='attention_mask' says that this is right; else probe the layers of each on their "
            "own, named with layers=, with the key, the function or the None that mask= takes for it."
        )
    for kind in [kind for kind in texts if kind not in told]:
        warnings.warn(texts[kind], stacklevel=stacklevel)
    told.update(texts)
