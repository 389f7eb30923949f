"""What commands that probe a network are given: the network, samples, and how they are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Positional

from deepnrc.commands.base import Command, arg

if TYPE_CHECKING:
    from torch import nn

SKETCH = (
    "Keep S random directions of the features of layers wider than that, in place of their covariance; what is read so "
    "says how far it may be off."
)
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
            help="Weights: .pt, .pth, .ckpt, .safetensors, Stable-Baselines3's .zip; no code in it is run. `probe` "
            "takes a folder of them too, or a pattern in quotes: 'ck/*.pt'.",
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
class InputArguments(NetworkArguments):
    """Which samples, and how network and samples are read."""

    model: Annotated[Positional[str], arg(metavar="MODEL", help=MODEL)]
    data: Annotated[str, arg(metavar="DATA", help=DATA)]
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
    progress: Annotated[bool, arg(help="Show no bars.")] = True
    max_samples: Annotated[int | None, arg(metavar="N", help="Stop after so many samples.")] = None
    memory: Annotated[
        str | None,
        arg(
            metavar="SIZE",
            help="What the layers' statistics may take, such as 4GB; half of what is free if not given. Layers that do "
            "not fit are read in further passes over the data.",
        ),
    ] = None

    sketch: Annotated[int | None, arg(metavar="S", help=SKETCH)] = None

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

    def options(self) -> dict[str, Any]:
        """What ``deepnrc.probe`` takes of it beside the network and its samples."""
        import torch

        return {
            "layers": list(self.layers),
            "pool": self.pool,
            "rank": self.rank,
            "device": self.device,
            "autocast": getattr(torch, self.autocast) if self.autocast else None,
            "max_samples": self.max_samples,
            "batch": self.batch,
            "repeats": self.repeats,
            "mask": None if self.mask == "none" else self.mask,
            "axis": self.axis,
            "output": self.output,
            "memory": self.memory,
            "sketch": self.sketch,
            "top": list(self.top) or None,
        }
