"""Which layer stands in front of the network's outputs, and which weights give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from deepnrc.errors import UsageError
from deepnrc.networks import Dataflow, Forward, Giving, Weight
from deepnrc.wording import Argument, Given, did_you_mean, listing


@dataclass(frozen=True)
class Top:
    """The top layer's key, or None with ``missing`` saying why there is none.

    Attributes:
        weights: where several layers read the same features and give the outputs side by side, their names; without a
            key, those from which the outputs are computed.
        rows: which rows of the weight, or of those weights one above the other, give the outputs; None for all.
        factors: by output, by how much its row is multiplied; None where by one positive number for all.
        mixture: by output, its parts in a sum of all rows; None where each output is given by one row.
        altered: why no more than the row space of the weight is that of the outputs, or "".
    """

    key: str | None
    missing: str = "the network's last layer was not probed"
    weights: tuple[str, ...] = ()
    rows: tuple[int, ...] | None = None
    factors: tuple[float, ...] | None = None
    mixture: tuple[tuple[float, ...], ...] | None = None
    altered: str = ""

    @property
    def whole(self) -> bool:
        """Whether the outputs are what one weight gives, all rows in order."""
        return not self.weights and self.rows is None and self.factors is None and self.mixture is None

    def in_use(self, W: Tensor) -> Tensor | None:
        """The weight of the outputs, made of the rows of ``W``; None where it has other rows than were seen in use."""
        if self.mixture is not None:
            made = torch.tensor(self.mixture, dtype=W.dtype, device=W.device)
            return made @ W if made.shape[1] == len(W) else None
        if self.rows is not None:
            if max(self.rows) >= len(W):
                return None
            W = W[list(self.rows)]
        if self.factors is None:
            return W
        factors = torch.tensor(self.factors, dtype=W.dtype, device=W.device)
        return factors[:, None] * W if len(factors) == len(W) else None


def top_layer(forward: Forward, dataflow: Dataflow, output: str | None, missing: str, classes: bool = False) -> Top:
    """The layer whose weight gives the output that predicts, if it is probed at its input, or else a probed block that
    this weight reads.

    Args:
        output: name of the output that predicts; None with ``missing`` saying why that is unknown.
        classes: whether the targets are, so that a softmax of the logits is as good as they are.
    """
    if output is None and not dataflow.unknown:
        return Top(None, missing)
    giving = dataflow.giving(output)
    if giving.missing:
        return Top(None, giving.missing, giving.weights)
    if giving.logits and not classes:
        said = f"the prediction is the {giving.logits} of what {listing(giving.weights)} gives, and the targets are no "
        return Top(None, f"{said}classes: top= names the layer to be taken all the same", giving.weights)
    altered = _altered(giving)
    inputs = _keys(forward, "input")
    if all(name in inputs for name in giving.weights):
        several = giving.weights if len(giving.weights) > 1 else ()
        return Top(inputs[giving.weights[0]], "", several, giving.rows, giving.factors, giving.mixture, altered)
    if giving.rows is None and giving.factors is None and giving.mixture is None:
        for name, key in _keys(forward, "output").items():
            if dataflow.readers.get(name) == giving.weights:
                return Top(key, "", altered=altered)
    absent = next(name for name in giving.weights if name not in inputs)
    if dataflow.bare.get(absent):
        return Top(None, f"'{absent}' gives the outputs, and cannot be read as a layer: {dataflow.bare[absent]}")
    return Top(None, f"the network's last layer, '{absent}', was not probed")


def _altered(giving: Giving) -> str:
    if not giving.altered:
        return ""
    return (
        f"behind {listing(giving.weights)} lies {giving.altered}, so that only the row space of the weight is that of "
        "the outputs: top= names the layer to be taken all the same"
    )


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


def outputs_of(weights: Mapping[str, Weight], names: Sequence[str]) -> int:
    """How many outputs the layers have that the user named. Errors: UsageError for one that has no weight."""
    for name in names:
        if name not in weights:
            raise UsageError(
                Given("top", name),
                f" has no weight that says how many classes there are.{did_you_mean(name, weights)} There are: "
                f"{listing(weights)}.",
            )
    return sum(weights[name].m for name in names)


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
    rows = [forward.readings[keys[name]].pooled.rows.to(torch.float64) for name in names]
    if not all(other.shape == rows[0].shape and torch.equal(other, rows[0]) for other in rows[1:]):
        raise UsageError(Given("top", list(names)), " names layers that read different features. Choose one of them.")
    return Top(keys[names[0]], "", tuple(names) if len(names) > 1 else ())


def _keys(forward: Forward, reads: str) -> dict[str, str]:
    """By layer, the key of its last run, of those read at their input or output."""
    return {r.site.name: key for key, r in forward.readings.items() if r.site.reads == reads}
