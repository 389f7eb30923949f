"""The `deepnrc` command.

Exit codes: 0 good, 1 self-test failed or unforeseen error, 2 usage, 3 data or checkpoint unreadable, 4 degenerate with
--strict, 130 interrupted.
"""

from __future__ import annotations

import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Annotated, Any

import tyro
from tyro.conf import subcommand

from deepnrc._version import __version__
from deepnrc.commands.allocator import keep_freed
from deepnrc.commands.base import GOOD, Command
from deepnrc.commands.definitions import Definitions
from deepnrc.commands.failures import explained, flags
from deepnrc.commands.instrument import Probes, SelfTest
from deepnrc.commands.pipes import reader_left, while_read
from deepnrc.commands.probe import Layers, ProbeCommand
from deepnrc.commands.publications import Published
from deepnrc.commands.saved import Heatmap, ReportCommand, Spectrum
from deepnrc.wording import shown

INTERRUPTED = 130
Commands = (
    Annotated[Layers, subcommand("layers")]
    | Annotated[ProbeCommand, subcommand("probe")]
    | Annotated[Heatmap, subcommand("heatmap")]
    | Annotated[Spectrum, subcommand("spectrum")]
    | Annotated[ReportCommand, subcommand("report")]
    | Annotated[Definitions, subcommand("definitions")]
    | Annotated[Probes, subcommand("probes")]
    | Annotated[Published, subcommand("published")]
    | Annotated[SelfTest, subcommand("selftest")]
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, run, and turn every refusal into one line and an exit code."""
    if arguments is None:  # the process is this command's
        keep_freed()
    words = list(sys.argv[1:] if arguments is None else arguments)
    return while_read(lambda: _main(words))


def _main(arguments: list[str]) -> int:
    if arguments == ["--version"]:
        print(__version__)
        return GOOD
    if arguments[:1] == ["--debug"]:  # before the command as well as after it
        arguments = [*arguments[1:], "--debug"]
    parse: Any = tyro.cli
    command: Command = parse(
        Commands,
        args=arguments,
        prog="deepnrc",
        description="Layer probes that measure deep neural regression collapse in any torch network.",
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
    )
    return run(command)


def run(command: Command) -> int:
    """Run a parsed command."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warn
            return command.run()
    except KeyboardInterrupt:
        print("deepnrc: interrupted.", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:  # what users see of any failure is one line; --debug brings the rest
        if reader_left(error):
            raise
        if command.debug:
            traceback.print_exc()
        refusal = explained(error)
        print(f"deepnrc: {shown(' '.join(refusal.told(flags(type(command))).split()))}", file=sys.stderr)
        return refusal.exit_code


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    print(f"deepnrc: warning: {shown(' '.join(str(message).split()))}", file=sys.stderr)
