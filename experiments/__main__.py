"""`python -m experiments NAME`: run a study from a checkout."""

from __future__ import annotations

import sys
from typing import Annotated

import tyro

from deepnrc.errors import DeepNRCError
from experiments.demo import Demo
from experiments.family import Family
from experiments.mujoco import Expert
from experiments.synthetic import Synthetic

STUDIES = (
    Annotated[Demo, tyro.conf.subcommand("demo")]
    | Annotated[Synthetic, tyro.conf.subcommand("synthetic")]
    | Annotated[Expert, tyro.conf.subcommand("expert")]
    | Annotated[None, tyro.conf.subcommand("list")]
)
TIMES = {
    "demo": "1 minute: a swimmer policy collapses layer by layer, and the same without weight decay",
    "synthetic": "2 minutes: targets of low rank; noise, ranks and alignments by layer, over weight decay",
    "expert": "5 minutes: reacher, swimmer or hopper experts imitated; deep and top-layer collapse",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the study that the command line names; the exit code."""
    study = tyro.cli(
        STUDIES,
        args=arguments,
        prog="python -m experiments",
        config=(tyro.conf.FlagCreatePairsOff,),
    )
    if study is None:
        for name, what in TIMES.items():
            print(f"{name}: {what}")
        return 0
    try:
        study.run()
    except KeyboardInterrupt:
        resumed = "; the same command goes on where it was" if isinstance(study, Family) else ""
        print(f"experiments: interrupted{resumed}.", file=sys.stderr)
        return 130
    except (DeepNRCError, ValueError, RuntimeError, OSError) as error:
        print(f"experiments: {' '.join(str(error).split())}", file=sys.stderr)
        return getattr(error, "exit_code", 2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
