"""The command that shows the readings of one quantity side by side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from deepnrc.commands.base import GOOD, arg
from deepnrc.commands.inputs import InputArguments


@dataclass(frozen=True, kw_only=True)
class Definitions(InputArguments):
    """Show, for one network, the readings of the same quantity side by side and why they differ.

    For example: deepnrc definitions net.py:build --data data.npz -o readings.csv
    """

    gamma: Annotated[float | None, arg(metavar="GAMMA", help="Read NRC3 at this gamma too.")] = None
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
        probes: list[str | Probe] = list(DEFINITIONS)
        if self.gamma is not None:
            fixed = top.fixed_gamma(self.gamma)
            variant = f"gamma = {self.gamma:g}"
            probes.append(Probe("given.nrc3", fixed, f"NRC3 at {variant}", where="top", variant=variant))
        data, run = self.samples(self.data, network), self.model.rpartition(":")[2]
        report = deepnrc.probe(network, data, probes=probes, run=run, progress=self.progress, **self.options())
        readings = report.definitions()
        print(told(readings))
        if self.gamma is not None:
            row = report.values("given.nrc3", variant).iloc[0]
            print(f"\nNRC3 with gamma fixed at {self.gamma:g}: {row['value']:.3g} {row['note'] or row['status']}")
        if self.out is not None:
            with written(self.out):
                write_whole({self.out: to_csv(readings).encode()}, "The table")
        return GOOD
