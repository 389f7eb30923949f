"""The command that shows the readings of one quantity side by side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from deepnrc.commands.base import GOOD
from deepnrc.commands.measure import DATA, MODEL, NetworkArguments


@dataclass(frozen=True, kw_only=True)
class Definitions(NetworkArguments):
    """Show, for one network, the readings of the same quantity side by side and why they differ."""

    model: Annotated[Positional[str], arg(metavar="MODEL", help=MODEL)]
    data: Annotated[str, arg(metavar="DATA", help=DATA)]
    targets: Annotated[str | None, arg(metavar="COLUMNS", help="Target columns, as for `deepnrc probe`.")] = None
    rank: Annotated[int | None, arg(metavar="K", help="Signal rank k; the targets' numerical rank if not given.")] = (
        None
    )
    gamma: Annotated[float | None, arg(metavar="GAMMA", help="Read NRC3 at this gamma too.")] = None
    image_size: Annotated[int | None, arg(metavar="PIXELS", help="Side to which images are brought.")] = None
    batch_size: Annotated[int, arg(metavar="N", help="Samples in a forward pass.")] = 256
    max_samples: Annotated[int | None, arg(metavar="N", help="Stop after so many samples.")] = None
    out: Annotated[Path | None, arg(metavar="FILE", aliases=["-o"], help="Write the readings there, as .csv.")] = None

    def run(self) -> int:
        import deepnrc
        from deepnrc.commands.saved import written
        from deepnrc.errors import UsageError
        from deepnrc.table import DEFINITIONS, to_csv, told, write_whole
        from probes import Probe, top

        if self.gamma is not None and not self.gamma >= 0:
            raise UsageError(f"--gamma must be at least 0; it is {self.gamma:g}.")
        network = self.network(self.model)
        data = deepnrc.load_data(
            self.data,
            targets=[self.targets] if self.targets else None,
            image_size=self.image_size,
            batch_size=self.batch_size,
            model=network,
        )
        probes: list[str | Probe] = list(DEFINITIONS)
        if self.gamma is not None:
            fixed = top.fixed_gamma(self.gamma)
            variant = f"gamma = {self.gamma:g}"
            probes.append(Probe("given.nrc3", fixed, f"NRC3 at {variant}", where="top", variant=variant))
        report = deepnrc.probe(
            network,
            data,
            layers=list(self.layers),
            rank=self.rank,
            probes=probes,
            max_samples=self.max_samples,
            run=self.model.rpartition(":")[2],
        )
        readings = report.definitions()
        print(told(readings))
        if self.gamma is not None:
            row = report.values("given.nrc3", variant).iloc[0]
            print(f"\nNRC3 with gamma fixed at {self.gamma:g}: {row['value']:.3g} {row['note'] or row['status']}")
        if self.out is not None:
            with written(self.out):
                write_whole({self.out: to_csv(readings).encode()}, "The table")
        return GOOD
