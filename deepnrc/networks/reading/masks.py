"""Which tokens of a batch are real: the mask that tells them from padding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from deepnrc.errors import UsageError
from deepnrc.networks.samples import lie_first
from deepnrc.wording import Argument, Remedy, listing

Mask = str | Callable[[Any], Any] | None

AUTO = "auto"  # the key below, where an input is a dict that has it
KEY = "attention_mask"
OTHERS = ("decoder_attention_mask", "decoder_input_ids")
TORCHS = "key_padding_mask"  # as torch's own modules take it, where True is padding
SHUT = -1e4  # what is added to an attention score no larger than this shuts a token out


def check_mask(mask: Mask) -> None:
    """Refuse what can be no mask before anything runs."""
    if mask is not None and not isinstance(mask, str) and not callable(mask):
        raise UsageError(
            Argument("mask", mask),
            f" must be a key of the input, a function from the input to a mask (N, T), or None; it is {mask!r}.",
        )


def mask_of(mask: Mask, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    """The mask (N, T) of one call of the network, true for real tokens; None if there is none or all tokens are real.

    Args:
        mask: a key of the inputs, a function from the input, or None. A mask has 1 for real tokens, or is added to
            attention scores; by the key "...key_padding_mask" it is torch's own, True for padding.
        args, kwargs: of the call. A function is given the one argument, all of them, or the mapping.
    Errors: UsageError for a key that is not there, another shape, a sample of padding alone, or an input with tokens
        of two kinds and one mask.
    """
    if mask is None:
        return None
    given = dict(kwargs)
    if not given and len(args) == 1 and isinstance(args[0], Mapping):
        given = dict(args[0])
    if callable(mask):
        found = mask(kwargs or (args[0] if len(args) == 1 else args))
    elif mask == AUTO:
        found = given.get(KEY)
        if not isinstance(found, Tensor) or flat(found).ndim != 2 or (found.ndim > 2 and _none_shut(found)):
            return None
        _check_one_kind(flat(found), given)
    elif mask not in given:
        raise UsageError(Argument("mask", mask), f" names no part of the input: {mask!r}. It has {listing(given)}.")
    else:
        found = _turned(mask, given[mask])
    return _checked(found)


def apart_by_padding(mask: Tensor | None, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    """The order of the samples (N,) in which those with most and with least padding come first, in turn, so that a few
    differ in it; None where all are real, or where not every tensor of the call has its samples on the first axis."""
    if mask is None or not padded(mask) or not lie_first((args, dict(kwargs)), len(mask)):
        return None
    order, half = mask.sum(1).argsort(stable=True), -(-len(mask) // 2)
    return torch.stack([order[:half], order.flip(0)[:half]], 1).flatten()[: len(mask)]


def flat(found: Tensor) -> Tensor:
    """A mask (N, T), (N, T, 1) or (N, 1, 1, T) as (N, T); any other as it is."""
    long = [n for n in found.shape[1:] if n != 1]
    return found.reshape(len(found), *long) if found.ndim > 2 and len(long) == 1 else found


def _none_shut(found: Tensor) -> bool:
    """Whether all is 0 in what is added to attention scores."""
    return found.is_floating_point() and not bool(found.any())


def _turned(name: str, found: Any) -> Any:
    """What was named, 1 for real tokens. Errors: UsageError where a name tells of padding and not which way round."""
    if "pad" not in name.lower() or not isinstance(found, Tensor) or adds(found):
        return found
    if name.endswith(TORCHS) and found.dtype == torch.bool:
        return ~found
    raise UsageError(
        Argument("mask", name),
        f" names '{name}', where 1 may stand for padding or for real tokens. Pass a function, lambda inputs: "
        f"inputs['{name}'] != 0 if 1 is a real token, or lambda inputs: inputs['{name}'] == 0 if it is padding.",
    )


def adds(found: Tensor) -> bool:
    """Whether a mask is one that is added to attention scores: 0 for real tokens, far below for padding."""
    return found.is_floating_point() and bool((found < 0).any()) and bool(((found == 0) | (found <= SHUT)).all())


def ignores(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether a call has padding, or a mask that cannot be read, by the key that is used if nothing is said."""
    try:
        return padded(mask_of(AUTO, args, kwargs))
    except UsageError:
        return True


def padded(mask: Tensor | None) -> bool:
    """Whether any token is padding."""
    return mask is not None and not bool(mask.all())


def _check_one_kind(found: Tensor, given: Mapping[str, Any]) -> None:
    """Which of two sequences of one length a layer reads, its shape does not tell."""
    for name in OTHERS:
        other = given.get(name)
        if isinstance(other, Tensor) and other.shape == found.shape and padded(found != 0):
            if name == OTHERS[0] and torch.equal(other != 0, found != 0):
                continue
            raise UsageError(
                f"The input has tokens of two kinds, '{KEY}' and '{name}', of one length. Say which tokens are real "
                "with ",
                Remedy("mask", KEY),
                " or ",
                Remedy("mask", None),
                ", or give the two another length.",
            )


def _checked(found: Any) -> Tensor:
    mask = flat(found if isinstance(found, Tensor) else torch.as_tensor(found))
    mask = mask == 0 if adds(mask) else mask
    if mask.ndim != 2 or not bool(((mask == 0) | (mask == 1)).all()):
        raise UsageError(
            Argument("mask"),
            f" must give 1 for real tokens and 0 for padding, (N, T); it gave {tuple(mask.shape)} of {mask.dtype}.",
        )
    mask = mask.detach() != 0
    if mask.numel() and not bool(mask.any(1).all()):
        rows = int((~mask.any(1)).sum())
        raise UsageError(Argument("mask"), f" leaves no token of {rows} samples. Leave these samples out.")
    return mask
