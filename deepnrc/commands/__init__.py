"""The commands of `deepnrc`: each a dataclass whose fields are its flags and whose `run` returns the exit code."""

from __future__ import annotations

from typing import Annotated

from tyro.conf import subcommand

from deepnrc.commands.base import GOOD, Command
from deepnrc.commands.instrument import Probes, SelfTest
from deepnrc.commands.measure import Layers, ProbeCommand
from deepnrc.commands.saved import Heatmap, ReportCommand, Spectrum

__all__ = ["GOOD", "Command", "Commands"]

Commands = (
    Annotated[Layers, subcommand("layers")]
    | Annotated[ProbeCommand, subcommand("probe")]
    | Annotated[Heatmap, subcommand("heatmap")]
    | Annotated[Spectrum, subcommand("spectrum")]
    | Annotated[ReportCommand, subcommand("report")]
    | Annotated[Probes, subcommand("probes")]
    | Annotated[SelfTest, subcommand("selftest")]
)
