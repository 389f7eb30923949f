"""Whether a batch fits those before it; one that does not is refused before any layer has taken it in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor

from deepnrc.errors import DataError, UsageError
from deepnrc.measuring.streaming.layerstream import LayerStream
from deepnrc.networks import Forward
from deepnrc.wording import Phrase, Remedy, listing


def check_targets(Y: Tensor, n: int, batch: int) -> None:
    """Errors: UsageError if the targets (N, n) of a later batch have another width than those before."""
    if Y.shape[1] != n:
        raise UsageError(f"The targets of batch {batch} have {Y.shape[1]} columns and had {n} before.")


def check_layers(forward: Forward, expected: Collection[str]) -> None:
    """Errors: UsageError if other layers ran, or equal ones more or less often, than before."""
    differing = sorted(set(expected) ^ set(forward.readings))
    if differing:
        name, _, call = differing[0].partition("#")
        raise UsageError(
            f"Layer '{name}' ran {f'{call} times' if call else ''} in some batches and not in others. A layer must "
            "run equally often in every forward pass; leave it out with ",
            Remedy("layers", [f"!{name}"]),
            ".",
        )


def check_features(
    forward: Forward, samples: int, batch: int, widths: Mapping[str, int], sequence_first: Sequence[str] = ()
) -> None:
    """Errors: UsageError for features whose rows are not the samples' or whose width was another before, DataError for
    NaN and infinity.

    Args:
        samples: N, rows of the targets.
        batch: its number from 1, for messages.
        widths: d of each layer in the batches before, by its key; empty for the first one.
        sequence_first: names of the network's modules that were built with batch_first=False.
    """
    apart = [k for k, r in forward.readings.items() if len(r.pooled.rows) != r.pooled.rows_of(samples)]
    if apart:
        first = forward.readings[apart[0]].pooled
        count, expected = len(first.rows), first.rows_of(samples)
        folded = FOLDED if samples > 0 and count % expected == 0 else ""
        folded = folded or (NODES if count > expected and len(apart) < len(forward.readings) else "")
        _refuse_rows(apart, forward, count, folded, samples, batch, sequence_first)
    for key, reading in forward.readings.items():
        rows = reading.pooled.rows
        if rows.shape[1] != widths.get(key, rows.shape[1]):
            raise UsageError(
                f"Layer '{key}' is {rows.shape[1]} wide in batch {batch} and was {widths[key]} before. Choose "
                "another pooling: 'flatten' needs inputs of one size."
            )
    sums = [reading.pooled.rows.sum() for reading in forward.readings.values()]  # NaN and infinity survive a sum
    if sums and not bool(torch.stack([one.to(sums[0]) for one in sums]).isfinite().all()):  # waits once
        for key, reading in forward.readings.items():
            if not bool(reading.pooled.rows.isfinite().all()):  # or else the sum itself is more than float32 holds
                raise DataError(
                    f"The features of layer '{key}' hold NaN or infinity in batch {batch}. Probe an earlier "
                    "checkpoint, leave the layer out, or use a wider dtype."
                )


FOLDED = "Windows or tokens were folded into its first axis, or the targets are not this batch's"
NODES = "The nodes of graphs may lie along its first axis"


def _refuse_rows(
    keys: Sequence[str],
    forward: Forward,
    rows: int,
    folded: str,
    samples: int,
    batch: int,
    sequence_first: Sequence[str],
) -> None:
    key, others = keys[0], len(keys) - 1 if folded else 0
    remedy: tuple[Phrase, ...] = (
        "Targets must have one row per sample of the same batch, and the first axis of features must be the batch.",
    )
    if len(keys) == len(forward.readings) and rows > samples > 0:
        remedy += (
            " If these are nodes of graphs, or windows or tokens that were folded into that axis, name layers that "
            "have a row for each sample, such as the head behind their pooling, with ",
            Remedy("layers", [...]),
            ".",
        )
    elif folded:
        blocks = forward.readings[key].site.reads == "output"
        remedy = (
            f"{folded}: leave {'them' if others else 'it'} out with ",
            Remedy("layers", list(dict.fromkeys(f"!{k.partition('#')[0]}" for k in keys))),
            *(() if blocks else (" or probe ", Remedy("layers", "blocks"))),
            ", or give one target row per sample.",
        )
    time_first = (
        f" If it reads (T, N, d), because {listing(sequence_first, 3)} has batch_first=False, build the network "
        "with batch_first=True."
    )
    raise UsageError(
        f"Layer '{key}' gave {rows} rows in batch {batch}, and the targets have {samples}; so did {others} more. "
        if others
        else f"Layer '{key}' gave {rows} rows in batch {batch}, and the targets have {samples}. ",
        *remedy,
        time_first if sequence_first else "",
    )


def check_held_out(forward: Forward, fitted: Mapping[str, LayerStream], Y: Tensor, n: int) -> None:
    """Errors: UsageError if held-out samples do not run the layers, or have not the widths, of the training ones."""
    if Y.shape[1] != n:
        raise UsageError(f"The held-out targets have {Y.shape[1]} columns, and those of the training samples {n}.")
    check_layers(forward, fitted)
    for key, reading in forward.readings.items():
        width = reading.pooled.rows.shape[1]
        if width != fitted[key].width:
            raise UsageError(
                f"Layer '{key}' is {width} wide on the held-out samples and {fitted[key].width} on the training ones. "
                "Choose a pooling that does not go by the inputs' size."
            )
