"""Commands that build a network: what would be probed in it, and probing it."""

from __future__ import annotations

import dataclasses
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Positional

from deepnrc.arguments import TAU
from deepnrc.commands.base import DEGENERATE, GOOD, UNREADABLE, Tau, arg
from deepnrc.commands.inputs import MODEL, SKETCH, InputArguments, NetworkArguments
from deepnrc.commands.torchrun import together
from deepnrc.wording import listing, shown, sized

if TYPE_CHECKING:
    from torch import nn

    from deepnrc.networks import Weight
    from deepnrc.report import Report


@dataclass(frozen=True, kw_only=True)
class Layers(NetworkArguments):
    """Show what would be probed: names, kinds, widths and memory. Nothing is run.

    For example: deepnrc layers timm:resnet18 --targets 3
    """

    model: Annotated[Positional[str], arg(metavar="MODEL", help=MODEL)]
    targets: Annotated[int, arg(metavar="N", help="Target width n, for the memory.")] = 1
    memory: Annotated[
        str | None,
        arg(metavar="SIZE", help="What statistics may take, such as 4GB; half of what is free by itself."),
    ] = None
    sketch: Annotated[int | None, arg(metavar="S", help=SKETCH)] = None

    def run(self) -> int:
        from deepnrc.measuring import as_sketch, moments_size
        from deepnrc.networks import called_shortcuts, choose

        sketch = as_sketch(self.sketch)
        network = self.network(self.model)
        choice = choose(network, list(self.layers))
        lines = [("layer", "kind", "read at", "width", "weight", "memory")]
        wide = {site.name: site.dim for site in choice.sites if site.dim}
        sizes = {name: moments_size(d, self.targets, sketch=sketch) for name, d in wide.items()}
        for site in choice.sites:
            shape = site.missing if site.weight is None else _shape(site.weight)
            size = sized(sizes.get(site.name, 0))
            lines.append((site.name, site.kind, site.reads, str(site.dim or "?"), shape, size))
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        for line in lines:
            print(shown("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()))
        for reason, count in Counter(reason for _, reason in choice.left_out).items():
            names = [name for name, why in choice.left_out if why == reason]
            print(shown(f"left out: {', '.join(names[:4])}{f' and {count - 4} more' if count > 4 else ''} ({reason})"))
        probed = {site.name for site in choice.sites}
        named = [name for name in called_shortcuts(network, choice.weights) if name in probed]
        if named:
            said = "probe leaves out what the first batch shows to lie on one"
            print(shown(f"called a shortcut: {listing(named, 4)}; {said}"))
        total = sized(sum(sizes.values()))
        print(f"{len(choice.sites)} layers, {total} of moments however many samples (order: as registered).")
        kept = {name: sketch if sketch is not None and sketch < d else None for name, d in wide.items()}
        print(self._forecast(sizes, {name: (kept[name], d) for name, d in wide.items()}))
        return GOOD

    def _forecast(self, sizes: dict[str, int], shapes: dict[str, tuple[int | None, int]]) -> str:
        """Passes over the data, and about how long the measures take behind them."""
        import torch

        from deepnrc.arguments import as_bytes
        from deepnrc.measuring import finishing_seconds, half_of_free, parted

        room = half_of_free(torch.device("cpu")) if self.memory is None else as_bytes(self.memory)
        passes = 1 if room is None or not sizes else len(parted(sizes, room))
        within = "" if room is None else f" within {sized(room)}"
        return (
            f"{passes} {'pass' if passes == 1 else 'passes'} over the data{within}, and about "
            f"{finishing_seconds(shapes):.1f} s of measuring behind, less where samples are fewer than features."
        )


@dataclass(frozen=True, kw_only=True)
class ProbeCommand(InputArguments):
    """Measure every layer of a network on data, print a summary, and save the report.

    For example: deepnrc probe net.py:build --checkpoint net.pt --data data.csv --targets left,right --out runs/mine
    """

    held_out: Annotated[
        str | None,
        arg(metavar="DATA", help="Samples to which nothing is fitted, read as --data is; rows of their own."),
    ] = None
    groups: Annotated[
        str | None,
        arg(
            metavar="G",
            help="Intervals: a number of groups of samples, such as 16, or 'episodes' where the data says which.",
        ),
    ] = None
    out: Annotated[Path, arg(metavar="DIR", help="Folder for the report's three files; it is made.")]
    replace: Annotated[bool, arg(help="Replace a report that is in the folder already.")] = False
    probes: Annotated[
        tuple[str, ...],
        arg(
            metavar="NAME [NAME ...]",
            help="Names or globs, such as 'deep.*' or noise_fraction; `deepnrc probes` lists them.",
        ),
    ] = ()
    run_name: Annotated[str | None, arg(name="run", metavar="LABEL", help="Label in the table.")] = None
    steps: Annotated[
        tuple[int, ...],
        arg(metavar="STEP [STEP ...]", help="Of several checkpoints; the numbers in their names if not given."),
    ] = ()
    jobs: Annotated[int, arg(metavar="N", help="Checkpoints that are measured side by side.")] = 1
    backend: Annotated[
        Literal["loky", "dask", "ray"],
        arg(help="Where: processes here, or a cluster; Dask's at DASK_SCHEDULER_ADDRESS if that is set."),
    ] = "loky"
    scheduler: Annotated[
        str | None, arg(metavar="ADDRESS|FILE", help="Dask's scheduler, or the file that `dask scheduler` wrote.")
    ] = None
    reference: Annotated[
        str | None,
        arg(
            metavar="untrained|DIR",
            help="What verdicts hold noise against: an untrained network of the same shape, or a saved report of one.",
        ),
    ] = None
    tau: Tau = TAU
    strict: Annotated[bool, arg(help="Exit with 4 if any value is degenerate.")] = False
    every: Annotated[
        bool, arg(name="all", help="Print a row for every layer, where there are more than 24, not some of each stage.")
    ] = False

    def run(self) -> int:
        import deepnrc
        from deepnrc.table import Journal, check_tau

        check_tau(self.tau)
        with together() as first:
            if self.checkpoint is not None and several(self.checkpoint):
                return self._checkpoints(self.checkpoint, first)
            journal: Journal[deepnrc.Report] | None = Journal(self.out, self.replace) if first else None
            network = self.network(self.model)
            report = deepnrc.probe(
                network, self._own(self.data, network), progress=first and self.progress, **self._all(network)
            )
            if journal is None:
                return GOOD
            try:
                journal.add(report)
            finally:
                report.summary(self.tau, all=self.every)
            return self._ended(report)

    def _own(self, source: str, network: nn.Module) -> Any:
        """The samples, or this process's part of them."""
        from torch import distributed

        import deepnrc

        samples = self.samples(source, network)
        alone = not (distributed.is_available() and distributed.is_initialized())
        return samples if alone else deepnrc.shard(samples)

    def _all(self, network: nn.Module) -> dict[str, Any]:
        """What ``deepnrc.probe`` is given beside the network and the samples."""
        return {
            "probes": list(self.probes) or None,
            "held_out": None if self.held_out is None else self._own(self.held_out, network),
            "groups": int(self.groups) if self.groups is not None and self.groups.isdecimal() else self.groups,
            "reference": self._reference(),
            "run": self.run_name or self.model.rpartition(":")[2],
            **self.options(),
        }

    def _checkpoints(self, checkpoint: Path, first: bool) -> int:
        """Probe the network at many checkpoints, as steps of one report; the first process saves and prints."""
        import deepnrc

        network = dataclasses.replace(self, checkpoint=None, state_key=None).network(self.model)
        refused: list[str] = []

        def passed_over(path: Path, why: deepnrc.DataError) -> None:
            refused.append(path.name)
            if first:
                print(f"deepnrc: {shown(f'{path.name} is passed over. {why}')}", file=sys.stderr)

        report = deepnrc.probe_checkpoints(
            network,
            checkpoint,
            self._own(self.data, network),
            progress=first and self.progress,
            steps=self.steps or None,
            folder=self.out,
            replace=self.replace,
            state_key=self.state_key,
            allow_extra=self.allow_extra,
            jobs=self.jobs,
            backend=self.backend,
            scheduler=self.scheduler,
            passed_over=passed_over,
            **self._all(network),
        )
        if not first:
            return GOOD
        report.summary(self.tau, all=self.every)
        code = self._ended(report)
        if refused:
            print(shown(f"deepnrc: could not be read: {listing(refused)}."), file=sys.stderr)
        return UNREADABLE if refused else code

    def _ended(self, report: Report) -> int:
        print(f"\n{shown(f'Saved in {self.out}. Next: deepnrc report {self.out} -o report.html')}")
        degenerate = bool((report.table["status"] == "degenerate").any())
        return DEGENERATE if self.strict and degenerate else GOOD

    def _reference(self) -> str | Report | None:
        """What was asked for; a saved report is read."""
        if self.reference is None or self.reference == "untrained":
            return self.reference
        import deepnrc

        return deepnrc.load(self.reference)


def several(checkpoint: Path) -> bool:
    """Whether a folder or a pattern was given, not a file."""
    return checkpoint.is_dir() or (any(mark in str(checkpoint) for mark in "*?[") and not checkpoint.exists())


def _shape(weight: Weight) -> str:
    """Shape of W, and how it is known where the class does not tell."""
    shape = "x".join(map(str, weight.matrix().shape))
    return f"{shape} ({weight.note})" if weight.note else shape
