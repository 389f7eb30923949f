"""Your own table, or any data of rows that ``deepnrc probe --data`` reads: collapse over weight decay."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Annotated, ClassVar, Literal

from tyro.conf import arg

from deepnrc.errors import UsageError
from experiments.claims import Inquiry, weight_decay_orders
from experiments.data import Data, Linnerud, OwnFile
from experiments.runner import Recipe, Study
from experiments.studies.perceptrons import Perceptrons

OWN = "A network learns {targets} from '{data}'; targets: {scaling}."
EXAMPLE = (
    "No --data was given, so this is Linnerud's exercise data, an example of 20 men, 16 of whom are trained on: "
    "weight, waist and pulse from chin-ups, sit-ups and jumps; targets: {scaling}. With no more samples than features "
    "and one, anything can be predicted linearly: the linear predictability of all layers but the first is marked as "
    "degenerate and says nothing. What is learned of 16 men is chance: the largest weight decay leaves the weaker "
    "target directions unlearned, and in some splits all of them. It shows the form of a study; no claim "
    "can be judged by it."
)
FEW = "16 samples are fewer than the layers are wide"


@dataclass(frozen=True, kw_only=True)
class Tabular(Perceptrons):
    """Your own data, a table or anything that --data of the command reads: noise, ranks and alignments by layer."""

    takes: ClassVar[str] = "1 minute"

    data: Annotated[
        str | None, arg(help="A .csv, .parquet, .npz or .hdf5 file or whatever `deepnrc probe --data` reads.")
    ] = None
    targets: Annotated[
        tuple[str, ...],
        arg(help="Target columns of a table, by name or, without a header, number.", help_behavior_hint=""),
    ] = ()
    rank: Annotated[int | None, arg(help="Signal rank k; the targets' numerical rank if not given.")] = None
    scaling: Annotated[
        Literal["standardise", "centre", "positive", "none"],
        arg(help="What is done to the targets; positive: spreads above their least value."),
    ] = "standardise"
    depth: Annotated[int, arg(help="Hidden layers.")] = 5
    width: Annotated[int | None, arg(help="Of each hidden layer: 64, and with --full 512.")] = None

    def inquiry(self) -> Inquiry:
        """One setting for each weight decay."""
        width = (512 if self.full else 64) if self.width is None else self.width
        data, about, name = self._data()
        decays, probe = self.decays((0.0, 1e-3, 5e-3)), {} if self.rank is None else {"rank": self.rank}
        settings = self.over_decays(
            data,
            self.mlp(*[width] * self.depth),
            self.recipe(Recipe(epochs=1000 if self.full else 300)),
            decays,
            probe=probe,
        )
        claims = weight_decay_orders(len(decays))
        if self.data is None:
            claims = tuple(
                replace(claim, read=lambda results: math.nan, unread=lambda results: FEW) for claim in claims
            )
        return Inquiry(Study(f"tabular-{name}", about, settings, tuple(range(self.seeds))), claims)

    def _data(self) -> tuple[Data, str, str]:
        """The data, what the page says of it, and its name."""
        if self.data is None:
            if self.targets:
                raise UsageError("--targets are columns of a table: name it with --data FILE.")
            return Linnerud(self.scaling), EXAMPLE.format(scaling=self.scaling), "linnerud"
        columns = ", ".join(self.targets) or "the targets"
        name = re.sub(r"[^\w.-]+", "-", PurePath(self.data.partition(":")[2] or self.data).stem).strip("-.") or "data"
        about = OWN.format(targets=columns, data=self.data, scaling=self.scaling)
        return OwnFile(self.data, self.targets or None, self.scaling), about, name
