"""Commands that build a network: what would be probed in it, and probing it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Positional, arg

from deepnrc.arguments import TAU
from deepnrc.commands.base import DEGENERATE, GOOD, Command, Tau
from deepnrc.wording import listing, shown

if TYPE_CHECKING:
    from torch import nn

    from deepnrc.networks import Weight
    from deepnrc.report import Report

MODEL = "timm:NAME, torchvision:NAME, path/to/file.py:factory or package.module:factory"
DATA = (
    "a .npz file or folder of .npy files (x, y), a table (.csv, .tsv, .csv.gz, .parquet, .feather, .xlsx), a folder of "
    "images, D4RL's, robomimic's, ALOHA's or CARLA's .hdf5 files, utkface:, cifar10:, cifar10-test:, mnist: or "
    "mnist-test:FOLDER, a local Minari data set, or file.py:factory that returns a loader"
)


@dataclass(frozen=True)
class NetworkArguments(Command):
    """Which network."""

    pretrained: Annotated[bool, arg(help="Load timm's or torchvision's own pretrained weights.")] = False
    num_classes: Annotated[int | None, arg(metavar="M", help="Outputs of a timm or torchvision network.")] = None
    checkpoint: Annotated[
        Path | None,
        arg(
            metavar="FILE",
            help="Weights: .pt, .pth, .ckpt, .safetensors, Stable-Baselines3's .zip; no code in it is run.",
        ),
    ] = None
    state_key: Annotated[
        str | None, arg(metavar="KEY", help="Where in the checkpoint the weights are, such as ema.model.")
    ] = None
    allow_extra: Annotated[
        bool, arg(help="Pass over entries of the checkpoint that the network does not have, with a warning.")
    ] = False
    layers: Annotated[
        tuple[str, ...],
        arg(metavar="GLOB [GLOB ...]", help="weights, blocks, and globs on layer names; '!GLOB' leaves layers out."),
    ] = ("weights",)

    def network(self, model: str) -> nn.Module:
        """Build it, with its weights."""
        import deepnrc

        return deepnrc.load_model(
            model,
            pretrained=self.pretrained,
            num_classes=self.num_classes,
            checkpoint=self.checkpoint,
            state_key=self.state_key,
            allow_extra=self.allow_extra,
        )


@dataclass(frozen=True, kw_only=True)
class Layers(NetworkArguments):
    """Show what would be probed: names, kinds, widths and memory. Nothing is run."""

    model: Annotated[Positional[str], arg(metavar="MODEL", help=MODEL)]
    targets: Annotated[int, arg(metavar="N", help="Target width n, for the memory.")] = 1

    def run(self) -> int:
        from deepnrc.networks import called_shortcuts, choose

        network = self.network(self.model)
        choice = choose(network, list(self.layers))
        lines = [("layer", "kind", "read at", "width", "weight", "memory")]
        total = 0
        for site in choice.sites:
            size = 0 if site.dim is None else 8 * (site.dim + self.targets) ** 2
            total += size
            shape = site.missing if site.weight is None else _shape(site.weight)
            lines.append((site.name, site.kind, site.reads, str(site.dim or "?"), shape, _size(size)))
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
        print(f"{len(choice.sites)} layers, {_size(total)} of moments however many samples (order: as registered).")
        return GOOD


@dataclass(frozen=True, kw_only=True)
class ProbeCommand(NetworkArguments):
    """Measure every layer of a network on data, print a summary, and save the report."""

    model: Annotated[Positional[str], arg(metavar="MODEL", help=MODEL)]
    data: Annotated[str, arg(metavar="DATA", help=DATA)]
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
    targets: Annotated[
        str | None,
        arg(
            metavar="COLUMNS",
            help="Target columns, by name or, without a header, by number, such as 8,9 or -2,-1; steer, gas, brake and "
            "speed of CARLA's; or the csv of a folder of images.",
        ),
    ] = None
    drop: Annotated[str | None, arg(metavar="COLUMNS", help="Columns of a table to leave out, such as id,date.")] = None
    sep: Annotated[str | None, arg(metavar="MARK", help="What stands between a csv's columns: ';' or tab.")] = None
    decimal: Annotated[str | None, arg(metavar="MARK", help="The decimal mark of a csv's numbers, as , in 1,5.")] = None
    thousands: Annotated[str | None, arg(metavar="MARK", help="What parts thousands in a csv, as , in 1,200.")] = None
    observations: Annotated[
        str | None, arg(metavar="KEYS", help="Which arrays of a recording are the inputs, such as qpos,qvel.")
    ] = None
    actions: Annotated[str | None, arg(metavar="KEYS", help="Which arrays of a recording are the targets.")] = None
    batch: Annotated[
        tuple[str, str] | None,
        arg(
            metavar="INPUT TARGET",
            help="Which parts of a factory's batches are input and target, by name or position: image labels.angle.",
        ),
    ] = None
    image_size: Annotated[int | None, arg(metavar="PIXELS", help="Side to which images are brought.")] = None
    batch_size: Annotated[int, arg(metavar="N", help="Samples in a forward pass.")] = 256
    pool: Annotated[
        Literal["mean", "max", "positions", "flatten", "cls", "tokens", "last"],
        arg(help="How maps and tokens become rows."),
    ] = "mean"
    rank: Annotated[int | None, arg(metavar="K", help="Signal rank k; the targets' numerical rank if not given.")] = (
        None
    )
    probes: Annotated[
        tuple[str, ...],
        arg(metavar="NAME [NAME ...]", help="Names or globs, such as 'deep.*'; `deepnrc probes` lists them."),
    ] = ()
    repeats: Annotated[
        Literal["error", "first", "last", "each"], arg(help="What to do with a layer that runs more than once.")
    ] = "error"
    mask: Annotated[
        str,
        arg(metavar="KEY", help="Part of the input that is 1 for real tokens; none for none. A dict's attention_mask."),
    ] = "auto"
    axis: Annotated[
        int | None, arg(metavar="AXIS", help="Axis of the features, in outputs of layers where nothing tells it.")
    ] = None
    output: Annotated[
        str | None,
        arg(metavar="NAME", help="Which output predicts, by key, attribute or index, such as logits or policy.mean."),
    ] = None
    top: Annotated[
        tuple[str, ...],
        arg(metavar="LAYER [LAYER ...]", help="In front of the outputs, where the first batch does not tell it right."),
    ] = ()
    device: Annotated[str | None, arg(metavar="NAME", help="cpu, cuda, cuda:1, mps.")] = None
    autocast: Annotated[
        Literal["bfloat16", "float16"] | None, arg(metavar="DTYPE", help="Run the network in bfloat16 or float16.")
    ] = None
    max_samples: Annotated[int | None, arg(metavar="N", help="Stop after so many samples.")] = None
    run_name: Annotated[str | None, arg(name="run", metavar="LABEL", help="Label in the table.")] = None
    reference: Annotated[
        str | None,
        arg(
            metavar="untrained|DIR",
            help="What verdicts hold noise against: an untrained network of the same shape, or a saved report of one.",
        ),
    ] = None
    tau: Tau = TAU
    strict: Annotated[bool, arg(help="Exit with 4 if any value is degenerate.")] = False

    def samples(self, source: str, network: nn.Module) -> Any:
        """The samples of --data, or of another source that is read as it is."""
        import deepnrc

        return deepnrc.load_data(
            source,
            targets=[self.targets] if self.targets else None,
            image_size=self.image_size,
            batch_size=self.batch_size,
            model=network,
            drop=self.drop or (),
            sep=self.sep,
            decimal=self.decimal,
            thousands=self.thousands,
            observations=self.observations,
            actions=self.actions,
        )

    def run(self) -> int:
        import torch

        import deepnrc
        from deepnrc.table import Journal, check_tau

        journal: Journal[deepnrc.Report] = Journal(self.out, self.replace)
        check_tau(self.tau)
        reference = self._reference()
        network = self.network(self.model)
        data, held_out = (None if name is None else self.samples(name, network) for name in (self.data, self.held_out))
        report = deepnrc.probe(
            network,
            data,
            layers=list(self.layers),
            pool=self.pool,
            rank=self.rank,
            probes=list(self.probes) or None,
            device=self.device,
            autocast=getattr(torch, self.autocast) if self.autocast else None,
            max_samples=self.max_samples,
            batch=self.batch,
            held_out=held_out,
            groups=int(self.groups) if self.groups is not None and self.groups.isdecimal() else self.groups,
            repeats=self.repeats,
            mask=None if self.mask == "none" else self.mask,
            axis=self.axis,
            output=int(self.output) if self.output and self.output.isdecimal() else self.output,
            top=list(self.top) or None,
            reference=reference,
            run=self.run_name or self.model.rpartition(":")[2],
        )
        try:
            journal.add(report)
        finally:
            report.summary(self.tau)
        print(f"\n{shown(f'Saved in {self.out}. Next: deepnrc report {self.out} -o report.html')}")
        degenerate = bool((report.table["status"] == "degenerate").any())
        return DEGENERATE if self.strict and degenerate else GOOD

    def _reference(self) -> str | Report | None:
        """What was asked for; a saved report is read."""
        if self.reference is None or self.reference == "untrained":
            return self.reference
        import deepnrc

        return deepnrc.load(self.reference)


def _shape(weight: Weight) -> str:
    """Shape of W, and how it is known where the class does not tell."""
    shape = "x".join(map(str, weight.matrix().shape))
    return f"{shape} ({weight.note})" if weight.note else shape


def _size(n: float) -> str:
    for unit in ("B", "kB", "MB"):
        if n < 1000:
            return f"{n:.0f} {unit}"
        n /= 1000
    return f"{n:.1f} GB"
