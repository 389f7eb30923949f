"""`python -m experiments NAME`: run a study from a checkout."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import tyro

from deepnrc.commands import reader_left, while_read
from deepnrc.data import quiet
from deepnrc.errors import DeepNRCError
from deepnrc.wording import did_you_mean, shown
from experiments.studies import COMMANDS, Command, Family

PROG = "python -m experiments"


def main(arguments: list[str] | None = None) -> int:
    """Run the study that the command line names; the exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    return while_read(lambda: _main(words))


def _main(words: list[str]) -> int:
    name = words[0] if words else "list"
    if name in ("list", "-h", "--help"):
        print(overview())
        return 0
    if name not in COMMANDS:
        print(
            f"experiments: There is no study {name!r}.{did_you_mean(name, COMMANDS)}\n\n{overview()}", file=sys.stderr
        )
        return 2
    try:
        study = parsed(name, words[1:])
        with quiet(not getattr(study, "progress", True)):
            study.run()
    except KeyboardInterrupt:
        resumed = "; the same command goes on where it was" if issubclass(COMMANDS[name], Family) else ""
        print(f"experiments: interrupted{resumed}.", file=sys.stderr)
        return 130
    except (DeepNRCError, ValueError, RuntimeError, OSError) as error:
        if reader_left(error):
            raise
        print(f"experiments: {shown(' '.join(str(error).split()))}", file=sys.stderr)
        return getattr(error, "exit_code", 2)
    return 0


def parsed(name: str, words: list[str]) -> Command:
    """The study with its flags; those of a ``--settings`` file stand where no other flag is given.

    A switch that is on in the file goes off with its --no-NAME.
    """
    kind = COMMANDS[name]
    if issubclass(kind, Family):
        before = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
        before.add_argument("--settings", type=Path, nargs="?")
        file = before.parse_known_args(words)[0].settings
        words = words if file is None else [*kind.restored(file), *words]
    made: Command = tyro.cli(kind, args=words, prog=f"{PROG} {name}")
    return made


def overview() -> str:
    """Every study, how long its defaults take on 2 cores, and what it shows."""
    width, time = max(map(len, COMMANDS)), max(len(kind.takes) for kind in COMMANDS.values())
    lines = [f"  {name:{width}}  {kind.takes:{time}}  {what(kind)}" for name, kind in COMMANDS.items()]
    head = f"{PROG} NAME [flags]; {PROG} NAME --help says which. Studies, with their time on 2 cores:"
    return "\n".join([head, "", *lines])


def what(kind: type[Command]) -> str:
    """The first line of a study's docstring."""
    return (kind.__doc__ or "").strip().splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
