"""`probe`: attach, a loop over the data, and nothing else."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from deepnrc.arguments import as_bytes, whole
from deepnrc.data import Batch, Reader, as_loader, count, pairs, progress_bar, target_resolution, tensors
from deepnrc.errors import DataError, UsageError
from deepnrc.measuring.attachment import Attachment
from deepnrc.measuring.provenance import DataFingerprint
from deepnrc.measuring.settling.remembered import Remembered
from deepnrc.measuring.streaming.dealing import Groups, Labels, dealing
from deepnrc.measuring.streaming.distributed import AUTO as AUTO_RANKS
from deepnrc.measuring.streaming.distributed import Distributed, Ranks, sharded
from deepnrc.measuring.streaming.memory import half_of_free
from deepnrc.measuring.streaming.parting import Parting, least
from deepnrc.measuring.streaming.sketching import as_sketch
from deepnrc.measuring.traces.undisturbed import checked_autocast, generators_put_back, numbers, undisturbed
from deepnrc.measuring.untrained import Reference, checked, held_against
from deepnrc.networks import AUTO, Axis, Layers, Linears, Mask, Output, Pool, forward
from deepnrc.report import Report
from deepnrc.table import NOISE
from deepnrc.wording import Argument, Either, Remedy
from probes import Pass, Probe


def probe(
    model: nn.Module,
    loader: Any,
    *,
    layers: Layers = "weights",
    pool: Pool = "mean",
    rank: int | None = None,
    probes: Sequence[str | Probe] | str | None = None,
    device: str | torch.device | None = None,
    autocast: torch.dtype | None = None,
    max_samples: int | None = None,
    batch: Batch = None,
    progress: bool = True,
    repeats: str = "error",
    reference: Reference = None,
    mask: Mask = AUTO,
    axis: Axis = None,
    linears: Linears | None = None,
    output: Output | None = None,
    top: str | Sequence[str] | None = None,
    held_out: Any = None,
    groups: Groups = None,
    distributed: Distributed = AUTO_RANKS,
    memory: str | int | None = None,
    sketch: int | None = None,
    remembered: Remembered | None = None,
    run: str | None = None,
    step: int = 0,
) -> Report:
    """Measure every layer of a network in one pass over the data.

    The network runs in evaluation mode without gradients, and is left as it was: hooks, every module's own training
    flag, device, and the state of torch's random numbers, those of a ``DataLoader``'s own generator too.

    >>> import torch, deepnrc
    >>> net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    >>> report = deepnrc.probe(net, (torch.randn(64, 4), torch.randn(64, 2)))
    >>> report.wide().index.get_level_values("layer").tolist()
    ['0', '2']

    Args:
        model: any torch network.
        loader: yields (input, target); input a tensor, a tuple or a dict of keyword arguments; target (N, n), (N,) or
            integer classes (N,), or one-hot rows. Dicts with ``labels`` do too, graphs of torch-geometric, a list of
            images as input, and a pair (X, Y) of whole tensors. ``target_resolution`` (n,), an attribute of the loader
            or its data set, says what half a unit of the last written digit of each target is.
        layers: "weights" (every Linear and convolution), "blocks", globs, types or a callable.
        pool: "mean", "max", "positions", "tokens", "flatten", "cls", "last" or a callable.
        rank: signal rank k; None for the numerical rank of the targets.
        probes: names or globs ("deep.*", "nrc.1_centred"), or ``Probe`` objects; None for all that need one pass,
            those for classes (``nc.*``, ``model.accuracy``) only where the targets are classes.
        device: where to run; None for where the network is.
        autocast: dtype for ``torch.autocast``, or None.
        max_samples: stop after so many samples; None for all.
        batch: which parts of a batch are input and target, where that is open: two names or positions, such as
            ("image", "angle"), or a function of the batch that returns (input, target). Several names in place of one
            make positional arguments, or targets side by side; a dotted name leads into nested parts.
        progress: show a progress bar when it takes more than two seconds.
        repeats: a layer that runs more than once: "error", "first", "last" or "each".
        mask: which tokens are real: a key of the input, such as "attention_mask", which is used where a dict input has
            it (1 for real tokens, or 0 where it is added to attention scores; torch's own "src_key_padding_mask" is
            True for padding); a function from the input to (N, T), 1 for real tokens; or None.
        axis: of the features in outputs of layers where nothing tells it: a whole number, or one by glob on layers.
        linears: further types of modules that multiply by a weight: ``{MyLinear: lambda m: m.weight}``.
        output: which output predicts, by key, attribute, index, or a callable of all that the network returns; None
            for the one of the targets' shape.
        top: the layer, or the layers that read the same features, in front of the outputs; None for what the graph of
            the first batch tells.
        held_out: samples to which nothing is fitted, a loader or pair as ``loader``: subspaces, means, maps and class
            means are those of the samples of ``loader``, and rows with the variant "held out" stand beside the others.
        groups: for intervals: samples go to so many groups, blocks of four consecutive ones dealt out in turn, and
            columns ``corrected``, ``low`` and ``high`` hold the value less its bias and its 95 % interval, from the
            measures without each group. Where samples depend on one another, such as those of an episode, a label (N,)
            for each in the order of the data, or "episodes" for those that the data brings along (``groups``). It
            takes as many times the memory, and as many more evaluations.
        reference: what verdicts hold noise against: "untrained", which reads a copy of the network, drawn anew by its
            modules' own ``reset_parameters``, over the same data; a network of the same shape; or a report of one, at
            one step. What it reads stands in the column ``reference``.
        distributed: where a process group of torch.distributed is there, every process probes the samples of its own
            loader (``deepnrc.shard``) and all return the same report, of all samples; False to leave the others alone,
            True to insist. ``max_samples`` is then of each process.
        memory: what the layers' statistics may take, such as "4GB" or a number of bytes; None for half of what is free.
            Layers that do not fit together are read in turn, in as many passes over the data as it takes, to the same
            values; the loader must give the same batches each time.
        sketch: for layers so wide that even one of them is too much, a number s: of layers of more than s features
            only s random directions are kept, always the same, with the exact trace, in s/d of the memory. Measures
            that this tells are rows with the variant "sketch", whose note says how far they may be off; those that read
            no covariance of the features are exact, and all others not defined. Such a layer is not judged. It goes
            neither with ``groups`` nor with ``held_out``.
        remembered: what further measurements of this network keep of the passes over its first batch, as those of a
            ``Tracker`` do.
        run, step: labels in the table.
    Returns: a ``Report``.
    Errors: UsageError for arguments, layers and shapes; DataError for empty data, NaN or infinity.
    """
    step = whole(step, "A step")
    max_samples = None if max_samples is None else whole(max_samples, Argument("max_samples", max_samples))
    if max_samples is not None and max_samples < 1:
        raise UsageError(
            Argument("max_samples", max_samples),
            " must be at least 1",
            Either(", or None for all", ""),
            f"; it is {max_samples}.",
        )
    if autocast is not None and not isinstance(autocast, torch.dtype):
        raise UsageError(
            Argument("autocast", autocast), f" must be a dtype such as torch.bfloat16, or None; it is {autocast!r}."
        )
    loader, held = as_loader(loader), checked(reference, model)
    if isinstance(held, nn.Module) and isinstance(loader, Iterator):
        raise UsageError("A reference network reads the data again, and an iterator gives it once. Use a loader.")
    ranks = Ranks.of(distributed)
    others, deal = None if held_out is None else as_loader(held_out), dealing(groups, loader, max_samples)
    if ranks.count > 1 and isinstance(deal, Labels):
        raise UsageError(
            Argument("groups"), " of labels go by the order of the whole data, which no process sees. Give a number."
        )
    sketch = as_sketch(sketch, groups=deal is not None, held_out=others is not None)
    room = None if memory is None else as_bytes(memory)
    parting = Parting(
        named=room is not None, held_out=others is not None, grouped=deal is not None, batches=count(loader)
    )
    attachment = Attachment(
        model, layers, pool, rank, probes, repeats, mask, axis, linears, output, top, remembered, deal,
        sketch, parting,
    )  # fmt: skip
    network, read = attachment.model, Reader(batch, attachment.model)
    with numbers(), attachment, generators_put_back(loader), undisturbed(network, device) as where:
        checked_autocast(where, autocast, network)
        parting.memory = least(ranks.told(room or half_of_free(where)))
        over = partial(
            _pass, attachment, read=read, device=where, autocast=autocast, max_samples=max_samples, progress=progress,
            ranks=ranks,
        )  # fmt: skip
        data = _read(attachment, over, loader, others, ranks)
        while attachment.next_part(run, step, progress):
            again = _read(attachment, over, loader, others, ranks)
            ranks.agreed(partial(_check_again, again, data))
        told = {name: "+".join(ranks.told(seen)) for name, seen in data.items()}
        options = {"device": str(where), "autocast": None if autocast is None else str(autocast)}
        report = attachment.report(run, step, progress=progress, data={**told, "max_samples": max_samples}, **options)
    if held is None:
        return report
    unlike = partial(
        probe, loader=loader, layers=layers, pool=pool, rank=rank, probes=[NOISE], device=device, autocast=autocast,
        max_samples=max_samples, batch=batch, progress=progress, repeats=repeats, mask=mask, axis=axis,
        linears=linears, output=output, sketch=sketch, run="reference",
    )  # fmt: skip
    return held_against(report, held, unlike)


def _read(attachment: Attachment, over: Callable[..., str], loader: Any, others: Any, ranks: Ranks) -> dict[str, str]:
    """Every pass that the layers of this part take; what tells the data from other."""
    seen = {"fingerprint": over(loader, Pass.FIRST, "The data is empty: the loader yielded no samples.")}
    if twice := ranks.check_samples():
        warnings.warn(twice, stacklevel=3)
    if attachment.parts > 1 and isinstance(loader, Iterator):
        raise UsageError(
            f"The statistics of the layers fit into memory in {attachment.parts} parts, and an iterator gives its data "
            "once. Use a loader, or fewer layers: ",
            Remedy("layers", "blocks"),
            ".",
        )
    if attachment.second_pass():
        again = {**seen, "fingerprint": over(loader, Pass.SECOND)}
        ranks.agreed(lambda: _check_again(again, seen))
    if others is not None:
        attachment.held_out()
        with generators_put_back(others):
            seen["held_out"] = over(others, Pass.FIRST, "The held-out data is empty: the loader yielded no samples.")
    return seen


def _pass(
    attachment: Attachment,
    loader: Any,
    number: Pass,
    empty: str = "",
    *,
    read: Reader,
    device: torch.device,
    autocast: torch.dtype | None,
    max_samples: int | None,
    progress: bool,
    ranks: Ranks,
) -> str:
    """Run the network over the loader's batches, bring the ranks' statistics together, and return what tells this data
    from other.

    Args:
        empty: what to say where there is no sample.
    """
    fingerprint = DataFingerprint()

    def run() -> None:
        total = None if max_samples is not None else count(loader)
        resolution = target_resolution(loader)
        with progress_bar(total=total, desc="probing", unit="batch", progress=progress) as shown, torch.no_grad():
            read_here = pairs(loader, device, max_samples, read)
            x: Any = None
            for one in ranks.in_step(read_here) if ranks.count > 1 and sharded(attachment.model) else read_here:
                if one is None:  # beside a rank that still has samples
                    forward(attachment.model, x)
                    continue
                x, y, rows = one
                fingerprint.update([*tensors(x), *tensors(y)])
                ranks.note([*tensors(x), *tensors(y)], rows)
                # never the loader, which may compute its targets; observe() runs the network on the first batch again
                with contextlib.nullcontext() if autocast is None else torch.autocast(device.type, dtype=autocast):
                    forward(attachment.model, x)
                    attachment.observe(y, resolution)
                shown.update()
        if empty and attachment.samples == 0:
            raise DataError(empty)

    ranks.agreed(run)
    attachment.merge(ranks, number)
    return str(fingerprint)


def _check_again(again: Mapping[str, str], first: Mapping[str, str]) -> None:
    if again != first:
        raise UsageError(
            "The second pass saw other data than the first, and what is measured in it needs the same. Use a "
            "loader that gives the same batches each time: no shuffling, no random augmentation, no generator."
        )
