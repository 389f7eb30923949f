"""Which layer stands in front of the network's outputs, and which weights give them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from deepnrc.errors import UsageError
from deepnrc.networks import Dataflow, Forward
from deepnrc.wording import Argument, Given, did_you_mean, listing


@dataclass(frozen=True)
class Top:
    """The top layer's key, or None with ``missing`` saying why there is none.

    Attributes:
        weights: where several layers read the same features and give the outputs side by side, their names.
        rows: which rows of the weight, or of those weights one above the other, give the outputs; None for all.
    """

    key: str | None
    missing: str = "the network's last layer was not probed"
    weights: tuple[str, ...] = ()
    rows: tuple[int, ...] | None = None


def top_layer(forward: Forward, dataflow: Dataflow, output: str | None, missing: str) -> Top:
    """The layer whose weight gives the output that predicts, if it is probed at its input, or else a probed block that
    this weight reads.

    Args:
        output: name of the output that predicts; None with ``missing`` saying why that is unknown.
    """
    if output is None and not dataflow.unknown:
        return Top(None, missing)
    giving = dataflow.giving(output)
    if giving.missing:
        return Top(None, giving.missing)
    inputs = _keys(forward, "input")
    if all(name in inputs for name in giving.weights):
        several = giving.weights if len(giving.weights) > 1 else ()
        return Top(inputs[giving.weights[0]], "", several, giving.rows)
    if giving.rows is None:
        for name, key in _keys(forward, "output").items():
            if dataflow.readers.get(name) == giving.weights:
                return Top(key, "")
    absent = next(name for name in giving.weights if name not in inputs)
    if dataflow.bare.get(absent):
        return Top(None, f"'{absent}' gives the outputs, and cannot be read as a layer: {dataflow.bare[absent]}")
    return Top(None, f"the network's last layer, '{absent}', was not probed")


def top_names(top: object) -> list[str] | None:
    """The layers that the user named; None for those that are found. Errors: UsageError for what are no names."""
    if top is None:
        return None
    names = [top] if isinstance(top, str) else list(top) if isinstance(top, list | tuple) else []
    if not names or not all(isinstance(name, str) for name in names):
        raise UsageError(
            Argument("top", top),
            f" must name the layer in front of the outputs, or several that read the same features; it is {top!r}.",
        )
    return names


def chosen_top(forward: Forward, names: Sequence[str]) -> Top:
    """The layers that the user named, which must read the same features.

    Errors: UsageError for what is not probed, and for layers that read different features.
    """
    keys = _keys(forward, "input") | _keys(forward, "output")
    for name in names:
        if name not in keys:
            raise UsageError(
                Given("top", name), f" is not probed.{did_you_mean(name, keys)} There are: {listing(keys)}."
            )
    rows = [forward.readings[keys[name]].pooled.rows for name in names]
    if not all(other.shape == rows[0].shape and torch.equal(other, rows[0]) for other in rows[1:]):
        raise UsageError(Given("top", list(names)), " names layers that read different features. Choose one of them.")
    return Top(keys[names[0]], "", tuple(names) if len(names) > 1 else ())


def _keys(forward: Forward, reads: str) -> dict[str, str]:
    """By layer, the key of its last run, of those read at their input or output."""
    return {r.site.name: key for key, r in forward.readings.items() if r.site.reads == reads}
